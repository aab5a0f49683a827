"""The text layers and the fusion layers of X-VLM: one BERT, whose second half also reads images."""

import torch
from torch import Tensor, nn
from transformers import BertConfig
from transformers.models.bert.modeling_bert import (
    BertAttention,
    BertEmbeddings,
    BertIntermediate,
    BertOutput,
)


class XvlmLayer(nn.Module):
    """A layer of BERT; of the fusion layers, with cross-attention to image tokens.

    Args:
        image_width: of the tokens that a fusion layer reads; None for a text layer.
    """

    def __init__(self, config: BertConfig, image_width: int | None = None):
        super().__init__()
        self.attention = BertAttention(config)
        if image_width is not None:
            self.crossattention = BertAttention(config, is_cross_attention=True)
            for name in ("key", "value"):
                setattr(self.crossattention.self, name, nn.Linear(image_width, config.hidden_size))
        self.intermediate = BertIntermediate(config)
        self.output = BertOutput(config)

    def forward(
        self,
        hidden: Tensor,
        mask: Tensor | None,
        image_tokens: Tensor | None = None,
        image_mask: Tensor | None = None,
    ) -> Tensor:
        """Run the layer on (batch, length, hidden_size), with additive masks."""
        hidden = self.attention(hidden, mask)[0]
        if image_tokens is not None:
            hidden = self.crossattention(
                hidden, encoder_hidden_states=image_tokens, encoder_attention_mask=image_mask
            )[0]
        return self.output(self.intermediate(hidden), hidden)


class XvlmTextEncoder(nn.Module):
    """Embeddings, text layers and fusion layers.

    Args:
        n_text_layers: layers that see the text alone, before the fusion layers.
        image_width: of image tokens.
    """

    def __init__(self, config: BertConfig, n_text_layers: int, image_width: int):
        super().__init__()
        self.embeddings = BertEmbeddings(config)
        self.layers = nn.ModuleList(
            XvlmLayer(config, None if index < n_text_layers else image_width)
            for index in range(config.num_hidden_layers)
        )
        self.n_text_layers = n_text_layers

    @property
    def text_layers(self) -> nn.ModuleList:
        return self.layers[: self.n_text_layers]

    @property
    def fusion_layers(self) -> nn.ModuleList:
        return self.layers[self.n_text_layers :]

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the text layers' output: (batch, length, hidden_size).

        Args:
            input_ids, attention_mask: (batch, length) int64; 1 marks a token, 0 padding.
        """
        hidden = self.embeddings(input_ids=input_ids)
        mask = additive(attention_mask, hidden.dtype)
        for layer in self.text_layers:
            hidden = layer(hidden, mask)
        return hidden

    def fuse(
        self,
        hidden: Tensor,
        attention_mask: Tensor,
        image_tokens: Tensor,
        image_mask: Tensor | None = None,
    ) -> Tensor:
        """Let encoded texts read image tokens: (batch, length, hidden_size).

        Args:
            hidden: the text layers' output; the embeddings are not added again.
            image_tokens: (batch, 1 + n_patches, image_width).
            image_mask: (batch, 1 + n_patches), 1 for a token that may be read; None for all.
        """
        mask = additive(attention_mask, hidden.dtype)
        read = None if image_mask is None else additive(image_mask, hidden.dtype)
        for layer in self.fusion_layers:
            hidden = layer(hidden, mask, image_tokens, read)
        return hidden


def additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Return what is added to attention scores: (batch, length) 1 / 0 to (batch, 1, 1, length)."""
    return (1 - mask[:, None, None, :].to(dtype)) * torch.finfo(dtype).min
