"""LXMERT's cross-modality layers and head, for scoring: of pairs, and of all pairs of a block.

The weights are those of HF's `LxmertModel`; the numbers are those of its forward (tests: within
1e-5 in float32). What differs is how they are computed:

- attention is torch's fused one; nothing is padded, so nothing is masked;
- in a block of images x captions, the first cross attention projects each caption and each image
  once, not once a pair;
- of the last layer only what the pooled [CLS] reads is computed: no visual branch (but for a score
  that reads it), and after the cross attention only the first token's query and feed-forward;
- under autocast, what several projections read is rounded once. The residual stream and the norms
  stay float32: all in bfloat16 would double the error of the scores.

Measured on 2 cores of a CPU with AVX-512: sharing the first projections gives 4 % in float32 and
nothing in bfloat16. Faster cross layers, for a GPU:
information_retrieval/models/lxmert/cross_layers.py.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers.models.lxmert.modeling_lxmert import (
    LxmertAttention,
    LxmertCrossAttentionLayer,
    LxmertSelfAttentionLayer,
    LxmertXLayer,
)

from information_retrieval.models.lxmert.model import LxmertForImageTextMatching


def _rounded(x: torch.Tensor) -> torch.Tensor:
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


def _split_heads(x: torch.Tensor, n_heads: int) -> torch.Tensor:
    return x.unflatten(-1, (n_heads, -1)).transpose(-2, -3)  # (.., L, H) -> (.., n_heads, L, d)


def _merge_heads(x: torch.Tensor) -> torch.Tensor:
    return x.transpose(-2, -3).flatten(-2)  # (.., n_heads, L, d) -> (.., L, H)


@dataclass(frozen=True)
class Projections:
    """Queries, keys and values of an attention, each (batch, n_heads, length, head_size)."""

    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor

    def __getitem__(self, part: slice | torch.Tensor) -> "Projections":
        return Projections(self.query[part], self.key[part], self.value[part])


def first_projections(model: LxmertForImageTextMatching, hidden: torch.Tensor) -> Projections:
    """Project encoded captions or images, (batch, length, hidden_size), for the first cross layer.

    Its two directions, captions that read images and images that read captions, share weights.
    """
    return _project(_cross_layers(model)[0].visual_attention.att, hidden, hidden)


def _cross_layers(model: LxmertForImageTextMatching) -> list[LxmertXLayer]:
    # A ModuleList does not say what its modules are.
    return list(model.lxmert.encoder.x_layers)  # type: ignore[arg-type]


def _project(attention: LxmertAttention, x: torch.Tensor, context: torch.Tensor) -> Projections:
    is_own = context is x
    x = _rounded(x)
    context = x if is_own else _rounded(context)
    layers = ((attention.query, x), (attention.key, context), (attention.value, context))
    heads = attention.num_attention_heads
    return Projections(*(_split_heads(layer(read), heads) for layer, read in layers))


def _attend(
    layer: LxmertCrossAttentionLayer | LxmertSelfAttentionLayer,
    x: torch.Tensor,
    context: torch.Tensor,
) -> torch.Tensor:
    """Let (batch, length, hidden_size) read its context, and add what it read."""
    attention = layer.self if isinstance(layer, LxmertSelfAttentionLayer) else layer.att
    parts = _project(attention, x, context)
    read = scaled_dot_product_attention(parts.query, parts.key, parts.value)
    return layer.output(_merge_heads(read), x)


def _read_all(query: torch.Tensor, context: Projections) -> torch.Tensor:
    """Let each of q readers read each of c contexts, without projecting or repeating them.

    Args:
        query: (q, n_heads, length, head_size).
        context: of c items.

    Returns:
        (c, q, length, hidden_size).
    """
    n_readers, _, length, _ = query.shape
    beside = query.transpose(0, 1).flatten(1, 2)  # (n_heads, q * length, head_size)
    beside = beside.expand(len(context.key), *beside.shape)
    read = scaled_dot_product_attention(beside, context.key, context.value)
    return _merge_heads(read).unflatten(1, (n_readers, length))


def score_block(
    model: LxmertForImageTextMatching,
    language: torch.Tensor,
    vision: torch.Tensor,
    language_projections: Projections,
    vision_projections: Projections,
) -> torch.Tensor:
    """Score each of i encoded images against each of c encoded captions of one length.

    Args:
        language: (c, length, hidden_size), without padding.
        vision: (i, n_regions, hidden_size).
        language_projections, vision_projections: of both, by `first_projections`.

    Returns:
        (i, c) logits.
    """
    n_images, n_captions = len(vision), len(language)
    cross = _cross_layers(model)[0].visual_attention
    # Pairs in the order of the scores: image by image, (i, c, length, H) -> (i * c, length, H).
    read = _read_all(language_projections.query, vision_projections).flatten(0, 1)
    crossed_language = cross.output(read, language.repeat(n_images, 1, 1))
    read = _read_all(vision_projections.query, language_projections).transpose(0, 1).flatten(0, 1)
    crossed_vision = cross.output(read, vision.repeat_interleave(n_captions, dim=0))
    return _score_crossed(model, crossed_language, crossed_vision).view(n_images, n_captions)


def score_pairs(
    model: LxmertForImageTextMatching, language: torch.Tensor, vision: torch.Tensor
) -> torch.Tensor:
    """Score encoded pairs.

    Args:
        language: (batch, length, hidden_size), without padding.
        vision: (batch, n_regions, hidden_size).

    Returns:
        (batch,) logits.
    """
    cross = _cross_layers(model)[0].visual_attention
    return _score_crossed(model, _attend(cross, language, vision), _attend(cross, vision, language))


def _score_crossed(
    model: LxmertForImageTextMatching, language: torch.Tensor, vision: torch.Tensor
) -> torch.Tensor:
    """Score pairs after the cross attention of the first cross layer: (batch,) logits."""
    layers = _cross_layers(model)
    for layer, following in pairwise(layers):
        language, vision = _finish_layer(layer, language, vision)
        crossed = _attend(following.visual_attention, language, vision)
        if following is not layers[-1] or model.reads_vision:
            vision = _attend(following.visual_attention, vision, language)
        language = crossed
    last = layers[-1]
    first = language[:, :1]  # (batch, 1, hidden_size)
    first = _attend(last.lang_self_att, first, language)
    first = last.lang_output(last.lang_inter(first), first)
    if model.reads_vision:
        vision = _attend(last.visn_self_att, vision, vision)
        vision = last.visn_output(last.visn_inter(vision), vision)
    # In float32: logits in bfloat16 are so few that two fifths of the queries would be tied.
    with torch.autocast(first.device.type, enabled=False):
        return model.match(model.lxmert.pooler(first.float()), vision.float())


def _finish_layer(
    layer: LxmertXLayer, language: torch.Tensor, vision: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run what follows a layer's cross attention, where each modality is alone."""
    language = _attend(layer.lang_self_att, language, language)
    vision = _attend(layer.visn_self_att, vision, vision)
    language = layer.lang_output(layer.lang_inter(language), language)
    return language, layer.visn_output(layer.visn_inter(vision), vision)
