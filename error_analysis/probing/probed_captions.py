"""Scores of captions that may stand in no split, against the images of one, by any model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from error_analysis.queries.query import ground_truth_ranks
from information_retrieval.models.loaded_gallery import EncoderOptions, GalleryFiles
from information_retrieval.models.loading import load_gallery
from information_retrieval.scoring.all_pairs import score_all
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Caption, Split


@dataclass(frozen=True)
class ScoringModel:
    """A checkpoint, what it reads, and how it encodes.

    A part of the public interface (docs/python.md).

    Attributes:
        name: checkpoint folder or hub id, of any type that `load_gallery` loads.
        files: the HDF5 files of the gallery's split.
    """

    name: str
    files: GalleryFiles
    device: torch.device
    options: EncoderOptions

    def on_negatives(self) -> "ScoringModel":
        """Return the same, reading photographic negatives of the images."""
        return replace(self, options=replace(self.options, negative_images=True))

    def of_whole_captions(self) -> "ScoringModel":
        """Return the same model, for which a caption that it would have to cut is an error."""
        return replace(self, options=replace(self.options, long_captions="error"))


def check_caption(option: str, caption: str) -> None:
    """Raise InputError when the caption of a command's `option` has no text."""
    if not caption.strip():
        raise InputError(f"{option}: expected a caption, found {caption!r}")


def score_captions(
    captions: Sequence[str], source: str, gallery: Split, model: ScoringModel
) -> np.ndarray:
    """Score captions against all images of a gallery; each image and caption is encoded once.

    A part of the public interface (docs/python.md).

    Args:
        captions: at least one; none is empty.
        source: where they come from, for error lines: they are numbered from 1.
        gallery: its images are scored; its captions are not read.

    Returns:
        (n_images, n_captions) float32, images in the order of the gallery.

    Raises:
        InputError: those of `load_gallery`, or a score is NaN or infinite.
    """
    loaded = load_gallery(
        model.name,
        _gallery_of(captions, source, gallery),
        model.files,
        model.device,
        model.options,
    )
    # The probed captions are the first columns, and the only ones to score.
    blocks = (block[block < len(captions)] for block in loaded.column_blocks)
    scores = score_all(
        loaded.encode(np.arange(len(gallery.images))),
        [block for block in blocks if len(block)],
        len(gallery.images),
        len(captions),
        model.options.show_progress,
    )
    if not np.isfinite(scores).all():
        row, column = np.argwhere(~np.isfinite(scores))[0]
        raise InputError(
            f"the score of image {gallery.image_ids[row]} and caption {column + 1} of {source} is "
            f"{scores[row, column]}; check the model's weights, or compute in float32"
        )
    return scores


def _gallery_of(captions: Sequence[str], source: str, gallery: Split) -> Split:
    """Return the gallery's images, the first with all of the probed captions.

    The others have one of the captions again, the shortest, for no image may be without; that is
    encoded with the rest, and never scored.
    """
    ids = range(1, len(captions) + 1)
    probed = tuple(Caption(i, caption) for i, caption in zip(ids, captions, strict=True))
    filler = min(captions, key=len)
    first, *others = gallery.images
    images = [replace(first, captions=probed)]
    for i, image in enumerate(others, start=len(captions) + 1):
        images.append(replace(image, captions=(Caption(i, filler),)))
    return replace(gallery, source=source, images=tuple(images))


def image_rank(scores: np.ndarray, row: int) -> float:
    """Return the 0-based rank of one image for a caption, expected ties.

    A part of the public interface (docs/python.md).

    Args:
        scores: (n_images,) float, of the caption with every image.
        row: of the image.
    """
    return float(ground_truth_ranks(scores, np.array([row]))[0])


def rank_in_fold(scores: np.ndarray, row: int, folds: Iterable[slice]) -> float:
    """Return `image_rank` among the images of the fold that the image is in.

    Args:
        folds: the rows of each gallery of a protocol; one of them has the image.
    """
    fold = next(rows for rows in folds if rows.start <= row < rows.stop)
    return image_rank(scores[fold], row - fold.start)


def rows_with_caption(gallery: Split, caption: str) -> np.ndarray:
    """Return the rows of the images that have exactly this caption, (n,) int64."""
    wanted = caption.strip()
    columns = [i for i, text in enumerate(gallery.captions) if text.strip() == wanted]
    return np.unique(gallery.caption_image_index[np.array(columns, np.int64)])


def row_of_image(gallery: Split, image_id: int) -> int:
    """Return the row of an image.

    Raises:
        InputError: the gallery does not have it.
    """
    [found] = np.nonzero(gallery.image_ids == image_id)
    if not len(found):
        raise InputError(
            f"--image_id {image_id}: expected one of the {len(gallery.images):,} images scored of "
            f"split {gallery.split!r} of {gallery.source} (such as {gallery.image_ids[0]})"
        )
    return int(found[0])
