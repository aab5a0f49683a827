"""Captions to token ids."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedConfig, PreTrainedModel

from information_retrieval.models.arguments import LongCaptions
from information_retrieval.models.xvlm.captions import clean_caption
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split

# They pool the last position, and were trained without a mask: the padding is part of the text.
READ_PADDING = {"siglip", "siglip2"}

# Models that were trained on fewer tokens than they have positions.
GIVEN_FEWER = {"xvlm", "sx3hre"}

LISTED = 10  # captions in a line


def max_words(config: PreTrainedConfig) -> int | None:
    """Return how many words of a cleaned caption the model reads; None where it cleans none."""
    return config.max_words if config.model_type == "xvlm" else None


def caption_positions(model: PreTrainedModel) -> int:
    """Return how many tokens a caption may have: entries of the model's position table.

    X-VLM has 512, of which it was given 40; Sx3HRe likewise, of 64.
    """
    if model.config.model_type in GIVEN_FEWER:
        return model.config.max_tokens
    # RoBERTa's positions begin after that of the padding, which its embeddings know by this name.
    # (LXMERT's table has one too, but begins at 0.)
    paddings = [
        module.padding_idx
        for module in model.modules()
        if hasattr(module, "position_embeddings") and hasattr(module, "padding_idx")
    ]
    taken = max((padding + 1 for padding in paddings), default=0)
    return model.config.get_text_config().max_position_embeddings - taken


@dataclass(frozen=True)
class TokenizedCaptions:
    """The captions of a split as token ids.

    Attributes:
        token_ids: n_captions lists, special tokens included.
        positions: how many tokens the model has places for.
        cut: ids of the captions that had more, or more than `words`, in the order of the split.
        words: how many words of a cleaned caption the model reads; None where it cleans none.
        empty: ids of the captions of which cleaning leaves nothing, in the order of the split.
    """

    token_ids: list[list[int]]
    positions: int
    cut: tuple[int, ...]
    words: int | None = None
    empty: tuple[int, ...] = ()

    def to_json(self) -> dict:
        """Return what the results tell of captions that were cut or empty; nothing without any."""
        told: dict = {}
        if self.cut:
            words = {} if self.words is None else {"words": self.words}
            told["captions_cut"] = {"tokens": self.positions, **words, "caption_ids": [*self.cut]}
        if self.empty:
            told["captions_empty"] = {"caption_ids": [*self.empty]}
        return told

    def warnings(self) -> list[str]:
        """Return a line of warning where captions were cut, and one where some were empty."""
        lines, n_captions = [], len(self.token_ids)
        if self.cut:
            words = "" if self.words is None else f"{self.words} words or "
            lines.append(
                f"warning: {len(self.cut):,} of {n_captions:,} captions have more than the model's "
                f"{words}{self.positions} tokens, and are cut: {listed(self.cut)} "
                "(--long_captions error stops)"
            )
        if self.empty:
            lines.append(
                f"warning: of {len(self.empty):,} of {n_captions:,} captions nothing is left once "
                f"they are cleaned, and they are scored as no text: {listed(self.empty)}"
            )
        return lines


def listed(caption_ids: tuple[int, ...]) -> str:
    """Return the first ids, for a line."""
    return ", ".join(map(str, caption_ids[:LISTED])) + ", ..." * bool(caption_ids[LISTED:])


def tokenize_captions(
    split: Split,
    tokenizer,
    max_length: int,
    pad: bool = False,
    long_captions: LongCaptions = "cut",
    words: int | None = None,
) -> TokenizedCaptions:
    """Tokenise every caption of a split once, special tokens included.

    A caption of more tokens than the model has positions is cut as the tokenizer itself truncates:
    the special token at its end stays. All published numbers of CLIP on Flickr30k and of ViLT on
    COCO are made so.

    Args:
        tokenizer: an HF tokenizer.
        max_length: entries of the model's position table (`caption_positions`).
        pad: pad each caption to `max_length`, for the models of `READ_PADDING`.
        long_captions: "error" to refuse them.
        words: clean the captions as X-VLM does, and leave out the words beyond these (`max_words`);
            None to take them as they are. One of which nothing is left becomes [CLS] alone.

    Raises:
        InputError: a caption has more words or tokens than the model reads, and that is an error.
    """
    captions, cut, empty = list(split.captions), set(), ()
    if words is not None:
        whole = [clean_caption(caption, sys.maxsize) for caption in captions]
        captions = [clean_caption(caption, words) for caption in captions]
        cut = {row for row, caption in enumerate(captions) if caption != whole[row]}
        empty = tuple(split.caption_ids[[not caption for caption in captions]].tolist())
        if cut and long_captions == "error":
            n_words = len(whole[min(cut)].split(" "))
            raise _too_long(split, min(cut), f"{n_words} words, the model reads {words}", len(cut))
    padding = {"padding": "max_length", "max_length": max_length} if pad else {}
    token_ids = tokenizer(captions, verbose=False, **padding)["input_ids"]
    rows = [row for row, ids in enumerate(token_ids) if len(ids) > max_length]
    if rows and long_captions == "error":
        n_tokens = len(token_ids[rows[0]])
        found = f"{n_tokens} tokens, the model has {max_length} positions"
        raise _too_long(split, rows[0], found, len(rows))
    for row in rows:
        token_ids[row] = tokenizer(captions[row], truncation=True, max_length=max_length)[
            "input_ids"
        ]
    cut_ids = split.caption_ids[sorted(cut.union(rows))].tolist()
    return TokenizedCaptions(token_ids, max_length, tuple(cut_ids), words, empty)


def _too_long(split: Split, row: int, found: str, n_captions: int) -> InputError:
    return InputError(
        f"split {split.split!r} of {split.source}: caption {split.caption_ids[row]} has {found}, "
        f"and so it is with {n_captions} captions; shorten them, or leave --long_captions error out"
    )


def pad_tokens(token_ids: Sequence[Sequence[int]], pad_id: int) -> dict[str, torch.Tensor]:
    """Pad to the longest of the batch: `input_ids`, `attention_mask` (batch, length) int64."""
    length = max(len(ids) for ids in token_ids)
    input_ids = torch.full((len(token_ids), length), pad_id)
    attention_mask = torch.zeros((len(token_ids), length), dtype=torch.int64)
    for row, ids in enumerate(token_ids):
        input_ids[row, : len(ids)] = torch.tensor(ids)
        attention_mask[row, : len(ids)] = 1
    return {"input_ids": input_ids, "attention_mask": attention_mask}
