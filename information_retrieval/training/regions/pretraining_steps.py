"""The batches of multi-grained pre-training: of images with captions, and of regions with phrases.

The published code makes, in every step, an image batch and, half of the time, a region batch before
it, each with an optimiser step of its own. Here a step has one batch, and of three steps two are of
images: as many optimiser steps and the same shares, but a step more in the count, and in the
schedule of the rate, for each region batch. Which step is of which kind is drawn by (seed, epoch),
so it is the same in all processes and after a restart.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import count, islice
from typing import ClassVar

import numpy as np
import torch

from information_retrieval.training.examples.augmentation import PixelFormat, random_view
from information_retrieval.training.examples.clean_captions import CleanCaptions
from information_retrieval.training.examples.dataset import DrawnAnew
from information_retrieval.training.examples.masking import WordMasker, pad_masked
from information_retrieval.training.regions.batch import RegionCollator, text_number
from information_retrieval.training.regions.example import RegionExample
from information_retrieval.training.regions.region_images import RegionImages
from preprocess.base.errors import InputError
from preprocess.storage.images_file import ImagesFile

LEAST_AREA = 0.2  # share of an image that a view shows at least
REGION_STEPS = 0.5  # for each step of images
# What the draws of an epoch are for.
ORDER, KINDS, IMAGE, REGIONS, REGION_ORDER = range(5)


@dataclass(frozen=True)
class Batches:
    """How large batches are.

    Attributes:
        size: images with a caption of one process; also the most texts of a batch of regions.
        region_images: images of a batch of regions, of one process.
        processes: that train together.
    """

    size: int
    region_images: int
    processes: int


class PretrainingSteps(DrawnAnew):
    """One item a step and process: the whole batch, as `XvlmInTraining` takes it.

    An epoch shows each image once, with one of its captions; the last images, fewer than a batch of
    all processes, are left out, others in each epoch. An item depends on (seed, epoch, its number)
    only.

    Args:
        captions: that images are shown with.
        images: of the captions' split, by image id.
        pixels: that the model reads.
        regions: None to train on images alone.

    Raises:
        InputError: an image is not in the file, there are fewer than a batch, or no example of
            regions has a text.
    """

    gives_batches: ClassVar[bool] = True

    def __init__(
        self,
        captions: CleanCaptions,
        images: ImagesFile,
        pixels: PixelFormat,
        masker: WordMasker,
        regions: RegionImages | None,
        batches: Batches,
        pad_id: int,
        seed: int,
    ):
        super().__init__(captions.split)
        images.check_split(captions.split)
        self.captions, self.images, self.pixels, self.masker = captions, images, pixels, masker
        self.regions, self.batches, self.pad_id, self.seed = regions, batches, pad_id, seed
        # Images with a caption, and which of all captions are theirs.
        self.shown, first = np.unique(captions.image_index, return_index=True)
        self._own_captions = np.append(first, len(captions.rows))
        self.n_image_steps = len(self.shown) // (batches.size * batches.processes)
        if not self.n_image_steps:
            raise InputError(
                f"split {self.split.split!r} of {self.split.source}: expected at least as many "
                f"images as a batch of all processes has, {batches.size * batches.processes}, "
                f"found {len(self.shown)}; take a smaller --per_device_train_batch_size"
            )
        has_regions = regions is not None
        # Of a short epoch at least one.
        self.n_region_steps = max(1, round(REGION_STEPS * self.n_image_steps)) * has_regions
        if regions is not None:
            self._check_texts(regions)

    def __len__(self) -> int:
        return (self.n_image_steps + self.n_region_steps) * self.batches.processes

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        step, process = divmod(number, self.batches.processes)
        epoch = int(self.epoch)
        is_region = self._kinds(epoch)
        # How many of its kind were before it in this epoch.
        before = int((is_region[:step] == is_region[step]).sum())
        batch = before * self.batches.processes + process
        return self._region_batch(epoch, batch) if is_region[step] else self._batch(epoch, batch)

    @lru_cache(maxsize=2)  # noqa: B019 (one such dataset a run)
    def _kinds(self, epoch: int) -> np.ndarray:
        """Return which steps of an epoch are of regions: (n_steps,) bool."""
        order = self._generator(KINDS, epoch).permutation(self.n_image_steps + self.n_region_steps)
        return order < self.n_region_steps

    @lru_cache(maxsize=2)  # noqa: B019
    def _order(self, epoch: int) -> np.ndarray:
        return self._generator(ORDER, epoch).permutation(len(self.shown))

    @lru_cache(maxsize=2)  # noqa: B019
    def _region_order(self, which: int) -> np.ndarray:
        """Return the order in which images with regions are shown for the n-th time."""
        assert self.regions is not None, "asked in steps of regions"
        return self._generator(REGION_ORDER, which).permutation(len(self.regions))

    def _generator(self, *what: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, *what))

    def _batch(self, epoch: int, batch: int) -> dict[str, torch.Tensor]:
        """Return the n-th batch of images in an epoch."""
        size = self.batches.size
        texts, views = [], []
        for row in self._order(epoch)[batch * size : (batch + 1) * size].tolist():
            generator = self._generator(IMAGE, epoch, row)
            text = self.captions.texts[generator.integers(*self._own_captions[row : row + 2])]
            image_id = self.split.images[self.shown[row]].image_id
            decoded = self.images.read(image_id)
            views.append(random_view(decoded, [text], self.pixels, LEAST_AREA, generator))
            texts.append(self.masker.read(text, generator))
        return {
            **pad_masked(texts, self.pad_id),
            "pixel_values": torch.stack(views),
            "text_number": torch.tensor([text_number(text.token_ids) for text in texts]),
        }

    def _region_batch(self, epoch: int, batch: int) -> dict[str, torch.Tensor]:
        """Return the n-th batch of regions in an epoch."""
        collate = RegionCollator(self.pad_id, self.batches.size)
        return collate(self.region_examples(epoch, batch))

    def _check_texts(self, regions: RegionImages) -> None:
        """Raise InputError unless an image with regions has a text; mostly the first one has.

        Here, as in training one process would end and the others wait for it.
        """
        if not any(self._region_example(position).texts for position in range(len(regions))):
            raise InputError(
                f"{regions.regions.path}: none of its {len(regions):,} images that are trained on "
                "has a caption, or a region inside it with a phrase of words"
            )

    def _region_example(self, position: int) -> RegionExample:
        """Return the example at a position of the order that goes on from epoch to epoch."""
        assert self.regions is not None, "asked in steps of regions"
        time, place = divmod(position, len(self.regions))
        row = int(self._region_order(time)[place])
        return self.regions.draw(row, self._generator(REGIONS, position))

    def region_examples(self, epoch: int, batch: int) -> list[RegionExample]:
        """Return the images of the n-th batch of regions, which go on where the last ended.

        Those without a text are passed over, for the first of the batch that follows.
        """
        n = self.batches.region_images
        first = (epoch * self.n_region_steps * self.batches.processes + batch) * n
        drawn = map(self._region_example, count(first))
        return list(islice((example for example in drawn if example.texts), n))
