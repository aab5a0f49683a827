"""X-VLM's fusion layers and matching head, for the scores of all pairs of a block.

The weights are those of `XvlmTextEncoder.fuse` and `XvlmModel.match`; so are the numbers (tests:
within 1e-5 in float32). What differs is how they are computed:

- captions of a block have one length: nothing is padded, so nothing is masked, and attention is
  torch's fused one;
- the first fusion layer's self-attention, and what reads images there, see the caption alone, and
  are computed once a caption;
- keys and values of an image's tokens are computed once an image, for each layer, and what reads
  them is all words of all captions as one sequence;
- of the last layer only the first token is computed, which the head reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers.models.bert.modeling_bert import BertAttention

from information_retrieval.models.xvlm.model import MATCH, XvlmModel
from information_retrieval.models.xvlm.text import XvlmLayer


@dataclass(frozen=True)
class ImageReading:
    """What words read of images in one fusion layer: keys and values, (i, n_heads, n_tokens, d)."""

    key: Tensor
    value: Tensor

    def __getitem__(self, images: slice) -> "ImageReading":
        return ImageReading(self.key[images], self.value[images])


@dataclass(frozen=True)
class ReadyCaptions:
    """Captions of one length, ready for images: what stands before the first cross-attention.

    Attributes:
        hidden: (c, length, hidden_size), of which only the first token where the model has but one
            fusion layer.
        query: (c, length, hidden_size), with which they read.
    """

    hidden: Tensor
    query: Tensor

    def __getitem__(self, captions: slice) -> "ReadyCaptions":
        return ReadyCaptions(self.hidden[captions], self.query[captions])

    def __len__(self) -> int:
        return len(self.hidden)


def fusion_layers(model: XvlmModel) -> list[XvlmLayer]:
    # A ModuleList does not say what its modules are.
    return list(model.text_encoder.fusion_layers)  # type: ignore[arg-type]


def read_images(model: XvlmModel, image_tokens: Tensor) -> list[ImageReading]:
    """Project image tokens (i, n_tokens, image_width) to what each fusion layer reads of them."""
    readings = []
    for layer in fusion_layers(model):
        projections = layer.crossattention.self
        heads = projections.num_attention_heads
        key, value = (
            _split_heads(project(image_tokens), heads).contiguous()
            for project in (projections.key, projections.value)
        )
        readings.append(ImageReading(key, value))
    return readings


def attend_to_text(model: XvlmModel, text_hidden: Tensor) -> Tensor:
    """Run the first fusion layer's self-attention: (c, length, hidden_size).

    Args:
        text_hidden: (c, length, hidden_size), the text layers' output, without padding.
    """
    layers = fusion_layers(model)
    read = text_hidden[:, :1] if len(layers) == 1 else text_hidden
    return _attend(layers[0].attention, read, text_hidden)


def make_ready(model: XvlmModel, hidden: Tensor) -> ReadyCaptions:
    """Add the query of the first cross-attention to what `attend_to_text` gave."""
    return ReadyCaptions(hidden, fusion_layers(model)[0].crossattention.self.query(hidden))


def score_block(
    model: XvlmModel, captions: ReadyCaptions, readings: Sequence[ImageReading]
) -> Tensor:
    """Score each of i images against each of c captions of one length.

    Args:
        readings: of the images, by layer (`read_images`).

    Returns:
        (i, c) float32 logits of a match.
    """
    layers, n_images = fusion_layers(model), len(readings[0].key)
    hidden = captions.hidden.expand(n_images, -1, -1, -1)  # (i, c, length, hidden_size)
    query = captions.query[None]  # (1, c, length, hidden_size)
    for layer, reading in zip(layers, readings, strict=True):
        if layer is not layers[0]:
            read = hidden[:, :, :1] if layer is layers[-1] else hidden
            # Each pair alone: (i, c, length, H) -> (i * c, length, H) and back.
            attended = _attend(layer.attention, read.flatten(0, 1), hidden.flatten(0, 1))
            hidden = attended.view_as(read)
            query = layer.crossattention.self.query(hidden)
        hidden = layer.crossattention.output(_read(layer, query, reading).view_as(hidden), hidden)
        hidden = layer.output(layer.intermediate(hidden), hidden)
    # In float32: logits in bfloat16 are so few that many would be tied.
    with torch.autocast(hidden.device.type, enabled=False):
        return model.match(hidden[:, :, 0].flatten(0, 1)[:, None].float())[:, MATCH].view(
            n_images, -1
        )


def _read(layer: XvlmLayer, query: Tensor, reading: ImageReading) -> Tensor:
    """Let the words of all captions read each image, as one sequence: (i, c * length, H).

    Args:
        query: (i or 1, c, length, hidden_size).
    """
    heads = layer.crossattention.self.num_attention_heads
    words = _split_heads(query.flatten(1, 2), heads)  # (i or 1, n_heads, c * length, d)
    words = words.expand(len(reading.key), -1, -1, -1)
    return _merge_heads(scaled_dot_product_attention(words, reading.key, reading.value))


def _attend(attention: BertAttention, x: Tensor, context: Tensor) -> Tensor:
    """Let (batch, length, hidden_size) read its context, and add what it read."""
    layer = attention.self
    projected = (layer.query(x), layer.key(context), layer.value(context))
    query, key, value = (_split_heads(part, layer.num_attention_heads) for part in projected)
    return attention.output(_merge_heads(scaled_dot_product_attention(query, key, value)), x)


def _split_heads(x: Tensor, n_heads: int) -> Tensor:
    return x.unflatten(-1, (n_heads, -1)).transpose(-2, -3)  # (.., L, H) -> (.., n_heads, L, d)


def _merge_heads(x: Tensor) -> Tensor:
    return x.transpose(-2, -3).flatten(-2)  # (.., n_heads, L, d) -> (.., L, H)
