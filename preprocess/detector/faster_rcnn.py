"""The Faster R-CNN ResNet-C4 network that finds regions, objects and attributes.

Parameter names and numerical behaviour are those of the Visual Genome detector published as
`unc-nlp/frcnn-vg-finetuned`; settings of `DetectorConfig` give it those of faster-rcnn.pytorch,
whose names faster_rcnn_checkpoint.py translates. Each stage is a module of its own and
can be run alone:

    image blob -> backbone -> res4 -> proposal_generator -> proposals -> roi_heads -> predictions

The chain over one image, and the choice of its regions, is in preprocess/detector/regions.py.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import nms, roi_align, roi_pool

from preprocess.detector.boxes import (
    cell_anchors,
    decode_boxes,
    grid_anchors,
    inclusive_cell_anchors,
    nonempty_boxes,
    outer_edges,
)
from preprocess.detector.config import DetectorConfig
from preprocess.detector.resnet import Backbone, make_stage

LARGEST_GROWTH = math.log(1000 / 16)  # of a side by one decoding, as a logarithm
# On a CPU, 300 regions at once have activations of half a gigabyte, which caches cannot hold.
REGIONS_AT_ONCE = {"cpu": 8, "cuda": 600}


def make_cell_anchors(config: DetectorConfig) -> Tensor:
    """Make the (A, 4) anchors of a detector's first cell."""
    if config.inclusive_boxes:
        return inclusive_cell_anchors(config.anchor_sizes, config.anchor_ratios, Backbone.stride)
    return cell_anchors(config.anchor_sizes, config.anchor_ratios)


def make_box_coder(config: DetectorConfig, weights: tuple[float, ...]) -> BoxCoder:
    """Make what decodes deltas that were multiplied by `weights`, of x, y, width and height."""
    return BoxCoder(weights, LARGEST_GROWTH if config.clamp_growth else math.inf)


class AnchorGenerator(nn.Module):
    """The anchors of one cell, kept as a constant in the published state dict."""

    def __init__(self, config: DetectorConfig):
        super().__init__()
        anchors = make_cell_anchors(config)
        self.cell_anchors = nn.ParameterList([nn.Parameter(anchors, requires_grad=False)])

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, C, H, W) features to (H * W * A, 4) anchors, xyxy pixels of the blob."""
        height, width = features.shape[-2:]
        return grid_anchors(self.cell_anchors[0], height, width, Backbone.stride)


class RpnHead(nn.Module):
    """Scores and refines the anchors of each cell."""

    def __init__(self, config: DetectorConfig):
        super().__init__()
        n_anchors = len(config.anchor_sizes) * len(config.anchor_ratios)
        self.conv = nn.Conv2d(config.stage_channels[2], config.rpn_channels, 3, padding=1)
        self.objectness_logits = nn.Conv2d(config.rpn_channels, n_anchors, 1)
        self.anchor_deltas = nn.Conv2d(config.rpn_channels, 4 * n_anchors, 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        hidden = F.relu(self.conv(features))
        return self.objectness_logits(hidden), self.anchor_deltas(hidden)


class ProposalGenerator(nn.Module):
    """Proposes boxes that may hold an object, of whatever class."""

    def __init__(self, config: DetectorConfig):
        super().__init__()
        self.config = config
        self.anchor_generator = AnchorGenerator(config)
        self.rpn_head = RpnHead(config)
        self.box_coder = make_box_coder(config, config.rpn_box_weights)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, C, H, W) features to (B, n) logits and (B, n, 4) deltas of n = H * W * A."""
        logits, deltas = self.rpn_head(features)
        logits = logits.permute(0, 2, 3, 1).flatten(1)  # (B, A, H, W) -> (B, H * W * A)
        deltas = deltas.unflatten(1, (-1, 4)).permute(0, 3, 4, 1, 2)  # (B, H, W, A, 4)
        return logits, deltas.flatten(1, 3)

    def propose(
        self, logits: Tensor, deltas: Tensor, anchors: Tensor, size: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Choose the proposals of one image.

        Args:
            logits: (n,) of the anchors.
            deltas: (n, 4).
            anchors: (n, 4) xyxy.
            size: height and width of the blob without any padding.

        Returns:
            (m, 4) boxes, xyxy pixels of the blob, and their (m,) logits in descending order;
            m is at most `rpn_n_after_nms`, or exactly that with `pad_proposals`: boxes of zeros
            follow then, with logits of -inf, and have features and objects like any others.
        """
        config = self.config
        logits, order = logits.sort(descending=True, stable=True)
        logits = logits[: config.rpn_n_before_nms]
        order = order[: config.rpn_n_before_nms]
        inclusive = config.inclusive_boxes
        boxes = decode_boxes(self.box_coder, deltas[order], anchors[order], size, inclusive)
        nonempty = nonempty_boxes(outer_edges(boxes, inclusive))  # an inclusive box never is empty
        boxes, logits = boxes[nonempty], logits[nonempty]
        kept = nms(outer_edges(boxes, inclusive), logits, config.rpn_nms_threshold)
        kept = kept[: config.rpn_n_after_nms]
        boxes, logits = boxes[kept], logits[kept]
        if config.pad_proposals:
            n_missing = config.rpn_n_after_nms - len(boxes)
            boxes = F.pad(boxes, (0, 0, 0, n_missing))  # (m, 4) -> (rpn_n_after_nms, 4)
            logits = F.pad(logits, (0, n_missing), value=-math.inf)
        return boxes, logits


@dataclass(frozen=True)
class Predictions:
    """What the head says of n regions.

    `object_logits` (n, n_objects + 1), the background last; `box_deltas` (n, n_objects, 4);
    `attribute_logits` (n, n_attributes + 1), "none" last, or None of a detector without them.
    """

    object_logits: Tensor
    box_deltas: Tensor
    attribute_logits: Tensor | None


class BoxPredictor(nn.Module):
    """Predicts object, refined box and attribute of each region from its feature."""

    def __init__(self, config: DetectorConfig):
        super().__init__()
        self.has_attributes = config.n_attributes > 0
        n_classes = config.n_objects + 1
        self.cls_score = nn.Linear(config.feature_dim, n_classes)
        self.bbox_pred = nn.Linear(config.feature_dim, 4 * config.n_objects)
        if self.has_attributes:
            self.cls_embedding = nn.Embedding(n_classes, config.object_embedding)
            self.fc_attr = nn.Linear(
                config.feature_dim + config.object_embedding, config.attribute_hidden
            )
            self.attr_score = nn.Linear(config.attribute_hidden, config.n_attributes + 1)

    def forward(self, features: Tensor, object_ids: Tensor | None = None) -> Predictions:
        """Predict from (n, feature_dim) features.

        Args:
            object_ids: (n,) classes that the attributes are told; by default the most probable
                ones, the background among them, as published.
        """
        object_logits = self.cls_score(features)
        box_deltas = self.bbox_pred(features).unflatten(1, (-1, 4))  # (n, n_objects, 4)
        if not self.has_attributes:
            return Predictions(object_logits, box_deltas, None)
        if object_ids is None:
            object_ids = object_logits.argmax(dim=1)
        embedded = torch.cat((features, self.cls_embedding(object_ids)), dim=1)
        attribute_logits = self.attr_score(F.relu(self.fc_attr(embedded)))
        return Predictions(object_logits, box_deltas, attribute_logits)


class RoiHeads(nn.Module):
    """Pools each proposal to a feature, and predicts from it."""

    def __init__(self, config: DetectorConfig):
        super().__init__()
        # As published, roi_align keeps torchvision's defaults: as many points of a cell, each way,
        # as it spans pixels of res4 (rounded up), and the first version's offset of half a pixel.
        self.pool_cells = {"roi_pool": roi_pool, "roi_align": roi_align}[config.pooling]
        self.roi_size = config.roi_size
        # LXMERT's detector was trained with neither stride nor small field of view in res5, that of
        # faster-rcnn.pytorch with the usual ones.
        self.res5 = make_stage(
            config.stage_blocks[3],
            config.stage_channels[2],
            config.stage_widths[3],
            config.stage_channels[3],
            stride=config.res5_stride,
            dilation=config.res5_dilation,
        )
        self.box_predictor = BoxPredictor(config)
        self.box_coder = make_box_coder(config, config.box_weights)

    def pool(self, features: Tensor, proposals: list[Tensor]) -> Tensor:
        """Pool proposals to region features.

        Args:
            features: (B, C, H, W), res4.
            proposals: for each image (n_i, 4) xyxy pixels of the blob.

        Returns:
            (sum of n_i, feature_dim).
        """
        features = features.float().contiguous()  # all that the pooling of a CPU reads
        rois = torch.cat(  # (n, 5): index of the image, xyxy
            [F.pad(boxes, (1, 0), value=index) for index, boxes in enumerate(proposals)]
        )
        pooled = []
        for some in rois.split(REGIONS_AT_ONCE.get(rois.device.type, 64)):
            cells = self.pool_cells(features, some, self.roi_size, 1 / Backbone.stride)
            pooled.append(self.res5(cells).mean(dim=(2, 3)))  # (n, C, roi_size, roi_size) -> (n, C)
        return torch.cat(pooled)


class FasterRCNN(nn.Module):
    """The detector: `backbone`, `proposal_generator` and `roi_heads`."""

    def __init__(self, config: DetectorConfig):
        super().__init__()
        self.config = config
        self.backbone = Backbone(
            config.stem_channels,
            config.stage_blocks[:3],
            config.stage_widths[:3],
            config.stage_channels[:3],
        )
        self.proposal_generator = ProposalGenerator(config)
        self.roi_heads = RoiHeads(config)
