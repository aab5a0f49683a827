"""The sizes and settings of a region detector; the defaults are those of LXMERT's own features."""

import math
from collections.abc import Callable
from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml

from preprocess.base.errors import InputError
from preprocess.base.files import read_json

EXPECTED = "expected the folder of a detector, such as unc-nlp/frcnn-vg-finetuned"
LENGTHS = {
    "pixel_means": 3,
    "stage_blocks": 4,
    "stage_widths": 4,
    "stage_channels": 4,
    "rpn_box_weights": 4,
    "box_weights": 4,
}
MAY_BE_ZERO = ("pixel_means", "n_attributes", "min_score")
BLOCKS_OF_DEPTH = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


@dataclass(frozen=True)
class DetectorConfig:
    """A Faster R-CNN ResNet-C4 detector of objects and, if `n_attributes` is not 0, attributes.

    The defaults are `unc-nlp/frcnn-vg-finetuned`, with the extraction settings of LXMERT's own
    features: BGR, 600 / 1000 pixels, NMS thresholds 0.3 to 0.9. (The port's stock settings are
    800 / 1333 and 0.5, 0.6, 0.7; the original extraction's are these.) Those of the other
    published detector are `faster_rcnn_checkpoint.PUBLISHED`.

    Raises:
        InputError: sizes that contradict each other, or a setting out of range.
    """

    # Input. Means are in `channel_order`, of pixels in 0..255.
    channel_order: Literal["bgr", "rgb"] = "bgr"
    pixel_means: tuple[float, ...] = (102.9801, 115.9465, 122.7717)
    min_size: int = 600  # of the shorter side, in pixels
    max_size: int = 1000  # of the longer side, in pixels: it lowers the scale where it exceeds
    resize: Literal["torch", "opencv"] = "torch"  # as whose library (blob.py)

    # ResNet: res2, res3, res4 make the backbone, res5 the head of each region.
    stem_channels: int = 64
    stage_blocks: tuple[int, ...] = (3, 4, 23, 3)
    stage_widths: tuple[int, ...] = (64, 128, 256, 512)  # of the 3x3 convolutions
    stage_channels: tuple[int, ...] = (256, 512, 1024, 2048)
    pooling: Literal["roi_pool", "roi_align"] = "roi_pool"
    roi_size: int = 14  # cells of res4 that a region is pooled to, each way
    res5_stride: int = 1
    res5_dilation: int = 2

    # Boxes. Where inclusive, x2 and y2 are a box's last pixels: its width is x2 - x1 + 1.
    inclusive_boxes: bool = False
    clamp_growth: bool = True  # of a side by one decoding, to that from 16 to 1000 pixels

    # Region proposals
    anchor_sizes: tuple[float, ...] = (64, 128, 256, 512)  # square root of the area, in pixels
    anchor_ratios: tuple[float, ...] = (0.5, 1, 2)  # height / width
    rpn_channels: int = 512
    rpn_n_before_nms: int = 6000
    rpn_n_after_nms: int = 300
    pad_proposals: bool = False  # with boxes of zeros, up to rpn_n_after_nms
    rpn_nms_threshold: float = 0.7
    rpn_box_weights: tuple[float, ...] = (1, 1, 1, 1)

    # Prediction
    n_objects: int = 1600  # without the background, which is the last class
    n_attributes: int = 400  # without "none", which is the last; 0: a detector of objects only
    object_embedding: int = 256
    attribute_hidden: int = 512
    box_weights: tuple[float, ...] = (10, 10, 5, 5)

    # Selection: one suppression of all regions at thresholds tried in turn, or one of each class's
    # (selection.py)
    selection: Literal["all_classes", "each_class"] = "all_classes"
    n_regions: int = 36
    nms_thresholds: tuple[float, ...] = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    min_score: float = 0  # that a class must exceed to take part; only of each_class

    def __post_init__(self) -> None:
        for field in fields(self):
            _check_field(field, getattr(self, field.name))
        if not 1 <= self.min_size <= self.max_size:
            raise InputError(
                f"expected 1 <= min_size <= max_size, found {self.min_size} and {self.max_size}"
            )
        if not 1 <= self.n_regions <= self.rpn_n_after_nms:
            raise InputError(
                f"n_regions: expected 1 to {self.rpn_n_after_nms} (rpn_n_after_nms), "
                f"found {self.n_regions}"
            )
        thresholds = list(self.nms_thresholds)
        ascending = thresholds == sorted(thresholds)
        if not thresholds or not ascending or not 0 < thresholds[0] <= thresholds[-1] <= 1:
            raise InputError(
                f"nms_thresholds: expected ascending numbers above 0, up to 1, found {thresholds}"
            )
        if self.selection == "each_class" and len(thresholds) > 1:
            raise InputError(
                f"nms_thresholds: selection each_class takes 1 threshold, found {thresholds}"
            )
        if self.selection == "all_classes" and self.min_score:
            raise InputError(
                f"min_score: selection all_classes takes none (0), found {self.min_score}"
            )

    @property
    def feature_dim(self) -> int:
        """Length of a region's feature."""
        return self.stage_channels[-1]


def _check_field(field: Field, value: Any) -> None:
    """Raise InputError unless a field has one of its choices, a bool, or its numbers."""
    if field.type is bool:
        if not isinstance(value, bool):
            raise InputError(f"{field.name}: expected true or false, found {value!r}")
    elif get_origin(field.type) is Literal:
        if value not in get_args(field.type):
            expected = " or ".join(get_args(field.type))
            raise InputError(f"{field.name}: expected {expected}, found {value!r}")
    else:
        _check_numbers(field, value)


def _check_numbers(field: Field, value: Any) -> None:
    """Raise InputError unless a field has positive numbers (some: or 0), as many as it takes."""
    listed = get_args(field.type)  # (int, ...) of a tuple, () of a number
    kinds = (int,) if int in (field.type, *listed) else (int, float)
    numbers = value if listed and isinstance(value, tuple) else (value,)
    if not all(type(n) in kinds and (type(n) is int or math.isfinite(n)) for n in numbers):
        expected = "integers" if kinds == (int,) else "numbers"
        raise InputError(f"{field.name}: expected {expected}, found {value!r}")
    if any(n < 0 or (n == 0 and field.name not in MAY_BE_ZERO) for n in numbers):
        raise InputError(f"{field.name}: expected numbers above 0, found {value!r}")
    length = LENGTHS.get(field.name, len(numbers))
    if len(numbers) != length or not numbers:
        raise InputError(f"{field.name}: expected {length or 'some'} numbers, found {value!r}")


def read_detector_config(folder: Path) -> DetectorConfig:
    """Read `config.json` (fields of `DetectorConfig`), or else the published `config.yaml`.

    Raises:
        InputError: neither file exists, or what it says makes no detector.
    """
    own, published = folder / "config.json", folder / "config.yaml"
    if own.is_file():
        path, content, translate = own, read_json(own, EXPECTED), _tuples
    elif published.is_file():
        path, content, translate = published, _read_yaml(published), _fields_of_published
    else:
        raise InputError(f"{folder}: neither config.json nor config.yaml; {EXPECTED}")
    try:
        return DetectorConfig(**translate(content))
    except (LookupError, TypeError, ValueError, AttributeError, InputError) as error:
        raise InputError(f"{path}: not the configuration of a detector ({error})") from error


def _tuples(content: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in content.items()}


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: expected YAML, found {error}; {EXPECTED}") from error


def _fields_of_published(content: dict[str, dict]) -> dict[str, Any]:
    """Translate the architecture of a `config.yaml`; what it does not say is as published.

    Its test-time sizes and thresholds are the port's stock ones, 800 / 1333 and 0.5, 0.6, 0.7,
    which are not those of LXMERT's features: they stay at the defaults of `DetectorConfig`.
    """
    res2_channels = content.get("RESNETS", {}).get("RES2_OUT_CHANNELS", 256)
    fields: dict[str, Any] = {
        "stage_channels": tuple(res2_channels * 2**stage for stage in range(4)),
        "object_embedding": res2_channels,  # the feature's length / 8
        "attribute_hidden": 2 * res2_channels,  # the feature's length / 4
    }

    def read(section: str, key: str, field: str, convert: Callable = lambda value: value) -> None:
        value = content.get(section, {}).get(key)
        if value is not None:
            fields[field] = convert(value)

    read("MODEL", "PIXEL_MEAN", "pixel_means", tuple)
    read("RESNETS", "STEM_OUT_CHANNELS", "stem_channels")
    read("RESNETS", "DEPTH", "stage_blocks", BLOCKS_OF_DEPTH.__getitem__)
    read("RESNETS", "WIDTH_PER_GROUP", "stage_widths", lambda w: (w, 2 * w, 4 * w, 8 * w))
    read("ANCHOR_GENERATOR", "SIZES", "anchor_sizes", lambda levels: tuple(levels[0]))
    read("ANCHOR_GENERATOR", "ASPECT_RATIOS", "anchor_ratios", lambda levels: tuple(levels[0]))
    read("PROPOSAL_GENERATOR", "HIDDEN_CHANNELS", "rpn_channels")
    read("RPN", "PRE_NMS_TOPK_TEST", "rpn_n_before_nms")
    read("RPN", "POST_NMS_TOPK_TEST", "rpn_n_after_nms")
    read("RPN", "NMS_THRESH", "rpn_nms_threshold")
    read("RPN", "BBOX_REG_WEIGHTS", "rpn_box_weights", tuple)
    read("ROI_HEADS", "NUM_CLASSES", "n_objects")
    read("ROI_BOX_HEAD", "NUM_ATTRS", "n_attributes")
    read("ROI_BOX_HEAD", "POOLER_RESOLUTION", "roi_size")
    read("ROI_BOX_HEAD", "BBOX_REG_WEIGHTS", "box_weights", tuple)
    return fields
