"""Top rankings: the first k documents of every query of a split whose scores fill no memory.

Keys of the .npz: `captions` (n_images, k) int64, the captions ranked first for each image, best
first, by position in `caption_ids`; `images` (n_captions, k) int64 likewise; `caption_scores`,
`image_scores` float32 of the same shapes; `image_ids`, `caption_ids` int64; `metadata`, JSON text.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from information_retrieval.ranking.npz_file import read_npz, write_npz
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split

MADE_BY = "make it with `python -m information_retrieval.rank_top`"
KEYS = ("captions", "images", "caption_scores", "image_scores", "image_ids", "caption_ids")


@dataclass(frozen=True)
class TopRankings:
    """The first documents of every query, best first, ties by position.

    Attributes:
        captions: (n_images, min(k, n_captions)) int64, of each image, positions of captions.
        images: (n_captions, min(k, n_images)) int64, of each caption, positions of images.
        caption_scores, image_scores: float32, of the same shapes.
        image_ids: (n_images,) int64.
        caption_ids: (n_captions,) int64.
        metadata: what made the scores: model, split_sha256, dtype, command, ...
    """

    captions: np.ndarray
    images: np.ndarray
    caption_scores: np.ndarray
    image_scores: np.ndarray
    image_ids: np.ndarray
    caption_ids: np.ndarray
    metadata: dict


def write_top_rankings(path: Path, top: TopRankings) -> None:
    """Write the .npz, atomically."""
    arrays = {key: getattr(top, key) for key in KEYS}
    write_npz(path, {**arrays, "metadata": np.array(json.dumps(top.metadata))})


def read_top_rankings(path: Path, split: Split) -> TopRankings:
    """Read top rankings, and check that they are of `split`.

    Raises:
        InputError: missing, damaged or foreign file, or rankings of another split.
    """
    arrays = read_npz(path, "a .npz of top rankings", MADE_BY)
    try:
        metadata = json.loads(str(arrays["metadata"]))
        arrays = {key: arrays[key] for key in KEYS}
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{path}: expected a .npz of top rankings, found a foreign file ({error!r}); {MADE_BY}"
        ) from error
    top = TopRankings(**arrays, metadata=metadata)
    _check_whole(path, top)
    found = metadata.get("split_sha256") if isinstance(metadata, dict) else None
    if found != split.sha256 or not _is_of(top, split):
        raise InputError(
            f"{path}: the rankings belong to another split than {split.split!r} of "
            f"{split.source}; rank this one with `python -m information_retrieval.rank_top`"
        )
    return top


def _check_whole(path: Path, top: TopRankings) -> None:
    n_images, n_captions = len(top.image_ids), len(top.caption_ids)
    for documents, scores, n_queries, n_documents in (
        (top.captions, top.caption_scores, n_images, n_captions),
        (top.images, top.image_scores, n_captions, n_images),
    ):
        fits = documents.ndim == 2 and documents.shape == scores.shape
        fits = fits and len(documents) == n_queries and documents.dtype.kind == "i"
        if not fits or not _are_positions(documents, n_documents):
            raise InputError(
                f"{path}: expected the documents of {n_images} images and {n_captions} captions "
                f"by position, found {documents.dtype} of shape {documents.shape}; {MADE_BY}"
            )


def _are_positions(documents: np.ndarray, n_documents: int) -> bool:
    return not documents.size or 0 <= documents.min() <= documents.max() < n_documents


def _is_of(top: TopRankings, split: Split) -> bool:
    return np.array_equal(top.image_ids, split.image_ids) and np.array_equal(
        top.caption_ids, split.caption_ids
    )
