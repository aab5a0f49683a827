"""Captions to token ids."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from preprocess.errors import InputError
from preprocess.split_file import Split

# They pool the last position, and were trained without a mask: the padding is part of the text.
READ_PADDING = {"siglip", "siglip2"}


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


def tokenize_captions(
    split: Split, tokenizer, max_length: int, pad: bool = False
) -> list[list[int]]:
    """Tokenise every caption of a split once, special tokens included.

    Args:
        tokenizer: an HF tokenizer.
        max_length: entries of the model's position table (`caption_positions`).
        pad: pad each caption to `max_length`, for the models of `READ_PADDING`.

    Returns:
        n_captions lists of ids, of their own lengths unless `pad`.

    Raises:
        InputError: a caption has more tokens than the model has positions.
    """
    padding = {"padding": "max_length", "max_length": max_length} if pad else {}
    token_ids = tokenizer(list(split.captions), verbose=False, **padding)["input_ids"]
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
