"""One image as a training example: a part of it, and the texts of the regions in that part."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from information_retrieval.models.xvlm.captions import clean_caption
from information_retrieval.models.xvlm.region_tokens import Box, region_mask
from information_retrieval.training.examples.augmentation import (
    COLOUR,
    Crop,
    PixelFormat,
    draw_flip,
    rand_augment,
)
from information_retrieval.training.examples.masking import MaskedText, WordMasker
from information_retrieval.training.regions.geometry import (
    box_in_crop,
    box_in_square,
    crop_ranges,
    overlap,
    shares_of_square,
)
from preprocess.region_phrases.region_file import Region

WHOLE_IMAGE: Box = (0.5, 0.5, 1.0, 1.0)  # as shares, of the caption


@dataclass(frozen=True)
class RegionText:
    """A text of an example, and what it is of.

    Attributes:
        text: cleaned.
        box: in pixels of the crop, from its corner; None for the caption of the image.
    """

    text: str
    box: Box | None


@dataclass(frozen=True)
class RegionExample:
    """A part of an image as a model reads it, with n texts, which may be none.

    Attributes:
        pixel_values: (3, side, side) float32.
        texts: n.
        boxes: (n, 4) float32: centre x and y, width, height as shares of the side.
        image_mask: (n, 1 + grid * grid) int64, 1 for an image token that the text is of.
        is_image: (n,) bool, whether a text is the caption of the image, and its box no region's.
        order: (n,) float64 in [0, 1), drawn: a batch of too many texts keeps the lowest.
        image_index: position of the image in its split.
    """

    pixel_values: torch.Tensor
    texts: tuple[MaskedText, ...]
    boxes: np.ndarray
    image_mask: np.ndarray
    is_image: np.ndarray
    order: np.ndarray
    image_index: int


def draw_crop_around(box: Box, image_size: tuple[int, int], generator: np.random.Generator) -> Crop:
    """Draw a part of an image that holds a box whole; each edge uniformly.

    Args:
        box: inside the image.
        image_size: height, width.
    """
    lowest, highest = zip(*crop_ranges(box, image_size), strict=True)
    drawn = generator.integers(lowest, highest, endpoint=True)
    left, top, right, bottom = drawn.tolist()
    return Crop(left, top, right - left, bottom - top)


def draw_phrase(region: Region, generator: np.random.Generator) -> str:
    """Return one of a region's phrases, after one of its attributes if it has any."""
    phrase = draw_one(region.phrases, generator)
    return f"{draw_one(region.attributes, generator)} {phrase}" if region.attributes else phrase


def draw_one(texts: Sequence[str], generator: np.random.Generator) -> str:
    """Return one of some texts."""
    return texts[int(generator.integers(len(texts)))]


@dataclass(frozen=True)
class RegionReader:
    """Makes examples of images and their regions.

    An example depends on its generator alone: give one that (seed, epoch, image) seed.

    Attributes:
        pixels: that the model reads.
        masker: of the texts.
        max_words: of a cleaned text.
        tokenized: the texts are word pieces joined by spaces, and were cleaned before.
        max_texts: of an example, the caption counted.
        patch: side of what one image token stands for, in pixels.

    Source: the pre-training of Zeng et al. (2022). Its published code gives an example up where
    the box that it chose is not inside the image, or a text is empty; here others stay.
    """

    pixels: PixelFormat
    masker: WordMasker
    max_words: int = 40
    tokenized: bool = False
    max_texts: int = 5
    patch: int = 32

    def draw(
        self,
        image: np.ndarray,
        regions: Sequence[Region],
        captions: Sequence[str],
        image_index: int,
        generator: np.random.Generator,
    ) -> RegionExample:
        """Draw a crop around one region, and texts of it.

        Args:
            image: (height, width, 3) uint8 RGB.
            regions: of the image; what of a box lies outside it is cut away, and a region without
                an area is left out.
            captions: of the image; one of them is the first text. May be empty.
        """
        height, width = image_size = image.shape[:2]
        frame = (0, 0, width, height)
        seen = [(box, region) for region in regions if (box := overlap(region.box, frame))]
        crop = Crop(*frame)
        if seen:
            box, _ = seen[int(generator.integers(len(seen)))]
            crop = draw_crop_around(box, image_size, generator)
        texts = self.draw_texts(crop, seen, captions, generator)
        flipped = draw_flip([text.text for text in texts], generator)
        cut = crop.cut(Image.fromarray(image), self.pixels.side, flipped)
        varied = rand_augment(cut, COLOUR, generator)
        return RegionExample(
            self.pixels.to_tensor(varied),
            tuple(self.masker.read(text.text, generator) for text in texts),
            *self.targets(texts, crop, flipped),
            np.array([text.box is None for text in texts], bool),
            generator.random(len(texts)),
            image_index,
        )

    def draw_texts(
        self,
        crop: Crop,
        regions: Sequence[tuple[Box, Region]],
        captions: Sequence[str],
        generator: np.random.Generator,
    ) -> list[RegionText]:
        """Draw the texts of a crop: a caption, and regions in random order.

        Args:
            regions: each with its box inside the image.
        """
        caption = self.clean(draw_one(captions, generator)) if captions else ""
        texts = [RegionText(caption, None)] if caption else []
        for row in generator.permutation(len(regions)).tolist():
            if len(texts) >= self.max_texts:
                break
            image_box, region = regions[row]
            box = box_in_crop(image_box, crop)
            text = self.clean(draw_phrase(region, generator))
            if box is not None and text:
                texts.append(RegionText(text, box))
        return texts

    def clean(self, text: str) -> str:
        """Return a text as the tokenizer is to read it; "" where nothing is left."""
        if self.tokenized:
            return text.replace(" ##", "")  # which the tokenizer will take to pieces again
        return clean_caption(text, self.max_words)

    def targets(
        self, texts: Sequence[RegionText], crop: Crop, flipped: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the boxes and masks of an example, as `RegionExample` has them."""
        side = self.pixels.side
        n_tokens = 1 + (side // self.patch) ** 2
        boxes, masks = [], []
        for text in texts:
            if text.box is None:
                boxes.append(WHOLE_IMAGE)
                masks.append(np.ones(n_tokens, np.int64))
            else:
                box = box_in_square(text.box, crop, flipped, side)
                boxes.append(shares_of_square(box, side))
                masks.append(region_mask(box, side, self.patch))
        return (
            np.array(boxes, np.float32).reshape(-1, 4),
            np.array(masks, np.int64).reshape(-1, n_tokens),
        )
