"""An image's regions as another program's file has them, checked."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from preprocess.base.errors import InputError
from preprocess.conversion.region_layouts import LABELS, Layout


@dataclass(frozen=True)
class FoundRegions:
    """An image's n regions as a file has them, checked to be finite and of matching shapes.

    `visual_feats` (n, D) float32; `boxes` (n, 4) float64, by default of `layout.box_format`;
    `image_size` height and width, or None; `labels`: (n,) arrays by name of `LABELS`, as many as
    the file has.
    """

    layout: Layout
    visual_feats: np.ndarray
    boxes: np.ndarray
    image_size: tuple[int, int] | None
    labels: dict[str, np.ndarray]

    @property
    def crc32(self) -> int:
        """CRC-32 of the numbers, by which a changed source is noticed."""
        total = zlib.crc32(repr(self.image_size).encode())
        for array in (self.visual_feats, self.boxes, *self.labels.values()):
            total = zlib.crc32(array.tobytes(), total)
        return total


@dataclass(frozen=True)
class SourceImage:
    """An image in a file: what it is called there, where it is, and its regions on request."""

    name: str
    where: str
    read: Callable[[], FoundRegions]


def found_regions(layout: Layout, arrays: Mapping[str, np.ndarray], where: str) -> FoundRegions:
    """Check an image's arrays, named as in its layout.

    Raises:
        InputError: no regions, or an array that has no numbers, others than finite ones, or
            another shape than the boxes ask for.
    """
    boxes = _numbers(arrays, layout.boxes, 2, where)
    # UNITER's boxes are followed by width and height.
    columns = (4, 6) if layout.boxes == "norm_bb" else (4,)
    if len(boxes) == 0 or boxes.shape[1] not in columns:
        raise InputError(f"{where}: expected {layout.boxes} (n, 4) with n > 0, found {boxes.shape}")
    features = _numbers(arrays, layout.features, 2, where)
    if len(features) != len(boxes) == features.shape[1]:
        features = features.T  # (D, n) -> (n, D), OpenVQA's
    if len(features) != len(boxes) or features.shape[1] == 0:
        raise InputError(
            f"{where}: expected {layout.features} ({len(boxes)}, D), a row for each of "
            f"{layout.boxes}, found {features.shape}"
        )
    if layout.count in arrays:
        _check_count(int(_numbers(arrays, layout.count, 0, where)), layout, len(boxes), where)
    labels = {
        label: _numbers(arrays, key, 1, where, len(boxes))
        for label, key in zip(LABELS, layout.labels, strict=False)
        if key in arrays
    }
    return FoundRegions(
        layout,
        np.ascontiguousarray(features, np.float32),
        np.ascontiguousarray(boxes[:, :4], np.float64),
        _image_size(layout, arrays, where),
        labels,
    )


def _image_size(
    layout: Layout, arrays: Mapping[str, np.ndarray], where: str
) -> tuple[int, int] | None:
    if not layout.sizes:
        return None
    height, width = (int(_numbers(arrays, key, 0, where)) for key in layout.sizes)
    if height < 1 or width < 1:
        raise InputError(
            f"{where}: expected an image of at least one pixel, found {' = '.join(layout.sizes)} "
            f"= {height}, {width}"
        )
    return height, width


def _check_count(count: int, layout: Layout, n_boxes: int, where: str) -> None:
    if count != n_boxes:
        raise InputError(
            f"{where}: expected as many boxes as {layout.count} says, {count}, found {n_boxes}"
        )


def _numbers(
    arrays: Mapping[str, np.ndarray], key: str, n_axes: int, where: str, length: int | None = None
) -> np.ndarray:
    """Return an array without leading (and, of vectors, trailing) axes of 1, checked."""
    array = np.asarray(arrays[key])
    while array.ndim > n_axes and array.shape[0] == 1:
        array = array[0]
    if n_axes < 2 and array.ndim == n_axes + 1 and array.shape[-1] == 1:
        array = array[..., 0]  # UNITER's conf is (n, 1)
    if array.dtype.kind not in "fiu":
        raise InputError(f"{where}: expected numbers in {key}, found {array.dtype}")
    if array.ndim != n_axes or length not in (None, len(array) if n_axes else None):
        expected = f"({length},)" if length is not None else f"{n_axes} axes"
        raise InputError(f"{where}: expected {key} of {expected}, found {array.shape}")
    bad = int((~np.isfinite(array)).sum())
    if bad:
        raise InputError(
            f"{where}: expected finite numbers in {key}, found {bad} that are not; extract this "
            "image's features again"
        )
    return array
