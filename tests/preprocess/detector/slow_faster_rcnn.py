"""The detector of faster-rcnn.pytorch in loops, in the layout of its own checkpoints.

Written from its description and not from our network, of which it uses nothing: background first,
a softmax of two for each anchor, "+1" in every width, NumPy in double precision where it can.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F

# Sizes of `random_checkpoint`, as settings of DetectorConfig.
TINY_SETTINGS = {
    "min_size": 64,
    "max_size": 128,
    "stem_channels": 8,
    "stage_blocks": (1, 1, 2, 1),
    "stage_widths": (4, 4, 8, 8),
    "stage_channels": (8, 8, 16, 24),
    "anchor_sizes": (16, 32),
    "rpn_channels": 8,
    "rpn_n_before_nms": 100,
    "rpn_n_after_nms": 100,
    "n_objects": 5,
    "n_regions": 6,
}
# Anchors of the cell (0, 0, 15, 15): of ratio 1/2 are 23 x 12 and 46 x 24 pixels, of ratio 2 are
# 11 x 22 and 22 x 44.
ANCHORS = [
    (-3.5, 2, 18.5, 13),
    (-15, -4, 30, 19),
    (0, 0, 15, 15),
    (-8, -8, 23, 23),
    (2.5, -3, 12.5, 18),
    (-3, -14, 18, 29),
]
MEANS = (102.9801, 115.9465, 122.7717)


def random_checkpoint(seed: int = 0, batches_counted: bool = True) -> dict:
    """Make a checkpoint of the sizes TINY_SETTINGS as training writes it."""
    generator = torch.Generator().manual_seed(seed)
    model = {}

    def normal(*shape: int, scale: float = 1.0) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * scale

    def convolution(name: str, norm: str, n_out: int, n_in: int, size: int) -> None:
        model[f"{name}.weight"] = normal(n_out, n_in, size, size, scale=(n_in * size**2) ** -0.5)
        model[f"{norm}.weight"] = 1 + normal(n_out, scale=0.2)
        model[f"{norm}.bias"] = normal(n_out, scale=0.2)
        model[f"{norm}.running_mean"] = normal(n_out, scale=0.2)
        model[f"{norm}.running_var"] = 1 + torch.rand(n_out, generator=generator)
        if batches_counted:
            model[f"{norm}.num_batches_tracked"] = torch.tensor(7)

    def block(name: str, n_in: int, width: int, n_out: int, downsample: bool) -> None:
        convolution(f"{name}.conv1", f"{name}.bn1", width, n_in, 1)
        convolution(f"{name}.conv2", f"{name}.bn2", width, width, 3)
        convolution(f"{name}.conv3", f"{name}.bn3", n_out, width, 1)
        if downsample:
            convolution(f"{name}.downsample.0", f"{name}.downsample.1", n_out, n_in, 1)

    def head(name: str, *shape: int, scale: float) -> None:
        model[f"{name}.weight"] = normal(*shape, scale=scale * math.prod(shape[1:]) ** -0.5)
        model[f"{name}.bias"] = normal(shape[0], scale=0.1)

    convolution("RCNN_base.0", "RCNN_base.1", 8, 3, 7)
    model["RCNN_base.1.running_var"] *= 50**2  # pixels, not units
    block("RCNN_base.4.0", 8, 4, 8, downsample=False)
    block("RCNN_base.5.0", 8, 4, 8, downsample=True)
    block("RCNN_base.6.0", 8, 8, 16, downsample=True)
    block("RCNN_base.6.1", 16, 8, 16, downsample=False)
    head("RCNN_rpn.RPN_Conv", 8, 16, 3, 3, scale=1)
    head("RCNN_rpn.RPN_cls_score", 12, 8, 1, 1, scale=2)
    head("RCNN_rpn.RPN_bbox_pred", 24, 8, 1, 1, scale=0.4)
    block("RCNN_top.0.0", 16, 8, 24, downsample=True)
    head("RCNN_cls_score", 6, 24, scale=4)
    head("RCNN_bbox_pred", 24, 24, scale=4)
    return {
        "session": 1,
        "epoch": 20,
        "model": model,
        "optimizer": {"state": {0: {"momentum_buffer": torch.zeros(2)}}, "param_groups": []},
        "pooling_mode": "align",
        "class_agnostic": False,
    }


def resize(image: np.ndarray, scale: float) -> np.ndarray:
    """Resize (H, W, C) as cv2.resize(image, None, fx=scale, fy=scale) does."""
    for axis in (0, 1):
        n = image.shape[axis]
        source = np.clip((np.arange(round(n * scale)) + 0.5) / scale - 0.5, 0, n - 1)
        first = np.floor(source).astype(int)
        share = (source - first).reshape(-1, *[1] * (image.ndim - 1 - axis))
        second = np.minimum(first + 1, n - 1)
        image = image.take(first, axis) * (1 - share) + image.take(second, axis) * share
    return image


def decode(box, deltas) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(v) for v in box)
    dx, dy, dw, dh = (float(v) for v in deltas)
    width, height = x2 - x1 + 1, y2 - y1 + 1
    x, y = x1 + width / 2 + dx * width, y1 + height / 2 + dy * height
    width, height = width * math.exp(dw), height * math.exp(dh)
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def clip(box, height: int, width: int) -> tuple[float, ...]:
    return tuple(
        min(max(v, 0), limit)
        for v, limit in zip(box, (width - 1, height - 1, width - 1, height - 1), strict=True)
    )


def overlap(a, b) -> float:
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def suppress(boxes: list, threshold: float) -> list[int]:
    """Return the indices that survive among boxes in descending order of score."""
    kept: list[int] = []
    for index, box in enumerate(boxes):
        if all(overlap(boxes[other], box) <= threshold for other in kept):
            kept.append(index)
    return kept


def sample(features: np.ndarray, y: float, x: float) -> np.ndarray:
    """Interpolate (C, H, W) at a point; one further than a pixel outside counts as 0."""
    height, width = features.shape[1:]
    if not (-1 <= y <= height and -1 <= x <= width):
        return np.zeros(len(features))
    y, x = (min(max(v, 0), n - 1) for v, n in ((y, height), (x, width)))
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    share_y, share_x = y - top, x - left
    above = features[:, top, left] * (1 - share_x) + features[:, top, right] * share_x
    below = features[:, bottom, left] * (1 - share_x) + features[:, bottom, right] * share_x
    return above * (1 - share_y) + below * share_y


def roi_align(features: np.ndarray, box) -> np.ndarray:
    """Pool a box of the blob to (C, 7, 7)."""
    x1, y1, x2, y2 = (v / 16 for v in box)
    cell_h, cell_w = max(y2 - y1, 1) / 7, max(x2 - x1, 1) / 7
    n_y, n_x = math.ceil(cell_h), math.ceil(cell_w)
    pooled = np.zeros((len(features), 7, 7))
    for row in range(7):
        for column in range(7):
            points = [
                sample(
                    features,
                    y1 + cell_h * (row + (i + 0.5) / n_y),
                    x1 + cell_w * (column + (j + 0.5) / n_x),
                )
                for i in range(n_y)
                for j in range(n_x)
            ]
            pooled[:, row, column] = np.mean(points, axis=0)
    return pooled


class SlowDetector:
    """The stages, of a checkpoint's `model`."""

    def __init__(self, model: dict):
        self.model = {name: tensor.double() for name, tensor in model.items()}

    def convolve(self, x, name, norm, **settings):
        x = F.conv2d(x, self.model[f"{name}.weight"], **settings)
        m = {key: self.model[f"{norm}.{key}"] for key in ("running_mean", "running_var")}
        weight, bias = self.model[f"{norm}.weight"], self.model[f"{norm}.bias"]
        return F.batch_norm(x, m["running_mean"], m["running_var"], weight, bias, eps=1e-5)

    def block(self, x, name, stride):
        y = F.relu(self.convolve(x, f"{name}.conv1", f"{name}.bn1", stride=stride))
        y = F.relu(self.convolve(y, f"{name}.conv2", f"{name}.bn2", padding=1))
        y = self.convolve(y, f"{name}.conv3", f"{name}.bn3")
        if f"{name}.downsample.0.weight" in self.model:
            x = self.convolve(x, f"{name}.downsample.0", f"{name}.downsample.1", stride=stride)
        return F.relu(x + y)

    def base(self, blob: np.ndarray) -> np.ndarray:
        """Map an (h, w, 3) blob to (C, H, W) features."""
        x = torch.from_numpy(blob).permute(2, 0, 1)[None]
        x = F.relu(self.convolve(x, "RCNN_base.0", "RCNN_base.1", stride=2, padding=3))
        x = F.max_pool2d(x, 3, 2, padding=0, ceil_mode=True)
        x = self.block(x, "RCNN_base.4.0", 1)
        x = self.block(x, "RCNN_base.5.0", 2)
        x = self.block(x, "RCNN_base.6.0", 2)
        return self.block(x, "RCNN_base.6.1", 1)[0].numpy()

    def linear(self, x, name, **settings):
        layer = F.conv2d if self.model[f"{name}.weight"].ndim == 4 else F.linear
        return layer(x, self.model[f"{name}.weight"], self.model[f"{name}.bias"], **settings)

    def propose(self, features: np.ndarray, height: int, width: int) -> list:
        """Return exactly 100 boxes of an h x w blob."""
        x = torch.from_numpy(features)[None]
        x = F.relu(self.linear(x, "RCNN_rpn.RPN_Conv", padding=1))
        scores = self.linear(x, "RCNN_rpn.RPN_cls_score")[0].unflatten(0, (2, 6)).softmax(0)[1]
        deltas = self.linear(x, "RCNN_rpn.RPN_bbox_pred")[0].unflatten(0, (6, 4))
        found = []
        for row in range(features.shape[1]):
            for column in range(features.shape[2]):
                for index, anchor in enumerate(ANCHORS):
                    shift = np.array([column, row, column, row]) * 16
                    box = decode(np.array(anchor) + shift, deltas[index, :, row, column])
                    found.append((-float(scores[index, row, column]), clip(box, height, width)))
        boxes = [box for _, box in sorted(found)[:100]]
        boxes = [boxes[index] for index in suppress(boxes, 0.7)][:100]
        return boxes + [(0, 0, 0, 0)] * (100 - len(boxes))

    def top(self, features: np.ndarray, boxes: list) -> torch.Tensor:
        """Pool boxes to (n, 24)."""
        x = torch.from_numpy(np.stack([roi_align(features, box) for box in boxes]))
        return self.block(x, "RCNN_top.0.0", 2).mean(dim=(2, 3))


def slow_regions(model: dict, image: np.ndarray, n_regions: int = 6) -> dict:
    """Find the regions of (H, W, 3) uint8 RGB by every step of the description."""
    detector = SlowDetector(model)
    scale = 64 / min(image.shape[:2])
    if np.round(scale * max(image.shape[:2])) > 128:
        scale = 128 / max(image.shape[:2])
    blob = resize(image[:, :, ::-1].astype(np.float64) - MEANS, scale)
    height, width = blob.shape[:2]
    features = detector.base(blob)
    proposals = detector.propose(features, height, width)
    pooled = detector.top(features, proposals)
    scores = detector.linear(pooled, "RCNN_cls_score").softmax(1).numpy()
    deltas = detector.linear(pooled, "RCNN_bbox_pred").numpy() * ([0.1, 0.1, 0.2, 0.2] * 6)

    def refined(region: int, index: int) -> list[float]:
        box = decode(proposals[region], deltas[region, 4 * index : 4 * index + 4])
        return [v / scale for v in clip(box, height, width)]

    confidence = np.zeros(len(proposals))
    for index in range(1, 6):
        regions = [r for r in range(len(proposals)) if scores[r, index] > 0.2]
        regions.sort(key=lambda r, index=index: -scores[r, index])
        for kept in suppress([refined(r, index) for r in regions], 0.3):
            region = regions[kept]
            confidence[region] = max(confidence[region], scores[region, index])
    passed = [r for r in range(len(proposals)) if confidence[r] > 0]
    chosen = passed
    if len(passed) != n_regions:
        chosen = sorted(range(len(proposals)), key=lambda r: -confidence[r])[:n_regions]
    object_ids = scores[chosen, 1:].argmax(axis=1)
    boxes = np.array([refined(r, i + 1) for r, i in zip(chosen, object_ids, strict=True)])
    return {
        "visual_feats": pooled[chosen].numpy(),
        "boxes_xyxy": boxes,
        "visual_pos": boxes / np.array([image.shape[1], image.shape[0]] * 2),
        "object_ids": object_ids,
        "object_scores": scores[chosen, object_ids + 1],
        "n_passed": len(passed),
        "n_proposals": sum(box != (0, 0, 0, 0) for box in proposals),
        "chosen": chosen,
    }
