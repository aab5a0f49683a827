"""A picture of an image with its regions: boxes, labels and scores."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from preprocess.base.files import atomic_path
from preprocess.captions.split_file import Split
from preprocess.storage.decoding import decode_rgb, read_encoded
from preprocess.storage.features_file import FeaturesFile

LEAST_LONGER_SIDE = 1000  # pixels of a picture: labels would hide a smaller one
# Told apart by eye on photographs, with the colour of the text upon them.
COLORS = (
    ("#e6194b", "white"),
    ("#3cb44b", "black"),
    ("#ffe119", "black"),
    ("#4363d8", "white"),
    ("#f58231", "black"),
    ("#911eb4", "white"),
    ("#42d4f4", "black"),
    ("#f032e6", "white"),
    ("#bfef45", "black"),
    ("#fabed4", "black"),
    ("#469990", "white"),
    ("#dcbeff", "black"),
    ("#9a6324", "white"),
    ("#fffac8", "black"),
    ("#800000", "white"),
    ("#aaffc3", "black"),
)


@dataclass(frozen=True)
class _Chip:
    """A label's rectangle, x1 y1 x2 y2 in pixels of the picture."""

    x1: float
    y1: float
    x2: float
    y2: float

    def overlap(self, other: "_Chip") -> float:
        """Return the area of the intersection."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        return max(width, 0) * max(height, 0)


def draw_regions(
    image: np.ndarray, boxes_xyxy: np.ndarray, labels: Sequence[str], scores: np.ndarray
) -> Image.Image:
    """Draw regions over an image, a colour each, small boxes and good scores on top.

    Args:
        image: (H, W, 3) uint8 RGB.
        boxes_xyxy: (n, 4) pixels of the image.
        labels: n, such as "red car".
        scores: (n,) probabilities, written behind the labels.

    Returns:
        An RGB picture of the image's proportions, its longer side at least `LEAST_LONGER_SIDE`.
    """
    height, width = image.shape[:2]
    scale = max(1, LEAST_LONGER_SIDE / max(height, width))
    size = (round(width * scale), round(height * scale))
    picture = Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(max(12, max(size) / 70))
    boxes = np.asarray(boxes_xyxy, float) * scale
    thickness = max(2, round(max(size) / 500))
    sides = boxes[:, 2:] - boxes[:, :2]
    for index in np.argsort(-sides.prod(axis=1), kind="stable"):
        draw.rectangle(boxes[index].tolist(), outline=_colors(index)[0], width=thickness)
    chips: dict[int, _Chip] = {}
    for index in np.argsort(-np.asarray(scores), kind="stable").tolist():
        text = f"{labels[index]} {scores[index]:.2f}"
        chips[index] = _place(draw.textbbox((0, 0), text, font), boxes[index], size, chips)
    for index, chip in reversed(chips.items()):
        background, foreground = _colors(index)
        draw.rectangle((chip.x1, chip.y1, chip.x2, chip.y2), fill=background)
        middle = (chip.x1 + chip.x2) / 2, (chip.y1 + chip.y2) / 2
        text = f"{labels[index]} {scores[index]:.2f}"
        draw.text(middle, text, fill=foreground, font=font, anchor="mm")
    return picture


def picture_of_image(features: FeaturesFile, image_id: int, path: Path) -> Image.Image:
    """Draw the regions of a features file over their image.

    Args:
        path: of the image's file.

    Raises:
        InputError: the image is not in the file or was skipped, or does not decode.
    """
    rows = features.read(image_id)
    image = decode_rgb(read_encoded(path), str(path))
    height, width = image.shape[:2]
    settings = json.loads(features.attributes["settings"])
    labels = [
        _label(settings, object_id, attribute_id)
        for object_id, attribute_id in zip(rows["object_ids"], rows["attribute_ids"], strict=True)
    ]
    boxes = rows["visual_pos"] * (width, height, width, height)
    return draw_regions(image, boxes, labels, rows["object_scores"])


def _label(settings: dict, object_id: int, attribute_id: int) -> str:
    """Return "attribute object"; ids stand for labels that the detector came without."""

    def word(kind: str, number: int) -> str:
        words = settings.get(f"{kind}_labels")
        # A line of the published lists holds synonyms: "stop sign,stopsign".
        return words[number].partition(",")[0] if words else f"{kind} {number}"

    words = [word("attribute", attribute_id)] if attribute_id >= 0 else []
    return " ".join([*words, word("object", object_id)])


def _colors(index: int) -> tuple[str, str]:
    return COLORS[index % len(COLORS)]


def _place(
    text: tuple[float, float, float, float],
    box: np.ndarray,
    size: tuple[int, int],
    placed: dict[int, _Chip],
) -> _Chip:
    """Choose where a label stands: in a corner of its box, off the others, inside the picture.

    Args:
        text: x1 y1 x2 y2 of the label's own extent.
        box: (4,) xyxy pixels of the picture.
        size: width and height of the picture.
    """
    width, height = text[2] - text[0] + 6, text[3] - text[1] + 6
    x1, y1, x2, y2 = box.tolist()
    candidates = []
    for top in (y1 - height, y1, y2 - height, y2, (y1 + y2 - height) / 2):
        for left in (x1, x2 - width, (x1 + x2 - width) / 2):
            left = min(max(left, 0), size[0] - width - 1)
            top = min(max(top, 0), size[1] - height - 1)
            candidates.append(_Chip(left, top, left + width, top + height))
    return min(candidates, key=lambda chip: sum(chip.overlap(other) for other in placed.values()))


def draw_pictures(
    output: Path, split: Split, image_root: Path, folder: Path, n_pictures: int
) -> None:
    """Write a picture of each of the first images of a features file."""
    features = FeaturesFile(output)
    file_names = {image.image_id: image.file_name for image in split.images}
    drawn = [i for i in features.image_ids.tolist() if i not in features.skipped][:n_pictures]
    for image_id in drawn:
        picture = picture_of_image(features, image_id, image_root / file_names[image_id])
        with atomic_path(folder / f"{image_id}.jpg") as partial:
            picture.save(partial, "JPEG", quality=90, subsampling=0)  # subsampling blurs the text
    print(f"drew {len(drawn)} images with their regions in {folder}")
