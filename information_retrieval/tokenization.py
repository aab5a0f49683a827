"""Captions to token ids."""

from collections.abc import Sequence

import torch

from preprocess.errors import InputError
from preprocess.split_file import Split


def tokenize_captions(split: Split, tokenizer, max_length: int) -> list[list[int]]:
    """Tokenise every caption of a split once, special tokens included.

    Args:
        tokenizer: an HF tokenizer.
        max_length: entries of the model's position table.

    Returns:
        n_captions lists of ids, unpadded.

    Raises:
        InputError: a caption has more tokens than the model has positions.
    """
    token_ids = tokenizer(list(split.captions), verbose=False)["input_ids"]
    for caption_id, ids in zip(split.caption_ids, token_ids, strict=True):
        if len(ids) > max_length:
            raise InputError(
                f"split {split.split!r} of {split.source}: caption {caption_id} has {len(ids)} "
                f"tokens, the model has {max_length} positions; shorten or remove the caption"
            )
    return token_ids


def pad_tokens(token_ids: Sequence[Sequence[int]], pad_id: int) -> dict[str, torch.Tensor]:
    """Pad to the longest of the batch: `input_ids`, `attention_mask` (batch, length) int64."""
    length = max(len(ids) for ids in token_ids)
    input_ids = torch.full((len(token_ids), length), pad_id)
    attention_mask = torch.zeros((len(token_ids), length), dtype=torch.int64)
    for row, ids in enumerate(token_ids):
        input_ids[row, : len(ids)] = torch.tensor(ids)
        attention_mask[row, : len(ids)] = 1
    return {"input_ids": input_ids, "attention_mask": attention_mask}
