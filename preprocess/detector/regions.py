"""Images' regions: the detector's chain, from pixels to features and boxes.

Images share a forward pass only where their blobs are of one size. Nothing is padded, as published
code pads, so that an image's regions never depend on its neighbours.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from preprocess.base.errors import InputError
from preprocess.detector.blob import ImageBlob, make_blob, source_scale
from preprocess.detector.boxes import decode_boxes, normalize_boxes_xyxy, outer_edges
from preprocess.detector.faster_rcnn import FasterRCNN, Predictions
from preprocess.detector.selection import (
    confidence_of_regions,
    select_by_confidence,
    select_regions,
)


@dataclass(frozen=True)
class Regions:
    """The n_regions regions of an image, in the order of their selection (selection.py).

    `visual_feats` (n_regions, feature_dim) float32 belong to the proposal, the boxes to the
    refined region, as published. `boxes_xyxy` (n_regions, 4) float32, in pixels of the source
    image; `visual_pos` the same divided by its width and height, in [0, 1]. `object_ids`,
    `attribute_ids` (n_regions,) int64, 0-based without background and "none"; `object_scores`,
    `attribute_scores` (n_regions,) float32, probabilities; of a detector without attributes -1
    and 0. The last `n_fillers` regions were not selected and fill up (`selection.FILLERS`).
    """

    visual_feats: np.ndarray
    boxes_xyxy: np.ndarray
    visual_pos: np.ndarray
    object_ids: np.ndarray
    object_scores: np.ndarray
    attribute_ids: np.ndarray
    attribute_scores: np.ndarray
    n_fillers: int


@torch.inference_mode()
def detect_in_blobs(
    detector: FasterRCNN, blobs: list[ImageBlob], precision: torch.dtype = torch.float32
) -> list[Regions | InputError]:
    """Find the regions of images whose blobs are of one size.

    Args:
        blobs: from `make_blob`, all of the same (h, w). None is padded, so that the regions of an
            image are those that it has alone, up to the rounding of larger convolutions.
        precision: what convolutions and linear layers run in, by autocast; boxes are float32.

    Returns:
        In the order of `blobs`; an InputError stands for an image that yields fewer proposals
        than `n_regions`.
    """
    device = next(detector.parameters()).device
    height, width = blobs[0].pixels.shape[-2:]
    size = height, width
    # One by one: those in page-locked memory are copied without waiting for them.
    pixels = torch.stack([blob.pixels.to(device, non_blocking=True) for blob in blobs])
    with torch.autocast(device.type, precision, enabled=precision != torch.float32):
        features = detector.backbone(pixels)  # (B, C, h/16, w/16)
        logits, deltas = detector.proposal_generator(features)
        anchors = detector.proposal_generator.anchor_generator(features)
        proposals = [
            detector.proposal_generator.propose(image_logits, image_deltas, anchors, size)[0]
            for image_logits, image_deltas in zip(logits.float(), deltas.float(), strict=True)
        ]
        pooled = detector.roi_heads.pool(features, proposals).float()
        pooled = pooled.split([len(boxes) for boxes in proposals])
        predictions = [detector.roi_heads.box_predictor(of_image) for of_image in pooled]
    return [
        _choose_regions(detector, *of_image)
        for of_image in zip(blobs, proposals, pooled, predictions, strict=True)
    ]


def _choose_regions(
    detector: FasterRCNN,
    blob: ImageBlob,
    proposals: Tensor,
    pooled: Tensor,
    predictions: Predictions,
) -> Regions | InputError:
    """Choose an image's regions among its n proposals, (n, 4), pooled to (n, feature_dim)."""
    config = detector.config
    if len(proposals) < config.n_regions:
        return InputError(
            f"an image of {blob.image_width} x {blob.image_height} pixels yields "
            f"{len(proposals)} proposals, expected at least {config.n_regions}"
        )
    probabilities = predictions.object_logits.float().softmax(dim=1)[:, :-1]  # (n, n_objects)
    scores, object_ids = probabilities.max(dim=1)
    rows = torch.arange(len(proposals), device=proposals.device)
    height, width = blob.pixels.shape[-2:]
    refine = partial(_refine, detector, proposals, predictions, (height, width))
    boxes = refine(rows, object_ids)
    scale_y, scale_x = source_scale(blob, config)
    scale = boxes.new_tensor([scale_x, scale_y, scale_x, scale_y])
    if config.selection == "each_class":
        rows, candidates = (probabilities > config.min_score).nonzero().unbind(1)
        # Suppressed in pixels of the source, as published: the "+1" weighs more than in the blob's.
        edges = outer_edges(refine(rows, candidates) * scale, config.inclusive_boxes)
        confidence = confidence_of_regions(
            edges,
            probabilities[rows, candidates],
            rows,
            candidates,
            config.nms_thresholds[0],
            len(proposals),
        )
        chosen, n_fillers = select_by_confidence(confidence, config.n_regions)
    else:
        edges = outer_edges(boxes, config.inclusive_boxes)
        chosen, n_fillers = select_regions(edges, scores, config.nms_thresholds, config.n_regions)
    boxes = boxes[chosen] * scale
    attribute_ids, attribute_scores = _attributes(predictions.attribute_logits, chosen)
    arrays = {
        "visual_feats": pooled[chosen],
        "boxes_xyxy": boxes,
        "visual_pos": normalize_boxes_xyxy(boxes, blob.image_height, blob.image_width),
        "object_ids": object_ids[chosen],
        "object_scores": scores[chosen],
        "attribute_ids": attribute_ids,
        "attribute_scores": attribute_scores,
    }
    return Regions(
        **{name: array.cpu().numpy() for name, array in arrays.items()}, n_fillers=n_fillers
    )


def _refine(
    detector: FasterRCNN,
    proposals: Tensor,
    predictions: Predictions,
    size: tuple[int, int],
    rows: Tensor,
    object_ids: Tensor,
) -> Tensor:
    """Return the (p, 4) boxes of the proposals `rows`, (p,), as objects of class `object_ids`."""
    deltas = predictions.box_deltas[rows, object_ids].float()  # (n, n_objects, 4) -> (p, 4)
    coder, inclusive = detector.roi_heads.box_coder, detector.config.inclusive_boxes
    return decode_boxes(coder, deltas, proposals[rows], size, inclusive)


def _attributes(logits: Tensor | None, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Return ids and scores, (m,), of the best attributes of m chosen rows of the logits."""
    if logits is None:
        return torch.full_like(chosen, -1), torch.zeros_like(chosen, dtype=torch.float32)
    scores, ids = logits[chosen, :-1].float().softmax(dim=1).max(dim=1)
    return ids, scores


def detect(detector: FasterRCNN, image: np.ndarray) -> Regions:
    """Find the regions of an image, (H, W, 3) uint8 RGB.

    Raises:
        InputError: the image is too long and thin, or yields fewer proposals than `n_regions`.
    """
    (regions,) = detect_in_blobs(detector, [make_blob(image, detector.config)])
    if isinstance(regions, InputError):
        raise regions
    return regions
