"""Captions to token ids."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from information_retrieval.models.arguments import LongCaptions
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split

# They pool the last position, and were trained without a mask: the padding is part of the text.
READ_PADDING = {"siglip", "siglip2"}

LISTED = 10  # captions in a line


def caption_positions(model: PreTrainedModel) -> int:
    """Return how many tokens a caption may have: entries of the model's position table."""
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
        cut: ids of the captions that had more, ascending in the order of the split.
    """

    token_ids: list[list[int]]
    positions: int
    cut: tuple[int, ...]

    def to_json(self) -> dict:
        """Return what the results tell of captions that were cut; nothing where none was."""
        if not self.cut:
            return {}
        return {"captions_cut": {"tokens": self.positions, "caption_ids": list(self.cut)}}

    def warnings(self) -> list[str]:
        """Return a line of warning where captions were cut."""
        if not self.cut:
            return []
        listed = ", ".join(map(str, self.cut[:LISTED])) + ", ..." * bool(self.cut[LISTED:])
        return [
            f"warning: {len(self.cut):,} of {len(self.token_ids):,} captions have more than the "
            f"model's {self.positions} tokens, and are cut: {listed} (--long_captions error stops)"
        ]


def tokenize_captions(
    split: Split,
    tokenizer,
    max_length: int,
    pad: bool = False,
    long_captions: LongCaptions = "cut",
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

    Raises:
        InputError: a caption has more tokens than the model has positions, and that is an error.
    """
    padding = {"padding": "max_length", "max_length": max_length} if pad else {}
    token_ids = tokenizer(list(split.captions), verbose=False, **padding)["input_ids"]
    rows = [row for row, ids in enumerate(token_ids) if len(ids) > max_length]
    if rows and long_captions == "error":
        raise InputError(
            f"split {split.split!r} of {split.source}: caption {split.caption_ids[rows[0]]} has "
            f"{len(token_ids[rows[0]])} tokens, the model has {max_length} positions, and so it is "
            f"with {len(rows)} captions; shorten them, or leave --long_captions error out"
        )
    for row in rows:
        token_ids[row] = tokenizer(split.captions[row], truncation=True, max_length=max_length)[
            "input_ids"
        ]
    return TokenizedCaptions(token_ids, max_length, tuple(split.caption_ids[rows].tolist()))


def pad_tokens(token_ids: Sequence[Sequence[int]], pad_id: int) -> dict[str, torch.Tensor]:
    """Pad to the longest of the batch: `input_ids`, `attention_mask` (batch, length) int64."""
    length = max(len(ids) for ids in token_ids)
    input_ids = torch.full((len(token_ids), length), pad_id)
    attention_mask = torch.zeros((len(token_ids), length), dtype=torch.int64)
    for row, ids in enumerate(token_ids):
        input_ids[row, : len(ids)] = torch.tensor(ids)
        attention_mask[row, : len(ids)] = 1
    return {"input_ids": input_ids, "attention_mask": attention_mask}
