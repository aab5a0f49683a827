"""The Faster R-CNN ResNet-C4 network that finds regions, objects and attributes.

Parameter names and numerical behaviour are those of the Visual Genome detector published as
`unc-nlp/frcnn-vg-finetuned`. Each stage is a module of its own and can be run alone:

    image blob -> backbone -> res4 -> proposal_generator -> proposals -> roi_heads -> predictions

The chain over one image, and the choice of its regions, is in preprocess/regions.py.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import clip_boxes_to_image, nms, roi_pool

from preprocess.boxes import cell_anchors, grid_anchors, nonempty_boxes
from preprocess.detector_config import DetectorConfig
from preprocess.resnet import Backbone, make_stage

LARGEST_GROWTH = math.log(1000 / 16)  # of a side by one decoding, as a logarithm


class AnchorGenerator(nn.Module):
    """The anchors of one cell, kept as a constant in the published state dict."""

    def __init__(self, config: DetectorConfig):
        super().__init__()
        anchors = cell_anchors(config.anchor_sizes, config.anchor_ratios)
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
        self.box_coder = BoxCoder(config.rpn_box_weights, LARGEST_GROWTH)

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
            m is at most `rpn_n_after_nms`.
        """
        logits, order = logits.sort(descending=True, stable=True)
        logits = logits[: self.config.rpn_n_before_nms]
        order = order[: self.config.rpn_n_before_nms]
        boxes = self.box_coder.decode_single(deltas[order], anchors[order])
        boxes = clip_boxes_to_image(boxes, size)
        nonempty = nonempty_boxes(boxes)
        boxes, logits = boxes[nonempty], logits[nonempty]
        kept = nms(boxes, logits, self.config.rpn_nms_threshold)[: self.config.rpn_n_after_nms]
        return boxes[kept], logits[kept]


@dataclass(frozen=True)
class Predictions:
    """What the head says of n regions.

    `object_logits` (n, n_objects + 1), the background last; `box_deltas` (n, n_objects, 4);
    `attribute_logits` (n, n_attributes + 1), "none" last.
    """

    object_logits: Tensor
    box_deltas: Tensor
    attribute_logits: Tensor


class BoxPredictor(nn.Module):
    """Predicts object, refined box and attribute of each region from its feature."""

    def __init__(self, config: DetectorConfig):
        super().__init__()
        n_classes = config.n_objects + 1
        self.cls_score = nn.Linear(config.feature_dim, n_classes)
        self.bbox_pred = nn.Linear(config.feature_dim, 4 * config.n_objects)
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
        if object_ids is None:
            object_ids = object_logits.argmax(dim=1)
        embedded = torch.cat((features, self.cls_embedding(object_ids)), dim=1)
        attribute_logits = self.attr_score(F.relu(self.fc_attr(embedded)))
        box_deltas = self.bbox_pred(features).unflatten(1, (-1, 4))  # (n, n_objects, 4)
        return Predictions(object_logits, box_deltas, attribute_logits)


class RoiHeads(nn.Module):
    """Pools each proposal to a feature, and predicts from it."""

    def __init__(self, config: DetectorConfig):
        super().__init__()
        self.roi_size = config.roi_size
        # Trained for Visual Genome with neither stride nor small field of view in res5.
        self.res5 = make_stage(
            config.stage_blocks[3],
            config.stage_channels[2],
            config.stage_widths[3],
            config.stage_channels[3],
            stride=1,
            dilation=config.res5_dilation,
        )
        self.box_predictor = BoxPredictor(config)
        self.box_coder = BoxCoder(config.box_weights, LARGEST_GROWTH)

    def pool(self, features: Tensor, proposals: list[Tensor]) -> Tensor:
        """Pool proposals to region features.

        Args:
            features: (B, C, H, W), res4.
            proposals: for each image (n_i, 4) xyxy pixels of the blob.

        Returns:
            (sum of n_i, feature_dim).
        """
        cells = roi_pool(features, proposals, self.roi_size, 1 / Backbone.stride)
        return self.res5(cells).mean(dim=(2, 3))  # (n, C, roi_size, roi_size) -> (n, C)


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
