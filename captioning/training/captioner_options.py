"""The options of training a captioner, beside HF's; without torch, so that --help is fast."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from captioning.decoding.arguments import SearchArguments
from captioning.models.paper import MIN_COUNT, PaperModel
from preprocess.base.command_line import check_at_least
from preprocess.base.errors import InputError

GPT2 = "openai-community/gpt2"
# What each decoder is made of, in the order of the options.
OF_WORDS = ("min_count", "subwords")
OF_DECODER: dict[str, tuple[str, ...]] = {
    "lstm": ("num_layers", "projection", "word_width", "hidden_size", "dropout", "label_smoothing"),
    "attention": (
        *("projection", "word_width", "hidden_size", "attention_width", "dropout"),
        *("label_smoothing", "attention_penalty", "penalty_over"),
    ),
    "gpt2": ("gpt2", "prefix_length"),
}
# Of these, what may change in a captioner that is there.
OF_TRAINING = ("dropout", "label_smoothing", "attention_penalty", "penalty_over")


@dataclass(kw_only=True)
class CaptionDataArguments:
    """What is trained on, and what each epoch is judged on."""

    data_dir: Path = field(
        metadata={"help": "folder of train.json, minival.json and {split}_{encodings}.h5"}
    )
    encodings: str = field(
        default="embedding",
        metadata={
            "help": "what the encodings files are called after the split, their kind, as in "
            "train_embedding.h5, train_tokens.h5 or train_vector.h5; minival's images may be in "
            "train's or val's file"
        },
    )
    max_words: int = field(
        default=60,
        metadata={
            "help": "training captions of more words (pieces), the end counted, are cut, and "
            "counted; they do not end"
        },
    )

    def __post_init__(self) -> None:
        check_at_least("--max_words", self.max_words, 2)

    def split_file(self, split: str) -> Path:
        return self.data_dir / f"{split}.json"

    def encodings_file(self, split: str) -> Path:
        return self.data_dir / f"{split}_{self.encodings}.h5"


@dataclass(kw_only=True)
class CaptionerOptions:
    """What is trained. An option that is left out is ours, or that of --paper."""

    model_name_or_path: str | None = field(
        default=None, metadata={"help": "captioner to go on from. Default: a new one"}
    )
    paper: PaperModel | None = field(
        default=None,
        metadata={
            "help": "a captioner as the paper's code has it, its defects included "
            "(captioning/models/paper.py); other options given go before its"
        },
    )
    decoder: Literal["lstm", "attention", "gpt2"] | None = field(
        default=None,
        metadata={
            "help": "lstm or gpt2, which read a vector an image; attention, which looks at tokens. "
            "Default: attention of tokens, lstm of vectors"
        },
    )
    num_layers: int | None = field(default=None, metadata={"help": "lstm: its layers. Default: 2"})
    projection: Literal["none", "linear", "norm"] | None = field(
        default=None,
        metadata={
            "help": "lstm, attention: between encoder and decoder, nothing, a linear layer, or "
            "that and a norm. Default: norm"
        },
    )
    word_width: int | None = field(
        default=None, metadata={"help": "numbers of a word's embedding. Default: 512"}
    )
    hidden_size: int | None = field(
        default=None, metadata={"help": "numbers of the LSTM's state. Default: 512"}
    )
    attention_width: int | None = field(
        default=None,
        metadata={"help": "numbers by which tokens and state are compared. Default: 512"},
    )
    dropout: float | None = field(
        default=None, metadata={"help": "before the words' logits, in [0, 1). Default: 0.5"}
    )
    label_smoothing: float | None = field(
        default=None,
        metadata={"help": "share of each target spread over all words, in [0, 1). Default: 0"},
    )
    attention_penalty: float | None = field(
        default=None,
        metadata={"help": "weight of the tokens' not being looked at once in all. Default: 1"},
    )
    penalty_over: Literal["mean", "sum"] | None = field(
        default=None,
        metadata={
            "help": "over the tokens, its mean, as the paper's code, or sum, as its equation. "
            "Default: mean"
        },
    )
    gpt2: str | None = field(
        default=None, metadata={"help": f"gpt2: its folder or hub id. Default: {GPT2}"}
    )
    prefix_length: int | None = field(
        default=None, metadata={"help": "gpt2: vectors that the image is made into. Default: 10"}
    )
    min_count: int | None = field(
        default=None,
        metadata={
            "help": "how often a word of the training captions occurs to be in the vocabulary. "
            f"Default: {MIN_COUNT}"
        },
    )
    subwords: int | None = field(
        default=None,
        metadata={"help": "a vocabulary of so many pieces of words, instead of whole ones"},
    )
    clamp_gradients: float | None = field(
        default=None,
        metadata={
            "help": "each number of the gradient to at most so much. Default: not at all; 5 of "
            "--paper clip_attention"
        },
    )

    def __post_init__(self) -> None:
        for option, least in (
            *(("num_layers", 1), ("word_width", 1), ("hidden_size", 1), ("attention_width", 1)),
            *(("prefix_length", 1), ("min_count", 1), ("subwords", 10)),
        ):
            if getattr(self, option) is not None:
                check_at_least(f"--{option}", getattr(self, option), least)
        for option in ("dropout", "label_smoothing"):
            value = getattr(self, option)
            if value is not None and not 0 <= value < 1:
                raise InputError(f"--{option}: expected a value in [0, 1), found {value}")
        if self.min_count is not None and self.subwords is not None:
            raise InputError("--min_count, --subwords: whole words or pieces; give one of them")
        if self.clamp_gradients is not None and not self.clamp_gradients > 0:
            raise InputError(
                f"--clamp_gradients: expected a value above 0, found {self.clamp_gradients}"
            )

    def given(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Return those of these options that were given."""
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}

    def check_heeded(self, heeded: tuple[str, ...], by: str) -> None:
        """Raise InputError for an option that was given, and would not be heeded.

        Args:
            by: what does not heed it.
        """
        every = {name for names in OF_DECODER.values() for name in names} | set(OF_WORDS)
        for name in self.given(tuple(sorted(every - set(heeded)))):
            raise InputError(f"--{name}: no option of {by}; leave it out")


@dataclass(kw_only=True)
class MinivalDecodingArguments(SearchArguments):
    """How each epoch captions minival: greedily by default, which is the fastest.

    Not by drawing: epochs would be compared by chance.
    """

    method: Literal["greedy", "beam"] = field(
        default="greedy",
        metadata={"help": "how minival is captioned after each epoch: greedy or beam"},
    )
