"""Images of training examples: cut, flipped, varied, and made the pixels that a model reads.

All that is drawn comes from a NumPy generator. torchvision's transforms draw from PyTorch's global
one, which would make an example depend on those read before it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Literal

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageOps
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

Operation = Literal[
    "identity",
    "autocontrast",
    "equalize",
    "brightness",
    "sharpness",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
    "rotate",
]
COLOUR: tuple[Operation, ...] = (
    "identity",
    "autocontrast",
    "equalize",
    "brightness",
    "sharpness",
)
# These would move what a box says of a region.
GEOMETRIC: tuple[Operation, ...] = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")

# RandAugment of two operations, at magnitude 7 of 10.
N_OPERATIONS, OPERATION_PROBABILITY = 2, 0.5
ENHANCEMENT = 1.36  # of brightness and sharpness, never less than 1
SHEAR, TRANSLATION, ROTATION = 0.21, 7, 21  # pixels a pixel; pixels; degrees
GREY = (128, 128, 128)

FLIP_PROBABILITY = 0.5
SIDES = re.compile(r"\b(?:left|right)(?:most|hand|wards?)?\b", re.IGNORECASE)
ASPECTS = (3 / 4, 4 / 3)  # width / height of a random crop
TRIES = 10


@dataclass(frozen=True)
class Crop:
    """Part of an image, in whole pixels."""

    left: int
    top: int
    width: int
    height: int

    def cut(self, image: Image.Image, side: int, flipped: bool = False) -> Image.Image:
        """Return the part, resized to a square of `side` pixels without keeping its aspect."""
        part = F.resized_crop(
            image,
            self.top,
            self.left,
            self.height,
            self.width,
            [side, side],
            InterpolationMode.BICUBIC,
        )
        return F.horizontal_flip(part) if flipped else part


def names_a_side(texts: Iterable[str]) -> bool:
    """Tell whether a text says left or right, which would be wrong of a flipped image.

    The published code looks for the letters: "bright" counts and "Left" does not; by default it
    does not look.
    """
    return any(SIDES.search(text) for text in texts)


def draw_flip(texts: Iterable[str], generator: np.random.Generator) -> bool:
    """Flip half of the images whose texts do not name a side."""
    return generator.random() < FLIP_PROBABILITY and not names_a_side(texts)


def draw_crop(
    image_size: tuple[int, int], least_area: float, generator: np.random.Generator
) -> Crop:
    """Draw a part of `least_area` to all of an image's area, of an aspect from 3:4 to 4:3.

    Of an image that is too narrow for ten draws, the middle, as near to such an aspect as it goes.

    Args:
        image_size: height, width.

    Source: Szegedy et al., Going Deeper with Convolutions (2015), as torchvision has it.
    """
    height, width = image_size
    for _ in range(TRIES):
        area = height * width * generator.uniform(least_area, 1)
        aspect = exp(generator.uniform(log(ASPECTS[0]), log(ASPECTS[1])))
        w, h = round(sqrt(area * aspect)), round(sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            left, top = generator.integers(0, (width - w + 1, height - h + 1)).tolist()
            return Crop(left, top, w, h)
    w = min(width, round(height * ASPECTS[1]))
    h = min(height, round(width / ASPECTS[0]))
    return Crop((width - w) // 2, (height - h) // 2, w, h)


def vary(image: Image.Image, operation: Operation, sign: int = 1) -> Image.Image:
    """Carry out one of RandAugment's operations, as Pillow does.

    The published code has its own, two of which it got wrong: its autocontrast whitens a channel
    whose minimum is not 0, and its sharpness wraps around where it should stop at 0 or 255.

    Args:
        image: RGB.
        sign: 1 or -1, the direction of a geometric operation: 1 moves the image left or up, its
            lower rows or right columns further right or down, or turns it anticlockwise.
    """
    match operation:
        case "identity":
            return image
        case "autocontrast":
            return ImageOps.autocontrast(image)
        case "equalize":
            return ImageOps.equalize(image)
        case "brightness":
            return ImageEnhance.Brightness(image).enhance(ENHANCEMENT)
        case "sharpness":
            return ImageEnhance.Sharpness(image).enhance(ENHANCEMENT)
        case "shear_x":
            return _mapped(image, (1, -sign * SHEAR, 0, 0, 1, 0))
        case "shear_y":
            return _mapped(image, (1, 0, 0, -sign * SHEAR, 1, 0))
        case "translate_x":
            return _mapped(image, (1, 0, sign * TRANSLATION, 0, 1, 0))
        case "translate_y":
            return _mapped(image, (1, 0, 0, 0, 1, sign * TRANSLATION))
        case "rotate":
            return image.rotate(sign * ROTATION, Image.Resampling.BILINEAR, fillcolor=GREY)


def _mapped(image: Image.Image, matrix: tuple[float, ...]) -> Image.Image:
    """Return the image whose point (x, y) is that of the given one at a x + b y + c, ..."""
    affine, bilinear = Image.Transform.AFFINE, Image.Resampling.BILINEAR
    return image.transform(image.size, affine, matrix, bilinear, fillcolor=GREY)


def rand_augment(
    image: Image.Image, operations: Sequence[Operation], generator: np.random.Generator
) -> Image.Image:
    """Carry out none, one or two of the operations.

    Source: Cubuk et al., RandAugment (2020), with a probability as in the published X-VLM.
    """
    for _ in range(N_OPERATIONS):
        operation = operations[int(generator.integers(len(operations)))]
        sign = int(generator.choice((-1, 1)))
        if generator.random() < OPERATION_PROBABILITY:
            image = vary(image, operation, sign)
    return image


@dataclass(frozen=True)
class PixelFormat:
    """The pixels that a model reads.

    Attributes:
        side: of an image, in pixels.
        mean, std: of the three channels, by which values from 0 to 1 are normalised.
    """

    side: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def to_tensor(self, image: Image.Image) -> torch.Tensor:
        """Return (3, side, side) float32, normalised; `image` is RGB and of that size."""
        values = F.to_dtype(F.pil_to_tensor(image), torch.float32, scale=True)
        return F.normalize(values, list(self.mean), list(self.std))


def random_view(
    image: np.ndarray,
    texts: Iterable[str],
    pixels: PixelFormat,
    least_area: float,
    generator: np.random.Generator,
) -> torch.Tensor:
    """Return a random crop of an image, perhaps flipped, and varied by all ten operations.

    Args:
        image: (height, width, 3) uint8 RGB.
        texts: of the image; one that names a side keeps it from being flipped.
        least_area: share of the image's area: 0.2 in pre-training, 0.5 in fine-tuning.

    Returns:
        (3, side, side) float32, normalised.
    """
    crop = draw_crop(image.shape[:2], least_area, generator)
    cut = crop.cut(Image.fromarray(image), pixels.side, draw_flip(texts, generator))
    return pixels.to_tensor(rand_augment(cut, COLOUR + GEOMETRIC, generator))
