"""The images of a region file, as examples of pre-training are drawn from them."""

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from information_retrieval.models.xvlm.captions import clean_caption
from information_retrieval.training.regions.example import RegionExample, RegionReader
from information_retrieval.training.regions.geometry import scale_of_boxes, scaled
from preprocess.base.errors import InputError, InputWarning
from preprocess.captions.split_file import Split
from preprocess.region_phrases.region_file import Region, RegionsFile
from preprocess.storage.images_file import ImagesFile


class RegionImages:
    """Images with regions that are in an images file too.

    Args:
        split: that the images are of, whose captions they are shown with where the region file has
            none; None where their ids are others, as Visual Genome's are.

    Boxes are scaled to images that are resized copies. Warns of images that are in the region file
    alone, which are left out; and, once a process, of an image that is of another aspect than its
    regions, which are left out.

    Raises:
        InputError: a region file of another split, or fewer than two images.
    """

    def __init__(
        self, regions: RegionsFile, images: ImagesFile, split: Split | None, reader: RegionReader
    ):
        if split is not None:
            regions.check_covers(split)
        self.regions, self.images, self.reader = regions, images, reader
        self.split = split
        self._has_told_sizes = False
        self._position = {} if split is None else {i: n for n, i in enumerate(split.image_ids)}
        known = images.image_ids if split is None else split.image_ids
        self.rows = np.flatnonzero(np.isin(regions.image_ids, known))
        if len(self.rows) < 2:
            raise InputError(
                f"{regions.path}: expected at least two images that are in {images.path} too, for "
                f"regions to be compared, found {len(self.rows)}; --region_images names the file "
                "of its images"
            )
        if missing := len(regions) - len(self.rows):
            warnings.warn(
                f"{regions.path}: {missing:,} of its {len(regions):,} images are not trained on: "
                "they are not in the training split, or in --region_images",
                InputWarning,
                stacklevel=2,
            )
        images.check_covers(regions.image_ids[self.rows])

    def __len__(self) -> int:
        return len(self.rows)

    def draw(self, number: int, generator: np.random.Generator) -> RegionExample:
        """Draw an example of the n-th image."""
        row = int(self.rows[number])
        image_id = int(self.regions.image_ids[row])
        regions, captions = self.regions.regions(row), self.regions.captions(row)
        if not captions and self.split is not None:
            image = self.split.images[self._position[image_id]]
            # Cleaned: the reader does not clean where the region file's own texts are.
            words = self.reader.max_words
            captions = tuple(clean_caption(c.caption, words) for c in image.captions)
        decoded = self.images.read(image_id)
        fitting = self._fitting(regions, row, decoded)
        return self.reader.draw(decoded, fitting, captions, row, generator)

    def _fitting(
        self, regions: Sequence[Region], row: int, decoded: np.ndarray
    ) -> Sequence[Region]:
        """Return an image's regions with boxes in pixels of the image as it was decoded."""
        found_height, found_width, _ = decoded.shape
        height, width = self.regions.image_sizes[row].tolist()
        scale = scale_of_boxes((found_height, found_width), (height, width))
        if scale is None:
            self._tell_sizes(row, decoded)
            return ()
        return [replace(region, box=scaled(region.box, scale)) for region in regions]

    def _tell_sizes(self, row: int, decoded: np.ndarray) -> None:
        if self._has_told_sizes:
            return
        self._has_told_sizes = True
        found_height, found_width, _ = decoded.shape
        height, width = self.regions.image_sizes[row].tolist()
        warnings.warn(
            f"{self.images.path}: image {self.regions.image_ids[row]} is {found_width} x "
            f"{found_height} pixels, its regions in {self.regions.path} are of {width} x {height}: "
            "the image was turned, cut or stretched, and its regions are left out, as are those of "
            "others like it, of which no more is said",
            InputWarning,
            stacklevel=2,
        )
