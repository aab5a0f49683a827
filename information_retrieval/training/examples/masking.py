"""Words hidden in a text, which the model is to find again from the rest and the image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from information_retrieval.models.tokenization import pad_tokens

MASKED_SHARE = 0.25  # of the tokens, [CLS] counted
SPAN_PROBABILITY = 0.2  # that two or three tokens are hidden at once, not one
MASK_SHARE, RANDOM_SHARE = 0.8, 0.1  # of the hidden; the others are shown as they are
IGNORED = -100  # as a label, to PyTorch's cross-entropy


@dataclass(frozen=True)
class MaskedText:
    """The tokens of a text, and the same with some hidden.

    Attributes:
        token_ids: [CLS] and the pieces.
        masked_ids: as many, some replaced by [MASK] or another token.
        positions: of the tokens that are to be found, ascending; some may show as they are.
    """

    token_ids: list[int]
    masked_ids: list[int]
    positions: list[int]

    @property
    def labels(self) -> list[int]:
        """The tokens that are to be found, in the order of `positions`."""
        return [self.token_ids[position] for position in self.positions]


class WordMasker:
    """Tokenises texts, and hides a quarter of their tokens: whole words where they fit.

    As many are hidden of each text as its length tells, so a word may be hidden in part.

    Args:
        tokenizer: WordPiece, which begins a text with [CLS] and ends it with its last piece.
        max_tokens: of a text, [CLS] included; the pieces after them are left out.
        max_masks: tokens hidden at most.

    Source: the pre-training of Zeng et al. (2022); 8 masks for 4M images, 6 for 16M.
    """

    def __init__(self, tokenizer, max_tokens: int = 40, max_masks: int = 8):
        pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        self.tokenizer = tokenizer
        self.continues = [piece.startswith("##") for piece in pieces]
        self.max_tokens = max_tokens
        self.max_masks = max_masks

    def read(self, text: str, generator: np.random.Generator) -> MaskedText:
        """Tokenise a text and hide some of it."""
        encoded = self.tokenizer(text, truncation=True, max_length=self.max_tokens)
        return self.mask(encoded["input_ids"], generator)

    def mask(self, token_ids: Sequence[int], generator: np.random.Generator) -> MaskedText:
        """Hide some tokens after the first, [CLS]."""
        positions = self._draw_positions(token_ids, generator)
        masked_ids = list(token_ids)
        for position in positions:
            share = generator.random()
            if share < MASK_SHARE:
                masked_ids[position] = self.tokenizer.mask_token_id
            elif share < MASK_SHARE + RANDOM_SHARE:
                masked_ids[position] = int(generator.integers(len(self.continues)))
        return MaskedText(list(token_ids), masked_ids, positions)

    def _draw_positions(
        self, token_ids: Sequence[int], generator: np.random.Generator
    ) -> list[int]:
        n_tokens = len(token_ids)
        # Of [CLS] alone, where the tokenizer knew nothing of a text, there is nothing to hide.
        wanted = min(self.max_masks, max(1, round(MASKED_SHARE * n_tokens)), n_tokens - 1)
        found: set[int] = set()
        for start in (1 + generator.permutation(n_tokens - 1)).tolist():
            if len(found) >= wanted:
                break
            if start not in found:
                is_span = generator.random() < SPAN_PROBABILITY
                length = int(generator.integers(2, 4)) if is_span else 1
                found.update(self._whole_words(token_ids, start, start + length))
        if len(found) > wanted:
            found = set(generator.choice(sorted(found), wanted, replace=False).tolist())
        return sorted(found)

    def _whole_words(self, token_ids: Sequence[int], start: int, end: int) -> range:
        """Return the positions from `start` to before `end`, grown to whole words."""
        end = min(end, len(token_ids))
        while start > 1 and self.continues[token_ids[start]]:
            start -= 1
        while end < len(token_ids) and self.continues[token_ids[end]]:
            end += 1
        return range(start, end)


def pad_masked(texts: Sequence[MaskedText], pad_id: int) -> dict[str, torch.Tensor]:
    """Pad to the longest text and the most masks of a batch.

    Returns:
        `input_ids`, `attention_mask`, `masked_ids` (batch, length) int64, and
        `masked_positions`, `masked_labels` (batch, n_masks) int64: 0 and -100 where a text has
        fewer masks.
    """
    padded = pad_tokens([text.token_ids for text in texts], pad_id)
    padded["masked_ids"] = pad_tokens([text.masked_ids for text in texts], pad_id)["input_ids"]
    n_masks = max(len(text.positions) for text in texts)
    positions = torch.zeros((len(texts), n_masks), dtype=torch.int64)
    labels = torch.full((len(texts), n_masks), IGNORED)
    for row, text in enumerate(texts):
        positions[row, : len(text.positions)] = torch.tensor(text.positions, dtype=torch.int64)
        labels[row, : len(text.positions)] = torch.tensor(text.labels, dtype=torch.int64)
    return {**padded, "masked_positions": positions, "masked_labels": labels}
