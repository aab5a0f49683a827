"""A GPT-2 that goes on after an image as if it had read it: a few vectors made of its encoding."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    DynamicCache,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedConfig,
    PreTrainedModel,
)

from captioning.models.losses import NO_TARGET, word_loss
from captioning.models.output import CaptionerOutput
from captioning.models.text_cache import CACHE
from information_retrieval.models.checkpoint import load_model
from preprocess.base.errors import InputError
from preprocess.base.hub import use_cache_if_unreachable
from preprocess.storage.encodings_file import Kind

PREFIX_LENGTH = 10  # ClipCap's


class PrefixCaptionerConfig(PreTrainedConfig):
    """Configuration of `PrefixCaptioner`.

    Args:
        text_config: of the GPT-2; HF's configuration or its values.
        image_width: numbers of an image's vector.
        prefix_length: vectors that it is made into.
        encoder, encoder_weights, encoder_kind: as of `LstmCaptionerConfig`.
    """

    model_type = "prefix_captioner"
    sub_configs = {"text_config": GPT2Config}  # noqa: RUF012 (HF's)

    text_config: Any = None
    image_width: int = 512
    prefix_length: int = PREFIX_LENGTH
    encoder: str | None = None
    encoder_weights: str | None = None
    encoder_kind: Kind | None = None
    initializer_range: float = 0.02

    def __post_init__(self, **kwargs) -> None:
        if not isinstance(self.text_config, PreTrainedConfig):
            self.text_config = GPT2Config(**(self.text_config or {}))
        super().__post_init__(**kwargs)


@dataclass(frozen=True)
class PrefixState:
    """What the GPT-2 has read so far: HF's `DynamicCache`."""

    cache: Any

    def select(self, rows: Tensor) -> "PrefixState":
        self.cache.reorder_cache(rows)
        return self


class PrefixCaptioner(PreTrainedModel):
    """A perceptron of one hidden layer, from an image's vector to a prefix, and a GPT-2.

    Source: Mokady et al., ClipCap: CLIP Prefix for Image Captioning (2021), the variant with an MLP
    and a GPT-2 that is trained with it.
    """

    config_class = PrefixCaptionerConfig
    config: PrefixCaptionerConfig
    base_model_prefix = "captioner"
    main_input_name = "encodings"

    def __init__(self, config: PrefixCaptionerConfig):
        super().__init__(config)
        width = config.prefix_length * config.text_config.n_embd
        self.prefix = nn.Sequential(
            nn.Linear(config.image_width, width // 2), nn.Tanh(), nn.Linear(width // 2, width)
        )
        self.decoder = GPT2LMHeadModel(config.text_config)
        self.post_init()

    @property
    def most_tokens(self) -> int:
        """Words of a caption, the end counted, that there are positions for after the prefix."""
        # The last word is said, and not read.
        return self.config.text_config.n_positions - self.config.prefix_length + 1

    def get_input_embeddings(self) -> nn.Module:
        return self.decoder.get_input_embeddings()

    def project(self, encodings: Tensor) -> Tensor:
        """Return the prefix of images, (n, prefix_length, n_embd).

        Args:
            encodings: (n, image_width), of any dtype.

        Raises:
            InputError: they are of another shape, and so of another encoder or output of it.
        """
        width, shape = self.config.image_width, tuple(encodings.shape)
        if len(shape) != 2 or shape[1] != width:
            made_by = f" of {self.config.encoder}" if self.config.encoder else ""
            raise InputError(
                f"the captioner (decoder gpt2) expects encodings{made_by} of shape (images, "
                f"{width}), found {shape}; give those of the encoder that it was trained on"
            )
        prefix = self.prefix(encodings.to(self.dtype))
        return prefix.unflatten(1, (self.config.prefix_length, -1))

    def begin(self, images: Tensor) -> tuple[Tensor, PrefixState]:
        """Read images' encodings (see `StepwiseCaptioner`)."""
        return self._read(DynamicCache(), inputs_embeds=self.project(images))

    def advance(self, words: Tensor, state: PrefixState) -> tuple[Tensor, PrefixState]:
        """Read one word more of each row, (n,) int64 (see `StepwiseCaptioner`)."""
        return self._read(state.cache, input_ids=words[:, None])

    def _read(self, cache: DynamicCache, **inputs: Tensor) -> tuple[Tensor, PrefixState]:
        logits = self.decoder(**inputs, **{CACHE: cache}, use_cache=True).logits
        return logits[:, -1], PrefixState(cache)

    def target_logits(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the logits at each word of given captions (see `StepwiseCaptioner`)."""
        return self(images, labels).logits

    def forward(self, encodings: Tensor, labels: Tensor) -> CaptionerOutput:
        """Read images and captions, each word given those before it.

        Args:
            encodings: as `project` takes them.
            labels: (n, length) int64: words and the end of each caption; `NO_TARGET` after it.

        Raises:
            InputError: encodings of another shape.
        """
        prefix = self.project(encodings)
        end = self.config.text_config.eos_token_id
        read = torch.where(labels == NO_TARGET, end, labels)[:, :-1]
        # (n, prefix_length + length - 1, n_embd): what follows a caption's end is never looked at.
        embedded = torch.cat([prefix, self.get_input_embeddings()(read)], 1)
        logits = self.decoder(inputs_embeds=embedded, use_cache=False).logits
        logits = logits[:, prefix.shape[1] - 1 :]
        loss = word_loss(logits, labels)
        return CaptionerOutput(loss=loss, logits=logits, word_loss=loss)


def load_gpt2(name: str) -> GPT2LMHeadModel:
    """Load a GPT-2 from a folder or hub id.

    Raises:
        InputError: nothing there, or another kind of model.
    """
    use_cache_if_unreachable()
    try:
        found = AutoConfig.from_pretrained(name).model_type
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{name}: expected an HF folder or hub id of a GPT-2: {error}") from error
    if found != "gpt2":
        raise InputError(f"{name}: expected a model of type gpt2, found {found}")
    return load_model(name, GPT2LMHeadModel)


def initialised(
    gpt2: GPT2LMHeadModel, image_width: int, prefix_length: int, seed: int
) -> PrefixCaptioner:
    """Return a captioner that begins as a GPT-2; what makes the prefix is drawn by the seed."""
    config = PrefixCaptionerConfig(
        text_config=gpt2.config.to_dict(), image_width=image_width, prefix_length=prefix_length
    )
    torch.manual_seed(seed)
    model = PrefixCaptioner(config)
    model.decoder.load_state_dict(gpt2.state_dict())
    return model.eval()


AutoConfig.register(PrefixCaptionerConfig.model_type, PrefixCaptionerConfig)
AutoModel.register(PrefixCaptionerConfig, PrefixCaptioner)
