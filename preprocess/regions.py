"""An image's regions: the detector's chain over one image, from pixels to features and boxes.

An image is alone in its forward pass, without padding: its regions never depend on neighbours.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import clip_boxes_to_image

from preprocess.boxes import normalize_boxes_xyxy, select_regions
from preprocess.detector_config import DetectorConfig
from preprocess.errors import InputError
from preprocess.faster_rcnn import FasterRCNN

SHORTEST_SIDE = 32  # pixels of the blob; of less, res4 has no cell left to pool


@dataclass(frozen=True)
class ImageBlob:
    """What the backbone reads: `pixels` (3, h, w) float32, and the size of the source image."""

    pixels: Tensor
    image_height: int
    image_width: int


@dataclass(frozen=True)
class Regions:
    """The n_regions regions of an image, in descending order of `object_scores`.

    `visual_feats` (n_regions, feature_dim) float32 belong to the proposal, the boxes to the
    refined region, as published. `boxes_xyxy` (n_regions, 4) float32, in pixels of the source
    image; `visual_pos` the same divided by its width and height, in [0, 1]. `object_ids`,
    `attribute_ids` (n_regions,) int64, 0-based without background and "none"; `object_scores`,
    `attribute_scores` (n_regions,) float32, probabilities. The last `n_fillers` regions were
    suppressed at every NMS threshold and follow in an order of their own (`select_regions`).
    """

    visual_feats: np.ndarray
    boxes_xyxy: np.ndarray
    visual_pos: np.ndarray
    object_ids: np.ndarray
    object_scores: np.ndarray
    attribute_ids: np.ndarray
    attribute_scores: np.ndarray
    n_fillers: int


def resized_size(height: int, width: int, min_size: int, max_size: int) -> tuple[int, int]:
    """Return height and width with the shorter side at `min_size`, or the longer at `max_size`.

    The scale is what satisfies both; sizes are rounded half up (torchvision rounds down).
    """
    scale = min_size / min(height, width)
    new_height, new_width = (
        (min_size, scale * width) if height < width else (scale * height, min_size)
    )
    if max(new_height, new_width) > max_size:
        scale = max_size / max(new_height, new_width)
        new_height, new_width = new_height * scale, new_width * scale
    return int(new_height + 0.5), int(new_width + 0.5)


def make_blob(image: np.ndarray, config: DetectorConfig) -> ImageBlob:
    """Resize an image and subtract the means.

    Args:
        image: (H, W, 3) uint8 RGB.

    Raises:
        InputError: the image is so long and thin that its shorter side vanishes.
    """
    height, width = image.shape[:2]
    new_size = resized_size(height, width, config.min_size, config.max_size)
    if min(new_size) < SHORTEST_SIDE:
        raise InputError(
            f"an image of {width} x {height} pixels is too long and thin: resized to "
            f"{new_size[1]} x {new_size[0]}, expected at least {SHORTEST_SIDE} each way"
        )
    pixels = torch.from_numpy(image.astype(np.float32))
    if config.channel_order == "bgr":
        pixels = pixels.flip(2)
    pixels = pixels.permute(2, 0, 1)  # (H, W, 3) -> (3, H, W)
    # One channel at a time: with several, torch takes another kernel where it has one thread, as
    # in DataLoader workers, whose values differ by up to 0.01 from the published ones.
    pixels = torch.cat(
        [
            F.interpolate(channel[None, None], new_size, mode="bilinear", align_corners=False)[0]
            for channel in pixels
        ]
    )
    pixels = pixels - torch.tensor(config.pixel_means)[:, None, None]
    return ImageBlob(pixels, height, width)


@torch.inference_mode()
def detect_in_blob(detector: FasterRCNN, blob: ImageBlob) -> Regions:
    """Find the regions of one image that `make_blob` prepared.

    Raises:
        InputError: the image yields fewer proposals than `n_regions`.
    """
    config = detector.config
    device = next(detector.parameters()).device
    size = tuple(blob.pixels.shape[-2:])
    features = detector.backbone(blob.pixels[None].to(device))  # (1, C, h/16, w/16)
    generator = detector.proposal_generator
    logits, deltas = generator(features)
    anchors = generator.anchor_generator(features)
    proposals, _ = generator.propose(logits[0], deltas[0], anchors, size)
    if len(proposals) < config.n_regions:
        raise InputError(
            f"an image of {blob.image_width} x {blob.image_height} pixels yields "
            f"{len(proposals)} proposals, expected at least {config.n_regions}"
        )
    pooled = detector.roi_heads.pool(features, [proposals])
    predictions = detector.roi_heads.box_predictor(pooled)

    scores, object_ids = predictions.object_logits.softmax(dim=1)[:, :-1].max(dim=1)
    rows = torch.arange(len(proposals), device=device)
    deltas = predictions.box_deltas[rows, object_ids]  # (n, n_objects, 4) -> (n, 4)
    boxes = detector.roi_heads.box_coder.decode_single(deltas, proposals)
    boxes = clip_boxes_to_image(boxes, size)
    chosen, n_fillers = select_regions(boxes, scores, config.nms_thresholds, config.n_regions)

    scale_y, scale_x = blob.image_height / size[0], blob.image_width / size[1]
    boxes = boxes[chosen] * boxes.new_tensor([scale_x, scale_y, scale_x, scale_y])
    attributes = predictions.attribute_logits[chosen, :-1].softmax(dim=1).max(dim=1)
    arrays = {
        "visual_feats": pooled[chosen],
        "boxes_xyxy": boxes,
        "visual_pos": normalize_boxes_xyxy(boxes, blob.image_height, blob.image_width),
        "object_ids": object_ids[chosen],
        "object_scores": scores[chosen],
        "attribute_ids": attributes.indices,
        "attribute_scores": attributes.values,
    }
    return Regions(
        **{name: array.cpu().numpy() for name, array in arrays.items()}, n_fillers=n_fillers
    )


def detect(detector: FasterRCNN, image: np.ndarray) -> Regions:
    """Find the regions of an image, (H, W, 3) uint8 RGB.

    Raises:
        InputError: the image is too long and thin, or yields fewer proposals than `n_regions`.
    """
    return detect_in_blob(detector, make_blob(image, detector.config))
