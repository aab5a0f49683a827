"""The captions of a split as X-VLM learns them: cleaned, and those without a word left out."""

import warnings
from dataclasses import dataclass

import numpy as np

from information_retrieval.models.arguments import LongCaptions
from information_retrieval.models.tokenization import (
    TokenizedCaptions,
    listed,
    max_words,
    tokenize_captions,
)
from information_retrieval.models.xvlm.captions import clean_caption
from information_retrieval.models.xvlm.configuration import XvlmConfig
from preprocess.base.errors import InputError, InputWarning
from preprocess.captions.split_file import Split


@dataclass(frozen=True)
class CleanCaptions:
    """The n captions that have words.

    Attributes:
        split: that they are of.
        rows: (n,) int64, their positions in the split, ascending.
        texts: n, cleaned.
        tokens: of these texts.
    """

    split: Split
    rows: np.ndarray
    texts: tuple[str, ...]
    tokens: TokenizedCaptions

    @property
    def image_index(self) -> np.ndarray:
        """(n,) int64, the position of each caption's image in the split."""
        return self.split.caption_image_index[self.rows]


def clean_captions(
    split: Split, tokenizer, config: XvlmConfig, long_captions: LongCaptions = "cut"
) -> CleanCaptions:
    """Clean and tokenise the captions of a split.

    Warns of captions without a word, which the published code refuses.

    Raises:
        InputError: as `tokenize_captions`; or no caption has a word.
    """
    words = max_words(config)
    assert words is not None, "an X-VLM cleans its captions"
    tokens = tokenize_captions(
        split, tokenizer, config.max_tokens, long_captions=long_captions, words=words
    )
    rows = np.flatnonzero(~np.isin(split.caption_ids, tokens.empty))
    name = f"split {split.split!r} of {split.source}"
    if not len(rows):
        raise InputError(f"{name}: no caption has a word once it is cleaned")
    if tokens.empty:
        warnings.warn(
            f"{name}: of {len(tokens.empty):,} of {len(tokens.token_ids):,} captions nothing is "
            f"left once they are cleaned, and they are not trained on: {listed(tokens.empty)}",
            InputWarning,
            stacklevel=2,
        )
    return CleanCaptions(
        split,
        rows,
        tuple(clean_caption(split.captions[row], words) for row in rows),
        TokenizedCaptions(
            [tokens.token_ids[row] for row in rows], tokens.positions, tokens.cut, words
        ),
    )
