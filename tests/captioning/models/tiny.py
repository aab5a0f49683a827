"""Tiny captioners: one of numbers that a formula gives, and folders of each type."""

import math
from pathlib import Path

import torch
from torch import Tensor
from transformers import (
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessor,
    BlipProcessor,
    GPT2Config,
    GPT2LMHeadModel,
    GPT2Tokenizer,
    PreTrainedModel,
)

from captioning.models.configuration import LstmCaptionerConfig
from captioning.models.losses import NO_TARGET
from captioning.models.lstm_captioner import LstmCaptioner
from captioning.models.prefix_captioner import PrefixCaptioner, initialised
from captioning.models.vocabulary import Vocabulary, build_word_vocabulary
from tests.conftest import bert_tokenizer

IMAGE_WIDTH, N_TOKENS, SIDE = 8, 5, 32
CAPTIONS = [
    "A red cat on the big house.",
    "Two dogs near a tree, and a small car",
    "the blue car under the tree",
    "a dog's house",
]
SIZES = {
    "image_width": IMAGE_WIDTH,
    "word_width": 6,
    "hidden_size": 7,
    "attention_width": 5,
}


def make_captioner(vocab_size: int = 12, seed: int | None = None, **config) -> LstmCaptioner:
    """A captioner in float32; without a seed, its weights are sines of their numbers."""
    if seed is not None:
        torch.manual_seed(seed)
    model = LstmCaptioner(LstmCaptionerConfig(vocab_size=vocab_size, **{**SIZES, **config}))
    if seed is None:
        first = 0
        for parameter in model.parameters():
            numbers = torch.arange(first, first + parameter.numel(), dtype=torch.float64)
            parameter.data = (1.5 * (1.7 * numbers).sin()).view_as(parameter).float()
            first += parameter.numel()
    return model.eval()


def make_images(decoder: str = "lstm", n: int = 3, width: int = IMAGE_WIDTH) -> Tensor:
    """(n, width), or (n, N_TOKENS, width) for attention."""
    shape = (n, N_TOKENS, width) if decoder == "attention" else (n, width)
    numbers = torch.arange(math.prod(shape), dtype=torch.float64)
    return (1.5 * (2.3 * numbers).sin()).view(shape).float()


def make_labels(lengths: list[int], end: int = 2) -> Tensor:
    """Captions of so many words, of ids 4 to 11, with their end."""
    labels = torch.full((len(lengths), max(lengths) + 1), NO_TARGET)
    for row, length in enumerate(lengths):
        labels[row, :length] = 4 + torch.arange(row, row + 3 * length, 3) % 8
        labels[row, length] = end
    return labels


def make_vocabulary() -> Vocabulary:
    return build_word_vocabulary(CAPTIONS, min_count=1)


def save_captioner(folder: Path, seed: int = 0, **config) -> Path:
    """An LSTM captioner with the vocabulary of `CAPTIONS`."""
    vocabulary = make_vocabulary()
    own = {"vocab_size": len(vocabulary), "vocabulary_sha256": vocabulary.sha256}
    make_captioner(seed=seed, **{**own, **config}).save_pretrained(folder)
    vocabulary.save(folder)
    return folder


def perturb(model: PreTrainedModel, size: float, seed: int = 0) -> None:
    """Move all weights, so that captions differ between images."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(size * torch.randn(parameter.shape, generator=generator))


def gpt2_tokenizer() -> GPT2Tokenizer:
    """A GPT-2 tokenizer of letters; Ġ is a space."""
    pieces = ["<|endoftext|>", "Ġ", *"abcdefghijklmnopqrstuvwxyz'.,"]
    return GPT2Tokenizer(vocab={piece: n for n, piece in enumerate(pieces)}, merges=[])


def make_gpt2(vocab_size: int) -> GPT2LMHeadModel:
    sizes = {"n_positions": 64, "n_embd": 16, "n_layer": 2, "n_head": 2}
    config = GPT2Config(vocab_size=vocab_size, bos_token_id=0, eos_token_id=0, **sizes)
    model = GPT2LMHeadModel(config)
    perturb(model, 0.4)
    return model.eval()


def make_prefix_captioner(vocab_size: int = 31) -> PrefixCaptioner:
    model = initialised(make_gpt2(vocab_size), IMAGE_WIDTH, prefix_length=3, seed=0)
    perturb(model.prefix, 0.5)
    return model


def save_prefix_captioner(folder: Path) -> Path:
    tokenizer = gpt2_tokenizer()
    make_prefix_captioner(len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_blip(vocab_size: int) -> BlipForConditionalGeneration:
    sizes = {"intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
    special = {"pad_token_id": 0, "bos_token_id": vocab_size - 1, "sep_token_id": 3}
    text = {**sizes, **special, "hidden_size": 16, "vocab_size": vocab_size}
    text |= {"eos_token_id": 3, "max_position_embeddings": 64, "encoder_hidden_size": 20}
    vision = {**sizes, "hidden_size": 20, "image_size": SIDE, "patch_size": 8}
    torch.manual_seed(0)
    model = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision))
    perturb(model, 0.3)
    return model.eval()


def save_blip(folder: Path) -> Path:
    """A BLIP captioner whose last word marks the beginning of a caption, as BLIP's."""
    tokenizer = bert_tokenizer(folder)
    tokenizer.add_special_tokens({"bos_token": "[DEC]"})
    make_blip(len(tokenizer)).save_pretrained(folder)
    image_processor = BlipImageProcessor(size={"height": SIDE, "width": SIDE})
    BlipProcessor(image_processor, tokenizer).save_pretrained(folder)
    return folder


def make_pixels(n: int = 3, seed: int = 0) -> Tensor:
    return torch.randn(n, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
