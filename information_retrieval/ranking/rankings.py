"""Rankings: the scores of a gallery, the ranks counted from them, and the .npz that holds both.

Keys of the file: the original's `i2t_ranks` (n_images,) and `t2i_ranks` (n_captions,) float64,
0-based, expected ties; `logits` (n_images, n_captions) float32; `labels` likewise bool, true where
the caption belongs to the image; and ours `i2t_ties`, `t2i_ties` int64, wrong documents tied with
the best ground truth, and `i2t_truths`, `t2i_truths` int64, ground truths that share its score (see
`query_ranks`); `image_ids`, `caption_ids`, `caption_image_index` int64; `metadata`, JSON text.

`version` in the metadata is 2. In files without it, from before, a rank was `higher + tied / 2`
also where several ground truths are tied, and there are no `truths`; they are read, and their
ranks counted anew.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from information_retrieval.ranking.npz_file import read_npz, write_npz
from information_retrieval.ranking.protocols import CAPTIONS_PER_IMAGE
from information_retrieval.ranking.query_ranks import DIRECTIONS, Ranks
from information_retrieval.ranking.rank_counter import NotFiniteError, count_ranks
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split

VERSION = 2
MADE_BY = "make it with `python -m information_retrieval.evaluate`"
ORIGINAL_KEYS = {"i2t_ranks", "t2i_ranks", "labels", "logits"}


@dataclass(frozen=True)
class Rankings:
    """A scored gallery.

    Attributes:
        scores: (n_images, n_captions) float32, finite.
        image_ids: (n_images,) int64.
        caption_ids: (n_captions,) int64.
        caption_image_index: (n_captions,) int64, the row of each caption's image.
        ranks: counted from `scores`.
        metadata: what made the scores: model, split_sha256, protocol, dtype, command, ...
    """

    scores: np.ndarray
    image_ids: np.ndarray
    caption_ids: np.ndarray
    caption_image_index: np.ndarray
    ranks: Ranks
    metadata: dict

    def check_belongs_to(self, split: Split) -> None:
        """Raise InputError unless every image and caption is in `split`, as it stands there."""
        expected = self.metadata.get("split_sha256", split.sha256)
        own_image = self.image_ids[self.caption_image_index]
        rankings_pairs = set(zip(self.caption_ids.tolist(), own_image.tolist(), strict=True))
        image_of_caption = split.image_ids[split.caption_image_index]
        split_pairs = set(zip(split.caption_ids.tolist(), image_of_caption.tolist(), strict=True))
        if expected != split.sha256 or not rankings_pairs <= split_pairs:
            raise InputError(
                f"{self.metadata.get('path', 'rankings')}: the rankings belong to another split "
                f"than {split.split!r} of {split.source}, whose images, captions or pairs differ; "
                "give the split file that they were made with"
            )


def rank_scores(scores: np.ndarray, gallery: Split, metadata: dict) -> Rankings:
    """Count the ranks of `scores` (n_images, n_captions) over the images of `gallery`.

    A part of the public interface (docs/python.md).

    Adds to the metadata how many queries of each direction have a rank that depends on ties.

    Raises:
        InputError: a score is NaN or infinite; the line names the image and the caption.
    """
    try:
        ranks = count_ranks(scores, gallery.caption_image_index)
    except NotFiniteError as error:
        raise InputError(
            f"the score of image {gallery.image_ids[error.row]} and caption "
            f"{gallery.caption_ids[error.column]} is {error.score}; check the model's weights, or "
            "compute in float32"
        ) from error
    ties = {f"{d}_queries": int(np.count_nonzero(ranks.of(d).tied)) for d in DIRECTIONS}
    return Rankings(
        scores=scores.astype(np.float32, copy=False),
        image_ids=gallery.image_ids,
        caption_ids=gallery.caption_ids,
        caption_image_index=gallery.caption_image_index,
        ranks=ranks,
        metadata={**metadata, "version": VERSION, "ties": ties},
    )


def write_rankings(path: Path, rankings: Rankings) -> None:
    """Write the .npz, atomically; all but the scores are compressed.

    A part of the public interface (docs/python.md).
    """
    index = rankings.caption_image_index
    arrays = {
        "i2t_ranks": rankings.ranks.i2t.ranks(),
        "t2i_ranks": rankings.ranks.t2i.ranks(),
        "i2t_ties": rankings.ranks.i2t.tied,
        "t2i_ties": rankings.ranks.t2i.tied,
        "i2t_truths": rankings.ranks.i2t.truths,
        "t2i_truths": rankings.ranks.t2i.truths,
        "labels": index == np.arange(len(rankings.image_ids))[:, None],
        "logits": rankings.scores,
        "image_ids": rankings.image_ids,
        "caption_ids": rankings.caption_ids,
        "caption_image_index": index,
        "metadata": np.array(json.dumps(rankings.metadata)),
    }
    # Scores do not compress, and trying takes a minute at 5K; labels are nearly all false.
    write_npz(path, arrays, uncompressed=("logits",))


def read_rankings(path: Path, split: Split) -> Rankings:
    """Read a rankings file, ours or the original's, and check that it belongs to `split`.

    Raises:
        InputError: missing, damaged or foreign file, or rankings of another split.
    """
    arrays = _read_arrays(path)
    if "image_ids" not in arrays:
        return _from_original(path, arrays, split)
    try:
        rankings = _from_arrays(path, arrays)
        rankings.check_belongs_to(split)
    # What a damaged file can hold under the right keys: other shapes, types, or JSON.
    except (KeyError, ValueError, IndexError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a rankings file ({error!r}); {MADE_BY}") from error
    return rankings


def _from_arrays(path: Path, arrays: dict[str, np.ndarray]) -> Rankings:
    metadata = json.loads(str(arrays["metadata"]))
    n_images, n_captions = arrays["logits"].shape
    for name, length in (
        ("image_ids", n_images),
        ("caption_ids", n_captions),
        ("caption_image_index", n_captions),
    ):
        if arrays[name].shape != (length,):
            raise ValueError(f"{name} of shape {arrays[name].shape}, expected ({length},)")
    return Rankings(
        scores=arrays["logits"],
        image_ids=arrays["image_ids"],
        caption_ids=arrays["caption_ids"],
        caption_image_index=arrays["caption_image_index"],
        ranks=_counted_as_stored(path, arrays, metadata.get("version", 1)),
        metadata={**metadata, "path": str(path)},
    )


def _counted_as_stored(path: Path, arrays: dict[str, np.ndarray], version: int) -> Ranks:
    """Count the ranks anew: it takes less time than reading, and shows a file that was edited."""
    if version not in (1, VERSION):
        raise InputError(
            f"{path}: expected a rankings file of version {VERSION} or older, found {version!r}; "
            "read it with the newer code that wrote it"
        )
    try:
        ranks = count_ranks(arrays["logits"], arrays["caption_image_index"])
    except NotFiniteError as error:
        raise InputError(f"{path}: {error}; {MADE_BY}") from error
    for direction in DIRECTIONS:
        counted = ranks.of(direction).ranks()
        if version == 1:
            counted = ranks.of(direction).higher + ranks.of(direction).tied / 2
        if not np.array_equal(counted, arrays[f"{direction}_ranks"]):
            raise InputError(f"{path}: {direction}_ranks are not those of its logits; {MADE_BY}")
    return ranks


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    arrays = read_npz(path, "a rankings .npz", MADE_BY)
    missing = ORIGINAL_KEYS - arrays.keys()
    if missing:
        raise InputError(f"{path}: not a rankings file, it lacks {sorted(missing)}; {MADE_BY}")
    return arrays


def _from_original(path: Path, arrays: dict[str, np.ndarray], split: Split) -> Rankings:
    """Read the original's file, whose rows may be images or captions: the labels tell.

    Each caption has one image, so the captions' axis is the one along which each line of labels
    holds a single 1. The file has no ids: rows are taken to be in the order of `split`, from its
    first image, and the ranks are counted anew (the original broke ties by chance).
    """
    n_images, n_captions = arrays["i2t_ranks"].size, arrays["t2i_ranks"].size
    galleries = (split.first(n_images), split.first(n_images, CAPTIONS_PER_IMAGE))
    gallery = next((g for g in galleries if len(g.captions) == n_captions), None)
    if gallery is None or len(gallery.images) != n_images:
        raise InputError(
            f"{path}: {n_images} images and {n_captions} captions are not the first images of "
            f"split {split.split!r} of {split.source}: the rankings belong to another split"
        )
    scores = np.ascontiguousarray(_rows_as_images(path, arrays, gallery), np.float32)
    metadata = {
        "path": str(path),
        "source": "the original code",
        "dtype": arrays["logits"].dtype.name,
        "split_sha256": split.sha256,
    }
    try:
        return rank_scores(scores, gallery, metadata)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _rows_as_images(path: Path, arrays: dict[str, np.ndarray], gallery: Split) -> np.ndarray:
    """Return the logits as (n_images, n_captions), whichever way the labels show they lie."""
    labels, logits = (_without_last_axis_of_one(arrays[key]) for key in ("labels", "logits"))
    n_images, n_captions = len(gallery.images), len(gallery.captions)
    expected = gallery.caption_image_index == np.arange(n_images)[:, None]
    # One layout for both: of two, nothing tells which is the scores'.
    if labels.size != expected.size or logits.shape != labels.shape or labels.ndim > 2:
        raise InputError(
            f"{path}: expected {n_images} x {n_captions} labels and logits in one layout, found "
            f"labels of shape {labels.shape} and logits of shape {logits.shape}"
        )
    for pattern in (expected, expected.T):
        # Labels in one line of pairs, as `Trainer.predict` returns them, may be either.
        fits = labels.ndim == 1 or labels.shape == pattern.shape
        if fits and np.array_equal(labels.reshape(pattern.shape) != 0, pattern):
            scores = logits.reshape(pattern.shape)
            return scores if pattern is expected else scores.T
    raise InputError(
        f"{path}: the labels do not pair captions with images as split {gallery.split!r} of "
        f"{gallery.source} does: the rankings belong to another split"
    )


def _without_last_axis_of_one(array: np.ndarray) -> np.ndarray:
    return array[..., 0] if array.ndim > 1 and array.shape[-1] == 1 else array
