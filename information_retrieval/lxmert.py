"""LXMERT with the paper's binary matching head, on HF's `LxmertModel`."""

from dataclasses import dataclass

import torch
from torch import nn
from transformers import LxmertConfig, LxmertModel, LxmertPreTrainedModel
from transformers.models.lxmert.modeling_lxmert import LxmertVisualAnswerHead
from transformers.utils import ModelOutput


@dataclass
class MatchingOutput(ModelOutput):
    """Loss (scalar, or None without labels) and logits (batch,) of image-text matching."""

    loss: torch.Tensor | None = None
    logits: torch.Tensor | None = None


class LxmertForImageTextMatching(LxmertPreTrainedModel):
    """Scores image-caption pairs: high where the caption describes the image.

    The head reads the pooled [CLS]: linear to twice the hidden size, GELU, LayerNorm (eps 1e-12),
    linear to one logit. That is the shape of HF's answer head with a single answer.

    Source: section 1 of the paper's protocol; loss, binary cross entropy with logits.
    """

    def __init__(self, config: LxmertConfig):
        super().__init__(config)
        self.lxmert = LxmertModel(config)
        self.matching_head = LxmertVisualAnswerHead(config, num_labels=1)
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        visual_feats: torch.Tensor,
        visual_pos: torch.Tensor,
        labels: torch.Tensor | None = None,
    ) -> MatchingOutput:
        """Score each pair of the batch.

        Args:
            input_ids, attention_mask: (batch, length) int64; 1 marks a token, 0 padding.
            visual_feats: (batch, n_regions, feature_dim) float32.
            visual_pos: (batch, n_regions, 4) float32, x1 y1 x2 y2 in [0, 1].
            labels: (batch,) float32, 1 for an aligned pair and 0 for an unaligned one.
        """
        pooled = self.lxmert(
            input_ids=input_ids,
            attention_mask=attention_mask,
            visual_feats=visual_feats,
            visual_pos=visual_pos,
        ).pooled_output  # (batch, hidden)
        logits = self.matching_head(pooled).squeeze(-1)  # (batch,)
        loss = None
        if labels is not None:
            loss = nn.functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
        return MatchingOutput(loss=loss, logits=logits)
