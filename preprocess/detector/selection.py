"""The choice of an image's regions: the two published rules.

- `all_classes` (bottom-up-attention, LXMERT's features): a region counts as its best class;
  `select_regions`.
- `each_class` (faster-rcnn.pytorch): a region takes part in the suppression of every class that it
  may be, and counts as the best of those that it survives in; `confidence_of_regions` and
  `select_by_confidence`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.ops import batched_nms, nms

# What fills up where too few regions survive, by `DetectorConfig.selection`.
FILLERS = {
    "all_classes": "regions suppressed at every NMS threshold, by score, after the survivors",
    "each_class": "regions that survive in no class above min_score, in order of their proposals",
}


def select_regions(
    boxes_xyxy: Tensor, scores: Tensor, nms_thresholds: Sequence[float], n_regions: int
) -> tuple[Tensor, int]:
    """Choose the regions of an image: well-scored boxes that overlap little.

    Non-maximum suppression runs at each threshold in turn until at least `n_regions` boxes
    survive; the first `n_regions` are taken in descending order of score. Where even the last
    threshold leaves fewer, all its survivors are taken, followed by the best of the suppressed
    boxes (the published code crashes there, or repeats the image before).

    Args:
        boxes_xyxy: (n, 4), with n >= n_regions.
        scores: (n,).
        nms_thresholds: intersection over union above which the lower-scored box goes; ascending.

    Returns:
        (n_regions,) int64 indices into `boxes_xyxy`, and how many of them, at the end, are
        suppressed boxes that fill up.
    """
    assert len(boxes_xyxy) >= n_regions, (len(boxes_xyxy), n_regions)
    for threshold in nms_thresholds:
        kept = nms(boxes_xyxy, scores, threshold)
        if len(kept) >= n_regions:
            return kept[:n_regions], 0
    suppressed = torch.ones_like(scores, dtype=torch.bool)
    suppressed[kept] = False
    by_score = scores.argsort(descending=True, stable=True)
    fillers = by_score[suppressed[by_score]][: n_regions - len(kept)]
    return torch.cat((kept, fillers)), len(fillers)


def confidence_of_regions(
    boxes_xyxy: Tensor,
    scores: Tensor,
    region_ids: Tensor,
    object_ids: Tensor,
    nms_threshold: float,
    n_regions: int,
) -> Tensor:
    """Suppress boxes among those of their class, and score each region by its best survivor.

    Args:
        boxes_xyxy: (p, 4), of p pairs of a region and a class that it may be.
        scores: (p,), above 0.
        region_ids, object_ids: (p,) int64, of the pairs.
        nms_threshold: intersection over union above which the lower-scored box goes.
        n_regions: how many regions there are.

    Returns:
        (n_regions,) of the regions' highest score among surviving pairs; 0 where there is none.
    """
    # In double precision, for torchvision moves each class to coordinates of its own: those of
    # 1,600 classes leave float32 an eighth of a pixel.
    kept = batched_nms(boxes_xyxy.double(), scores.double(), object_ids, nms_threshold)
    confidence = scores.new_zeros(n_regions)
    return confidence.scatter_reduce(0, region_ids[kept], scores[kept], "amax")


def select_by_confidence(confidence: Tensor, n_chosen: int) -> tuple[Tensor, int]:
    """Choose the regions of highest confidence.

    As published, all are in order of index where exactly `n_chosen` have any. Where fewer have,
    others fill up in order of index (the published code takes them in arbitrary order).

    Args:
        confidence: (n,) from `confidence_of_regions`, n >= n_chosen.

    Returns:
        (n_chosen,) int64 indices, and how many of them, at the end, have no confidence.
    """
    assert len(confidence) >= n_chosen, (len(confidence), n_chosen)
    confident = confidence.nonzero().squeeze(1)
    if len(confident) == n_chosen:
        return confident, 0
    by_confidence = confidence.argsort(descending=True, stable=True)
    return by_confidence[:n_chosen], max(0, n_chosen - len(confident))
