"""A region detector of a few thousand random weights, and pictures of random pixels."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from preprocess.detector.config import DetectorConfig
from preprocess.detector.faster_rcnn import FasterRCNN
from preprocess.detector.weights import save_detector

TINY = DetectorConfig(
    min_size=64,
    max_size=128,
    stem_channels=8,
    stage_blocks=(1, 1, 2, 1),
    stage_widths=(4, 4, 8, 8),
    stage_channels=(8, 8, 16, 24),
    roi_size=3,
    anchor_sizes=(16, 32),
    rpn_channels=8,
    rpn_n_after_nms=20,
    n_objects=5,
    n_attributes=3,
    object_embedding=4,
    attribute_hidden=8,
    n_regions=6,
)


def random_detector(seed: int = 0, config: DetectorConfig = TINY) -> FasterRCNN:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FasterRCNN(config).eval().requires_grad_(False)


def save_random_detector(folder: Path, seed: int = 0) -> Path:
    objects = tuple(f"object {i}" for i in range(TINY.n_objects))
    attributes = tuple(f"attribute {i}" for i in range(TINY.n_attributes))
    save_detector(folder, random_detector(seed), objects, attributes)
    return folder


def random_image(seed: int, height: int = 48, width: int = 64) -> np.ndarray:
    """(height, width, 3) uint8 of random 8 x 8 blocks."""
    generator = np.random.default_rng(seed)
    blocks = generator.integers(0, 256, (-(-height // 8), -(-width // 8), 3), np.uint8)
    return blocks.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]


def save_random_image(path: Path, seed: int, height: int = 48, width: int = 64) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(random_image(seed, height, width)).save(path, quality=95)
