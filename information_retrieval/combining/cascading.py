"""A shortlist of pairs, scored by LXMERT or X-VLM: what may be, and what made it."""

import sys
from pathlib import Path

import numpy as np
import torch
import transformers

from information_retrieval.combining.shortlist import (
    ShortlistedPairs,
)
from information_retrieval.models.checkpoint import (
    load_config,
    load_model,
    load_tokenizer,
    weights_revision,
)
from information_retrieval.models.loaded_gallery import EncoderOptions, GalleryFiles
from information_retrieval.models.loading import load_gallery
from information_retrieval.models.lxmert.listed_pairs import score_listed_pairs
from information_retrieval.models.lxmert.region_features import check_feature_dim
from information_retrieval.models.tokenization import TokenizedCaptions, tokenize_captions
from information_retrieval.models.xvlm.encoded_gallery import EncodedGallery
from information_retrieval.ranking.protocols import Protocol
from information_retrieval.ranking.rankings import Rankings
from information_retrieval.scoring.evaluation_output import code_version
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split
from preprocess.storage.features_file import FeaturesFile


def check_cross_encoder(name: str) -> None:
    """Raise InputError unless the checkpoint `name` is an LXMERT or an X-VLM."""
    found = load_config(name).model_type
    if found not in ("lxmert", "xvlm"):
        raise InputError(
            f"{name}: expected an LXMERT or an X-VLM to order the shortlists, found a {found} "
            "model; scores of all pairs by it come from `python -m information_retrieval.evaluate`"
        )


def gallery_protocol(first: Rankings) -> Protocol:
    """Return the protocol of the one gallery that the whole matrix of `first` is.

    The matrix of 5fold is that of 5k; its folds are only cut from it when ranks are counted.
    """
    protocol = first.metadata.get("protocol", "full")
    return "5k" if protocol == "5fold" else protocol


def check_finite(scores: np.ndarray, pairs: ShortlistedPairs, gallery: Split) -> None:
    """Raise InputError when a score (n_pairs,) is NaN or infinite, naming the pair."""
    bad = np.flatnonzero(~np.isfinite(scores))
    if len(bad):
        image_id = gallery.image_ids[pairs.rows[bad[0]]]
        caption_id = gallery.caption_ids[pairs.columns[bad[0]]]
        raise InputError(
            f"the score of image {image_id} and caption {caption_id} is {scores[bad[0]]}; check "
            "the model's weights, or compute in float32"
        )


def describe(name: str, first: Rankings, split: Split, dtype: str, shortlist: int) -> dict:
    """Return the metadata of the result: what made it, from what."""
    return {
        "model": name,
        "weights": weights_revision(name),
        "dataset": split.dataset,
        "split": split.split,
        "split_sha256": split.sha256,
        "protocol": gallery_protocol(first),
        "dtype": dtype,
        "shortlist": shortlist,
        **({"score": "itm"} if load_config(name).model_type == "xvlm" else {}),
        "first_stage": first.metadata,
        "code_version": code_version(),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "command": sys.argv,
    }


def score_shortlisted(
    pairs: ShortlistedPairs,
    gallery: Split,
    name: str,
    files: GalleryFiles,
    device: torch.device,
    options: EncoderOptions,
    block_pairs: int,
) -> tuple[np.ndarray, TokenizedCaptions]:
    """Score the pairs by the checkpoint `name`: (n_pairs,) float32, finite.

    Args:
        block_pairs: pairs that LXMERT scores at once; X-VLM's blocks are an image's captions.

    Returns:
        the scores, and the captions as the model read them.

    Raises:
        InputError: a file or an image in it is missing, or a score is NaN or infinite.
    """
    if load_config(name).model_type == "xvlm":
        scores, tokens = _score_by_xvlm(pairs, gallery, name, files, device, options)
    else:
        scores, tokens = _score_by_lxmert(
            pairs, gallery, name, files.features, device, options, block_pairs
        )
    check_finite(scores, pairs, gallery)
    return scores, tokens


def _score_by_xvlm(
    pairs: ShortlistedPairs,
    gallery: Split,
    name: str,
    files: GalleryFiles,
    device: torch.device,
    options: EncoderOptions,
) -> tuple[np.ndarray, TokenizedCaptions]:
    loaded = load_gallery(name, gallery, files, device, options)
    _print_warnings(loaded.tokens)
    scorer = loaded.encode(np.arange(len(gallery.images)))
    assert isinstance(scorer, EncodedGallery)
    return scorer.score_listed(pairs.rows, pairs.columns, options.show_progress), loaded.tokens


def _score_by_lxmert(
    pairs: ShortlistedPairs,
    gallery: Split,
    name: str,
    features_file: Path,
    device: torch.device,
    options: EncoderOptions,
    block_pairs: int,
) -> tuple[np.ndarray, TokenizedCaptions]:
    features = FeaturesFile(features_file)
    features.check_names(gallery)
    model = load_model(name).to(device)
    check_feature_dim(features, model)
    tokenizer = load_tokenizer(name, model.config.vocab_size)
    positions = model.config.max_position_embeddings
    tokens = tokenize_captions(gallery, tokenizer, positions, long_captions=options.long_captions)
    _print_warnings(tokens)
    scores = score_listed_pairs(
        model,
        tokens.token_ids,
        features,
        gallery.image_ids,
        pairs.rows,
        pairs.columns,
        dtype=options.dtype,
        batch_size=options.batch_size,
        block_pairs=block_pairs,
        show_progress=options.show_progress,
    )
    return scores, tokens


def _print_warnings(tokens: TokenizedCaptions) -> None:
    for line in tokens.warnings():
        print(line, file=sys.stderr)
