"""A captioner's checkpoint, a folder or a hub id, as a model and the words that it says."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from transformers import (
    BlipForConditionalGeneration,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
)

from captioning.models.blip_captioner import PROMPT, BlipCaptioner
from captioning.models.configuration import LstmCaptionerConfig
from captioning.models.lstm_captioner import LstmCaptioner
from captioning.models.prefix_captioner import PrefixCaptioner
from captioning.models.vocabulary import Vocabulary, load_word_vocabulary
from information_retrieval.models.checkpoint import load_model, load_tokenizer
from preprocess.base.errors import InputError
from preprocess.base.hub import read_config

# What a captioner is given of an image: the output of a frozen encoder, or its own pixels.
Reads = Literal["encodings", "pixels"]
TYPES = ("lstm_captioner", "prefix_captioner", "blip")


@dataclass(frozen=True)
class LoadedCaptioner:
    """A captioner in eval mode, and its words.

    Attributes:
        name: the folder or hub id that it was loaded from.
        model: a `StepwiseCaptioner`, and an `nn.Module`.
        vocabulary: whose ids it reads and says.
        reads: what its `images` are.
        config: HF's.
    """

    name: str
    model: Any
    vocabulary: Vocabulary
    reads: Reads
    config: PreTrainedConfig

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def most_tokens(self) -> int | None:
        """As of `StepwiseCaptioner`."""
        return self.model.most_tokens


def load_captioner(
    name: str, device: str | torch.device = "cpu", prompt: str | None = None
) -> LoadedCaptioner:
    """Load a captioner of any type, in float32.

    Args:
        prompt: what a BLIP's captions begin with, None: as it was published; other captioners have
            none.

    Raises:
        InputError: no such checkpoint, a model that is no captioner, weights that are missing or
            of another architecture, or a vocabulary that does not fit them.
    """
    config = _load_config(name)
    if config.model_type == "blip":
        return _load_blip(name, device, PROMPT if prompt is None else prompt)
    if config.model_type == "prefix_captioner":
        vocabulary = gpt2_vocabulary(load_tokenizer(name, config.text_config.vocab_size))
        model = load_model(name, PrefixCaptioner)
    else:
        vocabulary = load_word_vocabulary(name)
        assert isinstance(config, LstmCaptionerConfig)
        check_vocabulary(name, vocabulary, config)
        model = load_model(name, LstmCaptioner)
    return LoadedCaptioner(name, model.to(device), vocabulary, "encodings", model.config)


def _load_config(name: str) -> PreTrainedConfig:
    config = read_config(name, "a captioner's")
    if config.model_type not in TYPES:
        raise InputError(
            f"{name}: model type {config.model_type!r} is no captioner; expected one of "
            f"{', '.join(TYPES)}"
        )
    return config


def check_vocabulary(name: str, vocabulary: Vocabulary, config: LstmCaptionerConfig) -> None:
    """Raise InputError unless the words are those that the weights were trained on."""
    asked = "give the tokenizer.json that training saved beside the weights"
    if len(vocabulary) != config.vocab_size:
        raise InputError(
            f"{name}: tokenizer.json has {len(vocabulary):,} words, the weights are of "
            f"{config.vocab_size:,}; {asked}"
        )
    tokenizer = vocabulary.tokenizer
    for key in ("pad_token_id", "bos_token_id", "eos_token_id", "unk_token_id"):
        found, expected = getattr(tokenizer, key), getattr(config, key)
        if found != expected:
            raise InputError(
                f"{name}: {key} of tokenizer.json is {found}, of config.json {expected}; {asked}"
            )
    if config.vocabulary_sha256 not in (None, vocabulary.sha256):
        raise InputError(
            f"{name}: tokenizer.json has as many words as the weights, and not the same (hash "
            f"{vocabulary.sha256[:12]}, config.json says {config.vocabulary_sha256[:12]}); {asked}"
        )


def gpt2_vocabulary(tokenizer: PreTrainedTokenizerBase) -> Vocabulary:
    """Return the vocabulary of a GPT-2, whose one special word is the end."""
    return Vocabulary(tokenizer, tokenizer.eos_token_id, (), None, of_words=False)


def _load_blip(name: str, device: str | torch.device, prompt: str) -> LoadedCaptioner:
    model = load_model(name, BlipForConditionalGeneration)
    text = model.config.text_config
    tokenizer = load_tokenizer(name, text.vocab_size)
    unsaid = {text.pad_token_id, text.bos_token_id, tokenizer.cls_token_id} - {None}
    vocabulary = Vocabulary(
        tokenizer,
        text.sep_token_id,
        tuple(sorted(unsaid)),
        tokenizer.unk_token_id,
        of_words=False,
    )
    captioner = BlipCaptioner(model, vocabulary.encode([prompt])[0]).to(device).eval()
    return LoadedCaptioner(name, captioner, vocabulary, "pixels", model.config)
