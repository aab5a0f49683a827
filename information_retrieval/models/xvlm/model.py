"""X-VLM as an HF model: texts aligned with images and with regions of them."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from transformers import AutoConfig, AutoModel, PreTrainedModel
from transformers import initialization as init
from transformers.models.bert.modeling_bert import (
    BertEmbeddings,
    BertLMPredictionHead,
    BertOnlyMLMHead,
)
from transformers.utils import ModelOutput

from information_retrieval.models.xvlm.configuration import XvlmConfig
from information_retrieval.models.xvlm.text import XvlmTextEncoder
from information_retrieval.models.xvlm.vision import XvlmImageEncoder, projection_head

NO_MATCH, MATCH = 0, 1
TEMPERATURES = (0.001, 0.5)  # between which pre-training keeps it


@dataclass
class XvlmOutput(ModelOutput):
    """What both encoders make of a batch, from which all losses are computed.

    Attributes:
        image_tokens: (n_images, 1 + n_patches, image_width).
        text_hidden: (n_texts, length, hidden_size).
        image_embeds, text_embeds: (n, embedding_dim), unit length.
    """

    image_tokens: Tensor | None = None
    text_hidden: Tensor | None = None
    image_embeds: Tensor | None = None
    text_embeds: Tensor | None = None


class XvlmModel(PreTrainedModel):
    """Image encoder, text encoder, fusion layers, and the heads on them.

    Source: Zeng, Zhang and Li, Multi-Grained Vision Language Pre-Training (ICML 2022).
    """

    config_class = XvlmConfig
    config: XvlmConfig
    base_model_prefix = "xvlm"
    main_input_name = "pixel_values"
    _supports_sdpa = True
    _tied_weights_keys = {  # noqa: RUF012 (HF's)
        "mlm_head.predictions.decoder.weight": "text_encoder.embeddings.word_embeddings.weight",
        "mlm_head.predictions.decoder.bias": "mlm_head.predictions.bias",
    }

    def __init__(self, config: XvlmConfig):
        super().__init__(config)
        text, image_width = config.text_config, config.vision_config.hidden_size
        # What HF sets of its own models' parts, and these are none.
        text._attn_implementation = self.config._attn_implementation
        self.vision_encoder = XvlmImageEncoder(config.vision_config)
        self.text_encoder = XvlmTextEncoder(text, config.n_text_layers, image_width)
        self.vision_proj = nn.Linear(image_width, config.embedding_dim)
        self.text_proj = nn.Linear(text.hidden_size, config.embedding_dim)
        self.temperature = nn.Parameter(torch.tensor(config.temperature))
        self.itm_head = projection_head(text.hidden_size, 2)
        self.box_head = projection_head(text.hidden_size, 4) if config.has_box_head else None
        self.mlm_head = BertOnlyMLMHead(text) if config.has_mlm_head else None
        if self.mlm_head is None:
            self._tied_weights_keys = {}
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Do for BERT's parts what HF does in its own models of them."""
        super()._init_weights(module)
        if isinstance(module, BertEmbeddings):
            positions = torch.arange(module.position_ids.shape[-1]).expand(1, -1)
            init.copy_(module.position_ids, positions)
            init.zeros_(module.token_type_ids)
        elif isinstance(module, BertLMPredictionHead):
            init.zeros_(module.bias)
        elif isinstance(module, XvlmModel):
            init.constant_(module.temperature, self.config.temperature)

    def save_pretrained(self, *args, **kwargs) -> None:
        """Save as HF does, by the model's own names.

        By default HF gives Swin's weights the names of its older versions, by which its trainer
        does not find them again when it goes on from a checkpoint or takes the best.
        """
        super().save_pretrained(*args, **{"save_original_format": False, **kwargs})

    def get_input_embeddings(self) -> nn.Module:
        return self.text_encoder.embeddings.word_embeddings

    def get_output_embeddings(self) -> nn.Module | None:
        return None if self.mlm_head is None else self.mlm_head.predictions.decoder

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        pixel_values: Tensor,
    ) -> XvlmOutput:
        """Encode images and texts, each for itself.

        Args:
            input_ids, attention_mask: (n_texts, length) int64; 1 marks a token, 0 padding. A text
                is [CLS] and its pieces, without [SEP].
            pixel_values: (n_images, 3, image_size, image_size).
        """
        image_tokens = self.vision_encoder(pixel_values)
        text_hidden = self.text_encoder.encode(input_ids, attention_mask)
        return XvlmOutput(
            image_tokens,
            text_hidden,
            self.image_features(image_tokens),
            self.text_features(text_hidden),
        )

    def image_features(self, image_tokens: Tensor) -> Tensor:
        """Project the first token of images or regions: (n, embedding_dim), unit length."""
        return normalize(self.vision_proj(image_tokens[:, 0]), dim=-1)

    def text_features(self, text_hidden: Tensor) -> Tensor:
        """Project the first token of the text layers' output: (n, embedding_dim), unit length."""
        return normalize(self.text_proj(text_hidden[:, 0]), dim=-1)

    def get_image_features(self, pixel_values: Tensor) -> Tensor:
        """Return the features of images, (batch, embedding_dim), unit length."""
        return self.image_features(self.vision_encoder(pixel_values))

    def get_text_features(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the features of texts, (batch, embedding_dim), unit length."""
        return self.text_features(self.text_encoder.encode(input_ids, attention_mask))

    def match(self, fused: Tensor) -> Tensor:
        """Return the matching head's logits, (batch, 2): `NO_MATCH` and `MATCH`.

        Args:
            fused: (batch, length, hidden_size), output of `text_encoder.fuse`.
        """
        return self.itm_head(fused[:, 0])

    def boxes(self, fused: Tensor) -> Tensor:
        """Return the box of each text in its image.

        Args:
            fused: (batch, length, hidden_size), of texts that could read the whole image.

        Returns:
            (batch, 4): centre x and y, width, height, each as a share of the image's side.
        """
        assert self.box_head is not None, "asked of models that have it"
        return self.box_head(fused[:, 0]).sigmoid()

    def masked_words(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        image_tokens: Tensor,
        image_mask: Tensor | None,
        positions: Tensor,
    ) -> Tensor:
        """Return the logits of the words at masked positions, which may read the image.

        Args:
            input_ids, attention_mask: (batch, length) int64, some ids masked.
            image_tokens: (batch, 1 + n_patches, image_width).
            image_mask: (batch, 1 + n_patches), or None for all tokens.
            positions: (batch, n_masks) int64.

        Returns:
            (batch, n_masks, vocab_size).
        """
        assert self.mlm_head is not None, "asked of models that have it"
        hidden = self.text_encoder.encode(input_ids, attention_mask)
        hidden = self.text_encoder.fuse(hidden, attention_mask, image_tokens, image_mask)
        rows = torch.arange(len(hidden), device=hidden.device)[:, None]
        return self.mlm_head(hidden[rows, positions])


AutoConfig.register(XvlmConfig.model_type, XvlmConfig)
AutoModel.register(XvlmConfig, XvlmModel)
