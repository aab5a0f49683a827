"""Rows of a features file from regions that another program extracted."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from preprocess.base.errors import InputError
from preprocess.conversion.box_formats import (
    LEAST_BEYOND,
    BoxFormat,
    count_centres_beyond,
    to_visual_pos,
)
from preprocess.conversion.found_regions import FoundRegions, SourceImage
from preprocess.conversion.region_layouts import UNKNOWN
from preprocess.storage.decoding import read_upright_size

MORE_REGIONS = "the best by object score; without scores, the first"
FEWER_REGIONS = "the image's own, repeated from the first"
SAMPLED = 200  # images of an input by which its box format is told; half a second of a TSV file


def choose_regions(
    scores: np.ndarray | None, n_found: int, n_regions: int
) -> tuple[np.ndarray, int]:
    """Choose an image's regions by `MORE_REGIONS` and `FEWER_REGIONS`.

    Args:
        scores: (n_found,), or None where the input has none.

    Returns:
        (n_regions,) int64 indices, and how many of them, at the end, are repeated.
    """
    if n_found <= n_regions:
        return np.arange(n_regions) % n_found, n_regions - n_found
    if scores is None:
        return np.arange(n_regions), 0
    return np.argsort(-scores.astype(np.float64), kind="stable")[:n_regions], 0


class FeatureRows:
    """Makes the rows of a features file from regions of one layout and dimension.

    Args:
        paths: image files by row, for sizes that the input does not have; None: no such files.
        first: the regions whose layout and dimension the others must have.
        box_format: None for that of the layout.
    """

    def __init__(
        self,
        paths: list[Path] | None,
        first: FoundRegions,
        box_format: BoxFormat | None,
        n_regions: int,
        dtype: str,
    ):
        self.paths = paths
        self.layout = first.layout
        self.feature_dim = first.visual_feats.shape[1]
        self.box_format = box_format or first.layout.box_format
        self.assumed = box_format is None
        self.n_regions = n_regions
        self.dtype = np.dtype(dtype)

    def settings(self) -> dict[str, str | int]:
        return {
            "source_format": self.layout.name,
            "box_format": self.box_format,
            "n_regions": self.n_regions,
            "more_regions": MORE_REGIONS,
            "fillers": FEWER_REGIONS,
        }

    def read(self, image: SourceImage, row: int) -> FoundRegions:
        """Read an image's regions, with its size. Raises InputError where they do not fit."""
        found = image.read()
        if found.layout != self.layout:
            raise InputError(
                f"{image.where}: expected the layout of the first image, {self.layout.name}, "
                f"found {found.layout.name}; convert inputs of one layout"
            )
        if found.visual_feats.shape[1] != self.feature_dim:
            raise InputError(
                f"{image.where}: expected features of {self.feature_dim} numbers, as of the first "
                f"image, found {found.visual_feats.shape[1]}; is the file cut off, or of two "
                "detectors?"
            )
        if found.image_size is not None:
            return found
        if self.paths is None:
            raise InputError(
                f"{image.where}: {self.layout.name} has no sizes of images; give the folder of "
                "the images with --image_root"
            )
        try:
            return replace(found, image_size=read_upright_size(self.paths[row]))
        except InputError as error:
            raise InputError(f"{error}; check --image_root") from error

    def check_box_format(self, path: Path, images: Iterable[tuple[int, SourceImage]]) -> None:
        """Raise InputError when boxes that are assumed to be xyxy may be xywh.

        Args:
            path: the input, for the error line.
            images: its images with their rows, of which the first `SAMPLED` are read.
        """
        if not self.assumed or self.box_format != "xyxy":
            return
        beyond = n_boxes = 0
        for row, image in islice(images, SAMPLED):
            found = self.read(image, row)
            counts = count_centres_beyond(found.boxes, *_size_of(found))
            beyond, n_boxes = beyond + counts[0], n_boxes + counts[1]
        if beyond < LEAST_BEYOND * n_boxes:
            raise InputError(
                f"{path}: expected xyxy boxes, those of {self.layout.name}, found some that may be "
                f"xywh: as xyxy, only {beyond} of the first {n_boxes:,} would have their centre "
                "right of or below the middle of the image; say which with --box_format xyxy or "
                "--box_format xywh"
            )

    def convert(self, found: FoundRegions, where: str) -> dict[str, ArrayLike]:
        """Return a row of a features file. Raises InputError where the boxes contradict."""
        n_found, image_size = len(found.boxes), _size_of(found)
        order, n_fillers = choose_regions(
            found.labels.get("object_scores"), n_found, self.n_regions
        )
        try:
            visual_pos = to_visual_pos(found.boxes, self.box_format, *image_size)
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
        largest = float(np.abs(found.visual_feats).max())
        if largest > float(np.finfo(self.dtype).max):
            raise InputError(
                f"{where}: expected features within {self.dtype.name}, found {largest:g}; use "
                "--dtype float32"
            )
        labels = {
            name: found.labels.get(name, np.full(n_found, unknown))[order]
            for name, unknown in UNKNOWN.items()
        }
        return {
            "visual_feats": found.visual_feats[order],
            "visual_pos": visual_pos[order],
            "image_sizes": image_size,
            **labels,
            "n_fillers": n_fillers,
            "source_crc32": found.crc32,
        }


def _size_of(found: FoundRegions) -> tuple[int, int]:
    assert found.image_size is not None, "`FeatureRows.read` adds it"
    return found.image_size
