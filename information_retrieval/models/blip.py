"""Scores of image-caption pairs by BLIP's image-text matching head.

The vision tower sees only the image, and so runs once an image. In each layer of the text encoder
every word reads its output for itself: the words of a block's captions read an image as one
sequence, so its keys and values are projected once a block and not once a pair. And of the last
layer only what the head reads is computed, the first token.

The score is logit(match) - logit(no match), which orders pairs as the probability of a match does.
"""

from itertools import pairwise
from typing import ClassVar

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import BlipForImageTextRetrieval
from transformers.models.blip.modeling_blip_text import BlipTextAttention, BlipTextLayer

from information_retrieval.models.matching_gallery import MatchingGallery

NO_MATCH, MATCH = 0, 1


class BlipGallery(MatchingGallery):
    """Outputs of the vision tower, and captions, of which blocks are scored."""

    # So many that projecting the image is a small part of the work: a tile of 64 images and 64
    # captions takes two minutes of a CPU core for BLIP base, and 4 captions at once nearly three
    # times as long a pair.
    BLOCK_CAPTIONS: ClassVar = {"cpu": 64, "cuda": 1024}
    ONE_SIZE: ClassVar = True

    @staticmethod
    def encode_images(model: BlipForImageTextRetrieval, pixels: torch.Tensor) -> torch.Tensor:
        hidden = model.vision_model(pixels).last_hidden_state
        kind = hidden.device.type
        if torch.is_autocast_enabled(kind):
            # What reads it are linear layers, which round it so: nothing is lost.
            return hidden.to(torch.get_autocast_dtype(kind))
        return hidden

    def embed_captions(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Embed captions and run the first layer's self-attention: (n, length, hidden_size)."""
        text = self.model.text_encoder
        hidden = text.embeddings(input_ids)
        return _attend(text.encoder.layer[0].attention, hidden, hidden)

    def score_image(self, image: torch.Tensor, captions: torch.Tensor) -> torch.Tensor:
        layers = self.model.text_encoder.encoder.layer
        hidden = captions
        for layer, following in pairwise(layers):
            hidden = _read_image(layer, hidden, image)
            read = hidden[:, :1] if following is layers[-1] else hidden
            hidden = _attend(following.attention, read, hidden)
        first = _read_image(layers[-1], hidden[:, :1], image)  # (n, 1, hidden_size)
        with torch.autocast(first.device.type, enabled=False):
            logits = self.model.itm_head(first[:, 0].float())  # (n, 2)
        return logits[:, MATCH] - logits[:, NO_MATCH]


def _split_heads(x: torch.Tensor, n_heads: int) -> torch.Tensor:
    return x.unflatten(-1, (n_heads, -1)).transpose(-2, -3)  # (.., L, H) -> (.., n_heads, L, d)


def _attend(attention: BlipTextAttention, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
    """Let (batch, length, hidden_size) read its context, and add what it read."""
    layer = attention.self
    projected = (layer.query(x), layer.key(context), layer.value(context))
    query, key, value = (_split_heads(part, layer.num_attention_heads) for part in projected)
    read = scaled_dot_product_attention(query, key, value)
    merged = read.transpose(-2, -3).flatten(-2)  # (.., n_heads, L, d) -> (.., L, H)
    return attention.output(merged, x)


def _read_image(layer: BlipTextLayer, hidden: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Run what follows a layer's self-attention: the words read the image, then feed-forward.

    Args:
        hidden: (n, length, hidden_size).
        image: (n_patches, hidden_size of the vision tower).
    """
    words = hidden.flatten(0, 1)[None]  # (1, n * length, hidden_size)
    read = _attend(layer.crossattention, words, image[None]).view_as(hidden)
    return layer.feed_forward_chunk(read)
