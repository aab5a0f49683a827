"""HF's BLIP as a captioner: it reads pixels, and says what follows a prompt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BlipForConditionalGeneration, DynamicCache, EncoderDecoderCache

from captioning.models.losses import NO_TARGET
from captioning.models.text_cache import CACHE

PROMPT = "a picture of"  # what BLIP was trained and published with


@dataclass(frozen=True)
class BlipState:
    """What the text decoder has read so far.

    Attributes:
        images: (rows,) int64, the image that each row is of.
        hidden: (rows, n_patches, width), of the image encoder.
        cache: HF's `EncoderDecoderCache`: keys and values of the words, and of the image.
    """

    images: Tensor
    hidden: Tensor
    cache: Any

    def select(self, rows: Tensor) -> "BlipState":
        images = self.images[rows]
        if torch.equal(images, self.images):
            # As between two words: the image's keys and values, 40 MB a row, need not move.
            self.cache.self_attention_cache.reorder_cache(rows)
            return self
        self.cache.reorder_cache(rows)
        return BlipState(images, self.hidden[rows], self.cache)


class BlipCaptioner(nn.Module):
    """A BLIP driven word by word, as `StepwiseCaptioner` says, so that all are searched alike."""

    def __init__(self, model: BlipForConditionalGeneration, prompt_ids: Sequence[int] = ()):
        """Wrap a BLIP.

        Args:
            prompt_ids: of the words that each caption begins with and that are no part of it.
        """
        super().__init__()
        self.model = model
        text: Any = model.config.text_config
        self.prompt = [text.bos_token_id, *prompt_ids]
        self.end_id = text.sep_token_id

    @property
    def most_tokens(self) -> int:
        """Words of a caption, the end counted, that there are positions for after the prompt."""
        # The last word is said, and not read.
        text: Any = self.model.config.text_config
        return text.max_position_embeddings - len(self.prompt) + 1

    def _prompts(self, images: Tensor) -> Tensor:
        return torch.tensor(self.prompt, device=images.device).repeat(len(images), 1)

    def begin(self, images: Tensor) -> tuple[Tensor, BlipState]:
        """Read pixels, (n, 3, side, side), and the prompt."""
        hidden = self.model.vision_model(images).last_hidden_state
        cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        numbers = torch.arange(len(images), device=images.device)
        return self._read(self._prompts(images), BlipState(numbers, hidden, cache))

    def advance(self, words: Tensor, state: BlipState) -> tuple[Tensor, BlipState]:
        """Read one word more of each row, (n,) int64."""
        return self._read(words[:, None], state)

    def _read(self, input_ids: Tensor, state: BlipState) -> tuple[Tensor, BlipState]:
        logits = self.model.text_decoder(
            input_ids,
            encoder_hidden_states=state.hidden,
            use_cache=True,
            **{CACHE: state.cache},
        ).logits
        return logits[:, -1], state

    def target_logits(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the logits at each word of given captions, (n, length, vocabulary)."""
        hidden = self.model.vision_model(images).last_hidden_state
        prompts = self._prompts(images)
        read = torch.where(labels == NO_TARGET, self.end_id, labels)[:, :-1]
        logits = self.model.text_decoder(
            torch.cat([prompts, read], 1), encoder_hidden_states=hidden, use_cache=False
        ).logits
        return logits[:, prompts.shape[1] - 1 :]
