"""Scores that another program computed: matrices and similarity lists, as a matrix of a split.

    .npy       (n_images, n_captions), rows in the order of the split, columns image by image
    .npz       the same as `scores`, with `image_ids` and `caption_ids` if the order is another
    .csv .tsv  a matrix whose first line has the captions' ids and whose first column the images',
               or a list with the columns image_id, caption_id and score

Ids are those of the split file, or the names that it has for them.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from information_retrieval.ranking.npz_file import DAMAGED, read_npz
from information_retrieval.ranking.protocols import CAPTIONS_PER_IMAGE
from preprocess.base.errors import InputError, UnreadableError, lack_of_machine
from preprocess.base.files import read_text
from preprocess.captions.split_file import CaptionedImage, Split

FORMATS = "docs/scores.md says what such a file has"
SCORE_NAMES = ("scores", "similarity", "similarities", "sims", "logits")
LIST_COLUMNS = ("image_id", "caption_id", "score")


def read_scores(path: Path, split: Split, missing: float | None = None) -> tuple[np.ndarray, Split]:
    """Read a file of scores.

    Args:
        split: that the scores are of; they may leave out images, and captions.
        missing: the score of the pairs that a list does not have; None: it must have all.

    Returns:
        scores (n_images, n_captions) float32, higher is more alike, and the gallery that they are
        of: the images and captions scored, in the order of the split.

    Raises:
        InputError: the file is missing, damaged or of another format, its shape is not the split's,
            an id is not in the split or comes twice, or pairs are missing.
    """
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return _in_order(path, _read_npy(path), split)
    if suffix == ".npz":
        return _read_matrix_npz(path, split)
    if suffix in (".csv", ".tsv"):
        return _read_table(path, split, missing)
    raise InputError(f"{path}: expected a name that ends in .npy, .npz, .csv or .tsv; {FORMATS}")


def _read_npy(path: Path) -> np.ndarray:
    try:
        with path.open("rb") as file:
            return np.load(file, allow_pickle=False)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except DAMAGED as error:
        if reason := lack_of_machine(error):
            raise UnreadableError(f"{path}: cannot be read ({reason})") from error
        raise InputError(f"{path}: no .npy file, or a damaged one; {FORMATS}") from error


def _in_order(path: Path, scores: np.ndarray, split: Split) -> tuple[np.ndarray, Split]:
    """Return a matrix without ids, which is of the split's first images."""
    scores = _numbers(path, scores)
    galleries = [split]
    for n_images in sorted(set(scores.shape)):
        if n_images <= len(split.images):
            galleries += [split.first(n_images), split.first(n_images, CAPTIONS_PER_IMAGE)]
    for gallery in galleries:
        shape = (len(gallery.images), len(gallery.captions))
        if scores.shape == shape:
            return scores, gallery
        if scores.shape == shape[::-1]:
            return np.ascontiguousarray(scores.T), gallery
    raise InputError(
        f"{path}: expected {len(split.images)} images x {len(split.captions)} captions, those of "
        f"split {split.split!r} of {split.source} or of its first images, found "
        f"{' x '.join(map(str, scores.shape))}; give ids beside the scores (.npz, .csv), or the "
        "split file that they are of"
    )


def _numbers(path: Path, scores: np.ndarray) -> np.ndarray:
    if scores.ndim != 2 or scores.dtype.kind not in "fiu":
        raise InputError(
            f"{path}: expected a matrix of numbers, found {scores.dtype} of shape {scores.shape}; "
            f"{FORMATS}"
        )
    with np.errstate(over="ignore"):  # an infinite score is told with its pair
        return scores.astype(np.float32, copy=False)


def _read_matrix_npz(path: Path, split: Split) -> tuple[np.ndarray, Split]:
    arrays = read_npz(path, "an .npz of scores", FORMATS)
    named = [name for name in SCORE_NAMES if name in arrays]
    if not named and len(arrays) == 1:
        named = list(arrays)
    if not named:
        raise InputError(f"{path}: expected an array `scores`, found {sorted(arrays)}; {FORMATS}")
    scores = arrays[named[0]]
    given = [key for key in ("image_ids", "caption_ids") if key in arrays]
    if not given:
        return _in_order(path, scores, split)
    if len(given) == 1 or any(arrays[key].ndim != 1 for key in given):
        raise InputError(
            f"{path}: expected lists of ids `image_ids` and `caption_ids`, both or none, found "
            f"{', '.join(f'{key} of shape {arrays[key].shape}' for key in given)}"
        )
    rows, columns = (arrays[key].tolist() for key in ("image_ids", "caption_ids"))
    return _by_id(path, _numbers(path, scores), rows, columns, split)


def _by_id(
    path: Path, scores: np.ndarray, rows: Sequence, columns: Sequence, split: Split
) -> tuple[np.ndarray, Split]:
    """Return a matrix whose rows and columns have ids in the order of the split."""
    if scores.shape != (len(rows), len(columns)):
        raise InputError(
            f"{path}: expected as many rows as image ids and columns as caption ids, found scores "
            f"of shape {scores.shape}, {len(rows)} image ids and {len(columns)} caption ids"
        )
    row_of = _positions(path, "image", rows, split)
    column_of = _positions(path, "caption", columns, split)
    gallery = _gallery_of(path, row_of, column_of, split)
    order = [row_of[i] for i in gallery.image_ids.tolist()]
    return (
        scores[np.ix_(order, [column_of[i] for i in gallery.caption_ids.tolist()])],
        gallery,
    )


def _gallery_of(path: Path, images: dict, captions: dict, split: Split) -> Split:
    """Return the images and captions with these ids, each image with a caption."""

    def kept(image: CaptionedImage) -> CaptionedImage:
        own = tuple(c for c in image.captions if c.caption_id in captions)
        return replace(image, captions=own)

    chosen = tuple(kept(image) for image in split.images if image.image_id in images)
    bare = [image for image in chosen if not image.captions]
    if bare:
        raise InputError(f"{path}: no caption of image {bare[0].image_id} has a score")
    gallery = replace(split, images=chosen)
    if len(gallery.captions) < len(captions):
        lost = (captions.keys() - set(gallery.caption_ids.tolist())).pop()
        raise InputError(f"{path}: caption {lost} has scores, but its own image has none")
    return gallery


def _positions(path: Path, what: str, ids: Sequence, split: Split) -> dict[int, int]:
    """Return where each id of the split stands among `ids`, which may be names of the source."""
    known = _known_ids(what, split)
    positions: dict[int, int] = {}
    for position, given in enumerate(ids):
        number = _number_of(given, known)
        if number is None:
            raise InputError(
                f"{path}: {what} id {str(given)[:40]!r} is not in split {split.split!r} of "
                f"{split.source}; give the split file that the scores are of"
            )
        if number in positions:
            raise InputError(f"{path}: {what} id {given} comes twice")
        positions[number] = position
    return positions


def _known_ids(what: str, split: Split) -> dict[str, int]:
    """Return the split's ids by what a file may call them: numbers, and names where it has them."""
    if what == "image":
        pairs = [(image.source_id, image.image_id) for image in split.images]
    else:
        pairs = [(c.source_id, c.caption_id) for i in split.images for c in i.captions]
    names = {name: number for name, number in pairs if name is not None}
    return {**{str(number): number for _, number in pairs}, **names}


def _number_of(given: object, known: dict[str, int]) -> int | None:
    """Return the id that is meant by "7", " 007", 7.0, b"7" or a name; None for one of no one."""
    text = (given.decode("utf-8", "replace") if isinstance(given, bytes) else str(given)).strip()
    if text not in known and re.fullmatch(r"-?\d+(\.0*)?", text):
        text = str(int(text.partition(".")[0]))
    return known.get(text)


def _read_table(path: Path, split: Split, missing: float | None) -> tuple[np.ndarray, Split]:
    text = read_text(path, FORMATS)
    separator = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        first = [name.strip() for name in next(reader, [])]
        rows = [row for row in reader if any(value.strip() for value in row)]
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: {error}; {FORMATS}") from error
    if len(first) < 2 or not rows:
        raise InputError(f"{path}: expected a first line of names and lines of scores; {FORMATS}")
    columns = [name.lower() for name in first]
    if set(LIST_COLUMNS) <= set(columns):
        places = [columns.index(name) for name in LIST_COLUMNS]
        pairs = [[row[p].strip() if p < len(row) else "" for p in places] for row in rows]
        return _from_list(path, pairs, split, missing)
    if any(len(row) != len(first) for row in rows):
        raise InputError(f"{path}: expected {len(first)} columns in every line; {FORMATS}")
    scores = [[_as_score(path, value) for value in row[1:]] for row in rows]
    matrix = np.array(scores, np.float32)
    return _by_id(path, matrix, [row[0] for row in rows], first[1:], split)


def _from_list(
    path: Path, pairs: Sequence[Sequence[str]], split: Split, missing: float | None
) -> tuple[np.ndarray, Split]:
    """Make the matrix of a list of (image id, caption id, score)."""
    images, captions = _known_ids("image", split), _known_ids("caption", split)
    row_of = _positions(path, "image", _distinct([p[0] for p in pairs], images), split)
    column_of = _positions(path, "caption", _distinct([p[1] for p in pairs], captions), split)
    gallery = _gallery_of(path, row_of, column_of, split)
    row = {i: place for place, i in enumerate(gallery.image_ids.tolist())}
    column = {i: place for place, i in enumerate(gallery.caption_ids.tolist())}
    scores = np.full((len(row), len(column)), np.nan, np.float32)
    for image, caption, score in pairs:
        place = row[_number_of(image, images)], column[_number_of(caption, captions)]
        if not np.isnan(scores[place]):
            raise InputError(f"{path}: the pair of image {image} and caption {caption} comes twice")
        scores[place] = _as_score(path, score)
    n_missing = int(np.isnan(scores).sum())
    if n_missing and missing is None:
        raise InputError(
            f"{path}: {n_missing:,} of {scores.size:,} pairs have no score; every rank needs all, "
            "or what the others are to count as (--missing_score)"
        )
    return np.nan_to_num(scores, nan=missing or 0.0), gallery


def _distinct(ids: Sequence[str], known: dict[str, int]) -> list[str]:
    """Return one of the ids that mean the same, in their order."""
    return list({_number_of(given, known) or given: given for given in ids}.values())


def _as_score(path: Path, value: str) -> float:
    try:
        score = float(value)
    except ValueError:
        score = np.nan
    if not abs(score) <= np.finfo(np.float32).max:  # so that NaN is not
        raise InputError(f"{path}: expected a finite number for a score, found {value[:40]!r}")
    return score
