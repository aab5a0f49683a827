"""A checkpoint and a gallery, loaded and checked: what scores depend on, and how to encode.

Each type of model has one function here, named in `LOADERS`.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from transformers import CLIPModel

from information_retrieval import cross_encoder, dual_encoder
from information_retrieval.checkpoint import (
    load_image_processor,
    load_model,
    load_tokenizer,
    weights_revision,
)
from information_retrieval.dataset import check_feature_dim
from information_retrieval.lxmert import LxmertForImageTextMatching
from information_retrieval.tokenization import tokenize_captions
from preprocess.errors import InputError
from preprocess.features_file import FeaturesFile
from preprocess.hdf5 import SplitHdf5
from preprocess.images_file import ImagesFile
from preprocess.split_file import Split

# Captions in a tile: with 64 images, 50 s of the published LXMERT on 2 CPU cores.
BLOCK_CAPTIONS = {"cpu": 16, "cuda": 1024}
# What a configuration says of where it came from and who wrote it.
CONFIG_HISTORY = {"_name_or_path", "transformers_version", "dtype"}


class Scorer(Protocol):
    """Encoded images and captions, of which any tile of scores can be computed."""

    def score(self, rows: slice, columns: np.ndarray) -> np.ndarray:
        """Return (n_rows, n_columns) float32."""


@dataclass(frozen=True)
class GalleryFiles:
    """The HDF5 files of a gallery's split; each model reads one."""

    features: Path
    images: Path


@dataclass(frozen=True)
class EncoderOptions:
    """How a gallery is encoded.

    Attributes:
        dtype: float32, or the type to autocast to.
        batch_size: images or captions encoded at once.
        num_workers: processes that read and decode images.
        show_progress: whether bars are shown.
        negative_images: CLIP: each pixel value x becomes (256 - x) mod 256, as in the original.
    """

    dtype: torch.dtype
    batch_size: int
    num_workers: int
    show_progress: bool
    negative_images: bool = False


@dataclass(frozen=True)
class LoadedGallery:
    """A model and a gallery that fits it; nothing is encoded yet.

    Attributes:
        identity: what the scores depend on, as text by name.
        column_blocks: the columns of each block of tiles.
        encode: gives the scorer of the images in an ascending choice of rows (n,) int64.
    """

    identity: dict[str, str]
    column_blocks: tuple[np.ndarray, ...]
    encode: Callable[[np.ndarray], Scorer]


def load_gallery(
    name: str, gallery: Split, files: GalleryFiles, device: torch.device, options: EncoderOptions
) -> LoadedGallery:
    """Load a checkpoint on a device, and check that the gallery can be scored with it.

    Args:
        name: checkpoint folder or hub id.

    Raises:
        InputError: no such checkpoint or file, features of another dimension, an image that is
            not in the file, or a caption longer than the model's position table.
    """
    model = load_model(name).to(device)
    loaded = LOADERS[model.config.model_type](name, model, gallery, files, options)
    config = {k: v for k, v in model.config.to_dict().items() if k not in CONFIG_HISTORY}
    identity = {
        "weights": weights_revision(name),
        "config_sha256": _sha256(config),
        "gallery_sha256": gallery.sha256,
        "dtype": str(options.dtype).removeprefix("torch."),
        **loaded.identity,
    }
    return LoadedGallery(identity, loaded.column_blocks, loaded.encode)


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
    token_ids = tokenize_captions(gallery, tokenizer, model.config.max_position_embeddings)
    identity = {
        "tokens_sha256": _sha256(token_ids),
        "detector_sha256": str(features.attributes["weights_sha256"]),
        "features_sha256": _data_sha256(features, gallery.image_ids),
    }

    def encode(rows: np.ndarray) -> Scorer:
        return cross_encoder.encode_gallery(
            model,
            token_ids,
            features,
            gallery.image_ids[rows],
            dtype=options.dtype,
            batch_size=options.batch_size,
            num_workers=options.num_workers,
        )

    return LoadedGallery(identity, _blocks_of_one_length(token_ids, model.device), encode)


def _load_clip(
    name: str, model: CLIPModel, gallery: Split, files: GalleryFiles, options: EncoderOptions
) -> LoadedGallery:
    text = model.config.text_config
    tokenizer = load_tokenizer(name, text.vocab_size)
    token_ids = tokenize_captions(gallery, tokenizer, text.max_position_embeddings)
    image_processor = load_image_processor(name)
    images = ImagesFile(files.images)
    identity = {
        "tokens_sha256": _sha256(token_ids),
        "image_processor_sha256": _sha256(image_processor.to_dict()),
        "images_sha256": _data_sha256(images, gallery.image_ids),
        "negative_images": str(options.negative_images),
    }

    def encode(rows: np.ndarray) -> Scorer:
        return dual_encoder.encode_gallery(
            model,
            token_ids,
            tokenizer.pad_token_id,
            images,
            gallery.image_ids[rows],
            image_processor,
            dtype=options.dtype,
            batch_size=options.batch_size,
            num_workers=options.num_workers,
            show_progress=options.show_progress,
            negative_images=options.negative_images,
        )

    columns = np.arange(len(token_ids))
    starts = range(dual_encoder.BLOCK_CAPTIONS, len(columns), dual_encoder.BLOCK_CAPTIONS)
    return LoadedGallery(identity, tuple(np.split(columns, starts)), encode)


LOADERS = {"lxmert": _load_lxmert, "clip": _load_clip}


def _blocks_of_one_length(
    token_ids: list[list[int]], device: torch.device
) -> tuple[np.ndarray, ...]:
    """Return the columns of each block: captions of one length, the shortest first."""
    lengths = np.array([len(ids) for ids in token_ids])
    most = BLOCK_CAPTIONS.get(device.type, BLOCK_CAPTIONS["cpu"])
    blocks = []
    for length in np.unique(lengths):
        columns = np.flatnonzero(lengths == length)
        blocks += np.split(columns, range(most, len(columns), most))
    return tuple(blocks)


def _sha256(content: object) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _data_sha256(file: SplitHdf5, image_ids: np.ndarray) -> str:
    """Return what identifies the data of a gallery's images: the hash of their checksums."""
    rows = [file.row_of(image_id) for image_id in image_ids]
    return hashlib.sha256(file.checksums[rows].tobytes()).hexdigest()
