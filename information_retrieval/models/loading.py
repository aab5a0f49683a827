"""A checkpoint and a gallery, loaded and checked: what scores depend on, and how to encode.

A model reads either region features (LXMERT) or images. Of those that read images, X-VLM has its
own encoded gallery, another cross-encoder its class in `MATCHING_GALLERIES`, and any other is a
dual encoder.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from information_retrieval.models import dual_encoder, matching_gallery
from information_retrieval.models.blip import BlipGallery
from information_retrieval.models.checkpoint import load_model, load_tokenizer, weights_revision
from information_retrieval.models.gallery_images import pixel_batches
from information_retrieval.models.image_inputs import data_sha256, read_inputs, sha256_of
from information_retrieval.models.known_answers import (
    check_answers,
    detector_answers,
    region_answers,
    token_answers,
)
from information_retrieval.models.loaded_gallery import (
    EncoderOptions,
    GalleryFiles,
    LoadedGallery,
    Scorer,
)
from information_retrieval.models.lxmert import encoded_gallery as cross_encoder
from information_retrieval.models.lxmert.cross_layers import BlockOptions
from information_retrieval.models.lxmert.model import LxmertForImageTextMatching
from information_retrieval.models.lxmert.region_features import check_feature_dim
from information_retrieval.models.matching_gallery import MatchingGallery
from information_retrieval.models.tokenization import tokenize_captions
from information_retrieval.models.vilt import ViltGallery
from information_retrieval.models.xvlm import encoded_gallery as xvlm_gallery
from information_retrieval.models.xvlm.encoders import encode_features
from information_retrieval.models.xvlm.model import XvlmModel
from preprocess.base.device import check_compiler
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split
from preprocess.storage.features_file import FeaturesFile

MATCHING_GALLERIES: dict[str, type[MatchingGallery]] = {"vilt": ViltGallery, "blip": BlipGallery}
# LXMERT's captions in a tile: with 64 images, 50 s of the published model on 2 CPU cores.
BLOCK_CAPTIONS = {"cpu": 16, "cuda": 1024}
# What a configuration says of where it came from and who wrote it.
CONFIG_HISTORY = {"_name_or_path", "transformers_version", "dtype"}


def load_gallery(
    name: str, gallery: Split, files: GalleryFiles, device: torch.device, options: EncoderOptions
) -> LoadedGallery:
    """Load a checkpoint on a device, and check that the gallery can be scored with it.

    Args:
        name: checkpoint folder or hub id.

    Raises:
        InputError: no such checkpoint, or those of `gallery_for`.
    """
    model = load_model(name).to(device)
    loaded = gallery_for(name, model, gallery, files, options)
    config = {k: v for k, v in model.config.to_dict().items() if k not in CONFIG_HISTORY}
    identity = {
        "weights": weights_revision(name),
        "config_sha256": sha256_of(config),
        **loaded.identity,
    }
    return replace(loaded, identity=identity)


def gallery_for(
    name: str,
    model: PreTrainedModel,
    gallery: Split,
    files: GalleryFiles,
    options: EncoderOptions,
) -> LoadedGallery:
    """Check that a gallery can be scored with a model that is loaded already.

    Args:
        name: checkpoint folder or hub id that has the model's tokenizer and image processor.
        model: in eval mode when the gallery is encoded, which is with the weights it has then.

    Returns:
        the gallery; its identity says nothing of the weights.

    Raises:
        InputError: no such file, features of another dimension, an image that is not in the file,
            a caption longer than the model's position table where that is an error, or a model
            that is neither a cross-encoder named here nor a dual encoder.
    """
    kind = model.config.model_type
    if options.compile and kind != "lxmert":
        raise InputError(f"--compile: for an LXMERT; {name} is a {kind} model: leave it out")
    if options.score is not None and kind != "xvlm":
        raise InputError(
            f"--score {options.score}: for an X-VLM, which has two kinds of score; {name} is a "
            f"{kind} model: leave it out"
        )
    if kind in LOADERS:
        load = LOADERS[kind]
    else:
        load = _load_matching_gallery if kind in MATCHING_GALLERIES else _load_dual_encoder
    loaded = load(name, model, gallery, files, options)
    identity = {
        "gallery_sha256": gallery.sha256,
        "dtype": str(options.dtype).removeprefix("torch."),
        **loaded.identity,
    }
    return replace(loaded, identity=identity)


def _load_lxmert(
    name: str,
    model: LxmertForImageTextMatching,
    gallery: Split,
    files: GalleryFiles,
    options: EncoderOptions,
) -> LoadedGallery:
    if options.negative_images:
        raise InputError(
            f"--negative_images: {name} is an LXMERT, which reads features, not images"
        )
    tokenizer = load_tokenizer(name, model.config.vocab_size)
    features = FeaturesFile(files.features)
    check_feature_dim(features, model)
    positions = model.config.max_position_embeddings
    tokens = tokenize_captions(gallery, tokenizer, positions, long_captions=options.long_captions)
    token_ids = tokens.token_ids
    features.check_split(gallery)
    check_answers(token_answers(tokenizer, model.config), name, options.wrong_answers)
    check_answers(
        region_answers(features, gallery.image_ids), str(files.features), options.wrong_answers
    )
    check_answers(
        detector_answers(features, model.config), str(files.features), options.wrong_answers
    )
    identity = {
        "tokens_sha256": sha256_of(token_ids),
        "detector_sha256": str(features.attributes["weights_sha256"]),
        "features_sha256": data_sha256(features, gallery.image_ids),
    }
    if options.compile:  # it rounds in other places
        check_compiler(model.device)
        identity["compile"] = "True"
    block_options = BlockOptions(compile=options.compile)

    def encode(rows: np.ndarray) -> Scorer:
        return cross_encoder.encode_gallery(
            model,
            token_ids,
            features,
            gallery.image_ids[rows],
            options=block_options,
            **options.of_every_model(),
        )

    blocks = _blocks_of_one_length(token_ids, BLOCK_CAPTIONS, model.device)
    return LoadedGallery(identity, tokens, tuple(blocks), encode)


def _load_dual_encoder(
    name: str,
    model: PreTrainedModel,
    gallery: Split,
    files: GalleryFiles,
    options: EncoderOptions,
) -> LoadedGallery:
    dual_encoder.scale_and_bias(model)  # raises for models that do not compare images and texts
    inputs = read_inputs(name, model, gallery, files, options)

    def encode(rows: np.ndarray) -> Scorer:
        return dual_encoder.encode_gallery(
            model,
            inputs.tokens.token_ids,
            inputs.pad_id,
            inputs.images,
            gallery.image_ids[rows],
            inputs.image_processor,
            negative_images=options.negative_images,
            **options.of_every_model(),
        )

    columns = np.arange(len(inputs.tokens.token_ids))
    blocks = _blocks(columns, dual_encoder.BLOCK_CAPTIONS)
    return LoadedGallery(inputs.identity, inputs.tokens, tuple(blocks), encode)


def _load_matching_gallery(
    name: str,
    model: PreTrainedModel,
    gallery: Split,
    files: GalleryFiles,
    options: EncoderOptions,
) -> LoadedGallery:
    gallery_class = MATCHING_GALLERIES[model.config.model_type]
    inputs = read_inputs(name, model, gallery, files, options)

    def encode(rows: np.ndarray) -> Scorer:
        pixels = inputs.pixels(gallery.image_ids[rows], options.negative_images)
        return matching_gallery.encode_gallery(
            gallery_class, model, inputs.tokens.token_ids, pixels, **options.of_every_model()
        )

    token_ids = inputs.tokens.token_ids
    blocks = _blocks_of_one_length(token_ids, gallery_class.BLOCK_CAPTIONS, model.device)
    return LoadedGallery(inputs.identity, inputs.tokens, tuple(blocks), encode)


def _load_xvlm(
    name: str, model: XvlmModel, gallery: Split, files: GalleryFiles, options: EncoderOptions
) -> LoadedGallery:
    inputs = read_inputs(name, model, gallery, files, options)
    token_ids = inputs.tokens.token_ids
    encoding: dict[str, Any] = {
        "dtype": options.dtype,
        "batch_size": options.batch_size,
        "show_progress": options.show_progress,
    }
    score = options.score or "itm"

    def encode(rows: np.ndarray) -> Scorer:
        pixels = inputs.pixels(gallery.image_ids[rows], options.negative_images)
        batches = pixel_batches(pixels, options.batch_size, options.num_workers, model.device)
        if score == "itc":
            # Cosines, not divided by the temperature, which changes no rank.
            return dual_encoder.EncodedGallery(
                *encode_features(model, token_ids, batches, **encoding)
            )
        return xvlm_gallery.encode_gallery(model, token_ids, batches, **encoding)

    if score == "itc":
        blocks = _blocks(np.arange(len(token_ids)), dual_encoder.BLOCK_CAPTIONS)
    else:
        blocks = _blocks_of_one_length(token_ids, xvlm_gallery.BLOCK_CAPTIONS, model.device)
    identity = {**inputs.identity, "score": score}
    return LoadedGallery(identity, inputs.tokens, tuple(blocks), encode)


LOADERS: dict[str, Callable[..., LoadedGallery]] = {"lxmert": _load_lxmert, "xvlm": _load_xvlm}


def _blocks(columns: np.ndarray, most: int) -> list[np.ndarray]:
    return np.split(columns, range(most, len(columns), most))


def _blocks_of_one_length(
    token_ids: list[list[int]], block_captions: dict[str, int], device: torch.device
) -> list[np.ndarray]:
    """Return the columns of each block: captions of one length, the shortest first.

    Args:
        block_captions: the most captions of a block, by the type of device.
    """
    lengths = np.array([len(ids) for ids in token_ids])
    most = block_captions.get(device.type, block_captions["cpu"])
    columns = (np.flatnonzero(lengths == length) for length in np.unique(lengths))
    return [block for of_length in columns for block in _blocks(of_length, most)]
