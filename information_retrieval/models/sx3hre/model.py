"""Sx3HRe as an HF model: an image and a caption as vectors that are compared by their cosine."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from transformers import AutoConfig, AutoModel, PreTrainedModel
from transformers import initialization as init
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.utils import ModelOutput

from information_retrieval.models.sx3hre.arms import Alignment, Compared
from information_retrieval.models.sx3hre.configuration import Sx3hreConfig
from information_retrieval.models.sx3hre.encoders import build
from information_retrieval.models.sx3hre.shared_block import Attention, BlockOutput, SharedBlock

LOG_SCALE = math.log(1 / 0.07)  # of cosines, before it is learnt


@dataclass
class Sx3hreOutput(ModelOutput):
    """The vectors of a batch.

    Attributes:
        image_embeds, text_embeds: (n, hidden_size), unit length.
    """

    image_embeds: Tensor | None = None
    text_embeds: Tensor | None = None


class Sx3hreModel(PreTrainedModel):
    """Two encoders, a shared block on both, its norm, and in the contrastive arm a linear head.

    Source: the ablation "Removing ITC" of a working state (31 July 2024) of Cares, Leveraging
    Pretrained Unimodal Models for Efficient Vision-Language Pretraining (2024).
    """

    config_class = Sx3hreConfig
    config: Sx3hreConfig
    base_model_prefix = "sx3hre"
    main_input_name = "pixel_values"
    scores_are_cosines = True
    supports_gradient_checkpointing = True  # as the encoders, layer by layer
    _supports_sdpa = True

    def __init__(self, config: Sx3hreConfig):
        super().__init__(config)
        width, eps = config.hidden_size, config.layer_norm_eps
        self.vision_encoder = build(config.vision_config)
        self.text_encoder = build(config.text_config)
        self.shared = SharedBlock(
            width, config.num_attention_heads, config.intermediate_size, eps, config.layer_scale
        )
        self.norm = nn.LayerNorm(width, eps=eps)
        self._make_heads()
        self.post_init()

    def _make_heads(self) -> None:
        contrastive = self.config.alignment == "itc"
        width = self.config.hidden_size
        self.head = nn.Linear(width, width) if contrastive else None
        for name in ("logit_scale", "middle_logit_scale"):
            value = nn.Parameter(torch.tensor(LOG_SCALE)) if contrastive else None
            self.register_parameter(name, value)

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, Attention):
            init.zeros_(module.q_bias)
            init.zeros_(module.v_bias)
        elif isinstance(module, SharedBlock):
            init.constant_(module.gamma_1, module.layer_scale)
            init.constant_(module.gamma_2, module.layer_scale)
        elif isinstance(module, Sx3hreModel) and module.head is not None:
            init.constant_(module.logit_scale, LOG_SCALE)
            init.constant_(module.middle_logit_scale, LOG_SCALE)

    def prepare_for(self, alignment: Alignment, compared: Compared) -> None:
        """Give the model the head of an arm, drawn anew where it had none, and what it compares."""
        had_head = self.head is not None
        self.config.alignment, self.config.compared = alignment, compared
        if had_head != (alignment == "itc"):
            self._make_heads()
            if self.head is not None:
                nn.init.normal_(self.head.weight, std=self.config.initializer_range)
                nn.init.zeros_(self.head.bias)

    def save_pretrained(self, *args, **kwargs) -> None:
        """Save as HF does, by the model's own names (see `XvlmModel.save_pretrained`)."""
        super().save_pretrained(*args, **{"save_original_format": False, **kwargs})

    def get_input_embeddings(self) -> nn.Module:
        return self.text_encoder.get_input_embeddings()

    def encode_images(self, pixel_values: Tensor) -> BlockOutput:
        """Pass images, (batch, 3, size, size), through their encoder and the shared block."""
        with _outside_inference_mode():
            hidden = self.vision_encoder(pixel_values=pixel_values).last_hidden_state
        return self.shared(hidden)

    def encode_texts(self, input_ids: Tensor, attention_mask: Tensor) -> BlockOutput:
        """Pass texts through their encoder and the shared block.

        Args:
            input_ids, attention_mask: (batch, length) int64; 1 marks a token, 0 padding.
        """
        encoded = self.text_encoder(input_ids=input_ids, attention_mask=attention_mask)
        return self.shared(encoded.last_hidden_state, attention_mask)

    def regressed(self, output: Tensor) -> Tensor:
        """Return what is to equal the teacher's vector, (batch, hidden_size), as `output` is."""
        normed = self.norm(output)
        return normed if self.head is None else self.head(normed)

    def compared(self, output: Tensor) -> Tensor:
        """Return what is compared, (batch, hidden_size), not of unit length."""
        return output if self.config.compared == "output" else self.norm(output)

    def get_image_features(self, pixel_values: Tensor) -> BaseModelOutputWithPooling:
        """Return the vectors of images as `pooler_output`, (batch, hidden_size)."""
        output = self.encode_images(pixel_values).output
        return BaseModelOutputWithPooling(pooler_output=self.compared(output))

    def get_text_features(
        self, input_ids: Tensor, attention_mask: Tensor
    ) -> BaseModelOutputWithPooling:
        """Return the vectors of texts as `pooler_output`, (batch, hidden_size)."""
        output = self.encode_texts(input_ids, attention_mask).output
        return BaseModelOutputWithPooling(pooler_output=self.compared(output))

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, pixel_values: Tensor
    ) -> Sx3hreOutput:
        """Encode images and texts, each for itself; arguments as those of the encoders."""
        images = self.compared(self.encode_images(pixel_values).output)
        texts = self.compared(self.encode_texts(input_ids, attention_mask).output)
        return Sx3hreOutput(normalize(images, dim=-1), normalize(texts, dim=-1))


@contextmanager
def _outside_inference_mode() -> Iterator[None]:
    """Leave inference mode, without gradients.

    HF's BEiT keeps its table of positions for all models of a process: of one that was made in
    inference mode, as an evaluation is, no later step could take gradients.
    """
    if not torch.is_inference_mode_enabled():
        yield
        return
    with torch.inference_mode(False), torch.no_grad():
        yield


AutoConfig.register(Sx3hreConfig.model_type, Sx3hreConfig)
AutoModel.register(Sx3hreConfig, Sx3hreModel)
