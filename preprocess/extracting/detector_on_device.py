"""A detector with a command's settings, where it runs."""

from collections.abc import Mapping
from typing import Any

import torch

from preprocess.base.command_line import check_at_least
from preprocess.base.device import check_compiler
from preprocess.detector.faster_rcnn import FasterRCNN
from preprocess.detector.weights import DetectorInfo, load_detector

GPU_BATCH_SIZE = 8


def load_on_device(
    weights: str,
    settings: Mapping[str, Any],
    device: torch.device,
    channels_last: bool,
    compile: bool,
) -> tuple[FasterRCNN, DetectorInfo]:
    """Load the detector with the settings that a command changes (those not None), on a device."""
    given = {name: value for name, value in settings.items() if value is not None}
    detector, info = load_detector(weights, **given)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    detector = detector.to(device).to(memory_format=layout)
    if compile:
        check_compiler(device)
        # Nine tenths of the arithmetic, in one shape. The backbone, compiled, would be compiled
        # again for one size of image after another.
        detector.roi_heads.res5.compile(dynamic=True)
    return detector, info


def chosen_batch_size(batch_size: int | None, device: torch.device) -> int:
    """Return --batch_size, or else what suits the device."""
    if batch_size is None:
        return 1 if device.type == "cpu" else GPU_BATCH_SIZE
    check_at_least("--batch_size", batch_size, 1)
    return batch_size
