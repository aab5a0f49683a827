"""Rows of a features file from regions that another program extracted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from preprocess.conversion.box_formats import BoxFormat, to_visual_pos
from preprocess.conversion.found_regions import FoundRegions, SourceImage
from preprocess.conversion.region_layouts import UNKNOWN
from preprocess.errors import InputError

MORE_REGIONS = "the best by object score; without scores, the first"
FEWER_REGIONS = "the image's own, repeated from the first"


def upright_size(path: Path) -> tuple[int, int]:
    """Return an image file's height and width, after its EXIF orientation, from its header.

    Raises:
        InputError: the file is missing or no image.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5  # by a quarter
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(
            f"{path}: expected an image, for its size ({error}); check --image_root"
        ) from error
    return (width, height) if turned else (height, width)


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
        return replace(found, image_size=upright_size(self.paths[row]))

    def convert(self, found: FoundRegions, where: str) -> dict[str, np.ndarray | int]:
        """Return a row of a features file. Raises InputError where the boxes contradict."""
        n_found = len(found.boxes)
        order, n_fillers = choose_regions(
            found.labels.get("object_scores"), n_found, self.n_regions
        )
        try:
            visual_pos = to_visual_pos(found.boxes, self.box_format, *found.image_size)
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
            "image_sizes": found.image_size,
            **labels,
            "n_fillers": n_fillers,
            "source_crc32": found.crc32,
        }
