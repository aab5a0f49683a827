"""The losses that train a Faster R-CNN: of its proposals, and of its head."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler, Matcher
from torchvision.ops import box_iou

from preprocess.detector.faster_rcnn import FasterRCNN

# An anchor is an object at this overlap with a thing (or as a thing's best anchor) and background
# below the other; a proposal is an object from 0.5 on.
ANCHOR_MATCHER = Matcher(0.6, 0.3, allow_low_quality_matches=True)
PROPOSAL_MATCHER = Matcher(0.5, 0.5)
ANCHOR_SAMPLER = BalancedPositiveNegativeSampler(128, positive_fraction=0.5)
PROPOSAL_SAMPLER = BalancedPositiveNegativeSampler(32, positive_fraction=0.5)


def detection_loss(
    detector: FasterRCNN,
    pixels: Tensor,
    boxes_xyxy: list[Tensor],
    object_ids: list[Tensor],
    attribute_ids: list[Tensor],
) -> Tensor:
    """Return the sum of the losses of a batch of images of one size.

    Args:
        pixels: (B, 3, h, w) float32, as `make_blob` gives.
        boxes_xyxy: of each image, (n_i, 4) pixels of the blob, n_i at least 1.
        object_ids, attribute_ids: of each image, (n_i,) int64.
    """
    with torch.autocast("cpu", torch.bfloat16):  # half the time of a step; the rest is in float32
        features = detector.backbone(pixels.contiguous(memory_format=torch.channels_last))
    features = features.float().contiguous()
    generator = detector.proposal_generator
    logits, deltas = generator(features)
    anchors = generator.anchor_generator(features)
    loss = _proposal_loss(detector, logits, deltas, anchors, boxes_xyxy)
    with torch.no_grad():
        size = tuple(pixels.shape[-2:])
        proposals = [
            torch.cat((generator.propose(one_logits, one_deltas, anchors, size)[0], boxes))
            for one_logits, one_deltas, boxes in zip(logits, deltas, boxes_xyxy, strict=True)
        ]
    return loss + _head_loss(detector, features, proposals, boxes_xyxy, object_ids, attribute_ids)


def _proposal_loss(
    detector: FasterRCNN, logits: Tensor, deltas: Tensor, anchors: Tensor, boxes: list[Tensor]
) -> Tensor:
    """`logits` (B, n), `deltas` (B, n, 4), `anchors` (n, 4)."""
    matches = torch.stack([ANCHOR_MATCHER(box_iou(each, anchors)) for each in boxes])  # (B, n)
    labels = (matches >= 0).float()
    labels[matches == Matcher.BETWEEN_THRESHOLDS] = -1
    positive, negative = (torch.stack(masks).bool() for masks in ANCHOR_SAMPLER(list(labels)))
    sampled = positive | negative
    targets = torch.cat(
        [
            detector.proposal_generator.box_coder.encode_single(each[match[mask]], anchors[mask])
            for each, match, mask in zip(boxes, matches, positive, strict=True)
        ]
    )
    return (
        F.binary_cross_entropy_with_logits(logits[sampled], labels[sampled])
        + F.smooth_l1_loss(deltas[positive], targets, beta=1 / 9, reduction="sum") / sampled.sum()
    )


def _head_loss(
    detector: FasterRCNN,
    features: Tensor,
    proposals: list[Tensor],
    boxes: list[Tensor],
    object_ids: list[Tensor],
    attribute_ids: list[Tensor],
) -> Tensor:
    """Object, box and attribute losses of a sample of the proposals."""
    background = detector.config.n_objects
    heads = detector.roi_heads
    rois, classes, attributes, targets = [], [], [], []
    for each, things, ids, colours in zip(proposals, boxes, object_ids, attribute_ids, strict=True):
        match = PROPOSAL_MATCHER(box_iou(things, each))  # (n,)
        (positive,), (negative,) = PROPOSAL_SAMPLER([(match >= 0).int()])
        sampled = (positive | negative).nonzero()[:, 0]
        each, match = each[sampled], match[sampled]
        thing = match.clamp(min=0)
        rois.append(each)
        classes.append(torch.where(match >= 0, ids[thing], background))
        attributes.append(colours[thing])
        targets.append(heads.box_coder.encode_single(things[thing], each))
    classes, attributes, targets = torch.cat(classes), torch.cat(attributes), torch.cat(targets)

    found = heads.box_predictor(heads.pool(features, rois), classes)
    rows = (classes < background).nonzero()[:, 0]
    deltas = found.box_deltas[rows, classes[rows]]  # (n, n_objects, 4) -> (n_positive, 4)
    return (
        F.cross_entropy(found.object_logits, classes)
        + F.smooth_l1_loss(deltas, targets[rows], beta=1 / 9, reduction="sum") / len(classes)
        + F.cross_entropy(found.attribute_logits[rows], attributes[rows])
    )
