"""LXMERT with the paper's binary matching head, on HF's `LxmertModel`."""

from dataclasses import dataclass
from functools import partial
from inspect import signature

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers import LxmertConfig, LxmertModel, LxmertPreTrainedModel
from transformers.models.lxmert.modeling_lxmert import LxmertVisualAnswerHead
from transformers.utils import ModelOutput

from preprocess.base.errors import InputError


@dataclass
class MatchingOutput(ModelOutput):
    """Loss (scalar, or None without labels) and logits (batch,) of image-text matching."""

    loss: torch.Tensor | None = None
    logits: torch.Tensor | None = None


class LxmertForImageTextMatching(LxmertPreTrainedModel):
    """Scores image-caption pairs: high where the caption describes the image.

    The head reads the pooled [CLS]: linear to twice the hidden size, GELU, LayerNorm (eps 1e-12),
    linear to one logit. That is the shape of HF's answer head with a single answer. A model with
    `config.matching_score` "cosine" has the cosine of mean visual output and pooled [CLS] instead.

    Source: section 1 of the paper's protocol; loss, binary cross entropy with logits.
    """

    supports_gradient_checkpointing = True

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
        output = self.lxmert(
            input_ids=input_ids,
            attention_mask=attention_mask,
            visual_feats=visual_feats,
            visual_pos=visual_pos,
        )
        logits = self.match(output.pooled_output, output.vision_output)  # (batch,)
        loss = None
        if labels is not None:
            loss = nn.functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
        return MatchingOutput(loss=loss, logits=logits)

    @property
    def reads_vision(self) -> bool:
        """Whether the score reads the visual output too, not the pooled [CLS] alone."""
        return getattr(self.config, "matching_score", "head") == "cosine"

    def match(self, pooled: torch.Tensor, vision: torch.Tensor) -> torch.Tensor:
        """Score pairs from what LXMERT gives.

        Args:
            pooled: (batch, hidden_size).
            vision: (batch, n_regions, hidden_size); read only where `reads_vision`.

        Returns:
            (batch,) logits, or cosines in [-1, 1].
        """
        if self.reads_vision:
            return nn.functional.cosine_similarity(vision.mean(dim=1), pooled, dim=-1)
        return self.matching_head(pooled).squeeze(-1)

    def activation_checkpointing_enable(
        self, activation_checkpointing_kwargs: dict | None = None, every_n_layers: int = 1, **kwargs
    ) -> None:
        """Keep of every n-th layer its input alone for the backward pass; compute the rest again.

        HF's LXMERT does not offer it. Takes what HF's method takes; activations are not offloaded.
        """
        options = activation_checkpointing_kwargs or {"use_reentrant": False}
        unknown = options.keys() - signature(checkpoint).parameters.keys()
        if unknown:
            raise InputError(
                f"--gradient_checkpointing_kwargs: torch's checkpoint knows no {min(unknown)}"
            )
        encoder = self.lxmert.encoder
        layers = (*encoder.layer, *encoder.r_layers, *encoder.x_layers)
        for layer in layers[::every_n_layers]:
            layer.forward = partial(checkpoint, layer.forward, **options)

    def gradient_checkpointing_enable(
        self, gradient_checkpointing_kwargs: dict | None = None, **kwargs
    ) -> None:
        """Do the same, by the name that HF gave it before."""
        self.activation_checkpointing_enable(gradient_checkpointing_kwargs, **kwargs)
