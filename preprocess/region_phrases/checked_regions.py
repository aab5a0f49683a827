"""Images as their sources have them, made fit for a region file.

Real files have boxes that reach out of their image, phrases without a word, images without a size.
They are cut, left out or kept, and counted.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from preprocess.base.errors import InputError
from preprocess.region_phrases.region_file import ImageRegions, Region
from preprocess.region_phrases.tally import Tally

BadBoxes = Literal["cut", "error"]
Box = tuple[float, float, float, float]
ROUNDING = 0.02  # pixels: COCO's boxes have two decimals
DECIMALS = 3


@dataclass(frozen=True, slots=True)
class FoundRegion:
    """A region as a file has it: nothing of it is checked."""

    file: Path
    box: object
    phrases: Sequence[object]
    attributes: Sequence[object] = ()


@dataclass(frozen=True, slots=True)
class FoundImage:
    """An image as a file has it; a height or width that is no positive integer is unknown."""

    file: Path
    image_id: int
    file_name: str
    height: object
    width: object
    regions: Sequence[FoundRegion]
    captions: Sequence[object] = ()

    @property
    def name(self) -> str:
        return f"{self.file}, image {self.image_id}"


def checked_images(
    images: Iterable[FoundImage], bad_boxes: BadBoxes, tally: Tally
) -> Iterator[ImageRegions]:
    """Yield the images that have a region left.

    Boxes are cut to their image, and rounded to a thousandth of a pixel; of an image of unknown
    size they are cut at 0 alone. Texts without a letter or digit are left out: no model's cleaning
    leaves anything of them.

    Raises:
        InputError: with `bad_boxes` "error", at the first box that is not inside its image.
    """
    for image in images:
        size = _size(image)
        if size == (0, 0):
            tally.add("images of unknown size, whose boxes were not checked", image.name)
        checked = (_checked(found, image, size, bad_boxes, tally) for found in image.regions)
        regions = tuple(region for region in checked if region is not None)
        if not regions:
            tally.add("images without a region left out", image.name)
            continue
        captions = _texts(image.captions, image.name, tally)
        yield ImageRegions(image.image_id, image.file_name, *size, regions, captions)


def _size(image: FoundImage) -> tuple[int, int]:
    height, width = image.height, image.width
    if not isinstance(height, int) or not isinstance(width, int):
        return 0, 0
    return (height, width) if min(height, width) > 0 else (0, 0)


def _checked(
    found: FoundRegion, image: FoundImage, size: tuple[int, int], bad_boxes: BadBoxes, tally: Tally
) -> Region | None:
    name = f"{found.file}, image {image.image_id}"
    phrases = _texts(found.phrases, name, tally)
    if not phrases:
        tally.add("regions without a phrase left out", f"{name}, box {found.box}")
        return None
    box, is_inside = cut_box(found.box, *size)
    if not is_inside:
        if bad_boxes == "error":
            height, width = size
            raise InputError(
                f"{name}: expected boxes inside the image of {width} x {height} pixels, "
                f"found {found.box} (x, y, width, height); --bad_boxes cut cuts or leaves out such"
            )
        outside = "boxes outside their image or without area left out"
        tally.add("boxes cut to their image" if box else outside, f"{name}, box {found.box}")
    return Region(box, phrases, _texts(found.attributes, name, tally)) if box else None


def cut_box(box: object, height: int, width: int) -> tuple[Box | None, bool]:
    """Return what of a box is inside an image, and whether all of it is.

    Args:
        box: x, y, width, height in pixels.
        height, width: of the image; 0 where unknown, which is without a limit.

    Returns:
        None instead of a box where no area is left, or where it is not four finite numbers.
    """
    sides = _sides(box)
    if sides is None:
        return None, False
    left, top, box_width, box_height = sides
    right, bottom = left + box_width, top + box_height
    limit_x, limit_y = width or math.inf, height or math.inf
    over = max(-left, -top, right - limit_x, bottom - limit_y)
    if over > 0:
        left, top = max(left, 0), max(top, 0)
        box_width, box_height = min(right, limit_x) - left, min(bottom, limit_y) - top
    box_width, box_height = round(box_width, DECIMALS), round(box_height, DECIMALS)
    if box_width <= 0 or box_height <= 0:
        return None, False
    return (round(left, DECIMALS), round(top, DECIMALS), box_width, box_height), over <= ROUNDING


def _sides(box: object) -> Box | None:
    """Return a box that is four finite numbers, or None."""
    if not isinstance(box, list | tuple) or len(box) != 4:
        return None
    if not all(type(side) in (int, float) and math.isfinite(side) for side in box):
        return None
    return box[0], box[1], box[2], box[3]


def _texts(texts: Sequence[object], name: str, tally: Tally) -> tuple[str, ...]:
    """Return those texts that say something, each once, without half characters."""
    kept: dict[str, None] = {}
    for text in texts:
        whole = text.encode("utf-8", "ignore").decode().strip() if isinstance(text, str) else ""
        if any(map(str.isalnum, whole)):
            kept[whole] = None
        else:
            tally.add("texts without a letter or digit left out", f"{name}, {text!r:.40}")
    return tuple(kept)
