"""The images of a region file, as examples of pre-training are drawn from them."""

import warnings

import numpy as np

from information_retrieval.models.xvlm.captions import clean_caption
from information_retrieval.training.regions.example import RegionExample, RegionReader
from preprocess.base.errors import InputError, InputWarning
from preprocess.captions.split_file import Split
from preprocess.region_phrases.region_file import RegionsFile
from preprocess.storage.images_file import ImagesFile


class RegionImages:
    """Images with regions that are in an images file too.

    Args:
        split: that the images are of, whose captions they are shown with where the region file has
            none; None where their ids are others, as Visual Genome's are.

    Warns of images that are in the region file alone, which are left out.

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
        return self.reader.draw(decoded, regions, captions, row, generator)
