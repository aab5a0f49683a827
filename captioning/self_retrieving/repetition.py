"""How far captions repeat one another, and those of the training split."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from captioning.metrics.words import caption_words
from preprocess.captions.white_space import in_one_line


@dataclass(frozen=True)
class Repetition:
    """Captions that were said before.

    Attributes:
        captions: how many there are.
        distinct: different texts among them, as `CaptionCounts` has it.
        copied: that a training caption has, word for word; None where none are given.
    """

    captions: int
    distinct: int
    copied: int | None

    def to_json(self) -> dict:
        """Return the numbers, and their shares of the captions, in [0, 1]."""
        return {
            "captions": self.captions,
            "distinct": self.distinct,
            "distinct_share": self.distinct / self.captions,
            "copied": self.copied,
            "copied_share": None if self.copied is None else self.copied / self.captions,
        }


def as_words(captions: Iterable[str]) -> set[tuple[str, ...]]:
    """Return captions as the words that metrics compare: case and punctuation make none new."""
    return {tuple(caption_words(caption)) for caption in captions}


def count_repetition(captions: Sequence[str], training: set[tuple[str, ...]] | None) -> Repetition:
    """Count the distinct captions, and those that training captions have too.

    Args:
        captions: 1..n; white space of every kind is one space.
        training: the training captions `as_words`; None: not known.
    """
    words = [tuple(caption_words(caption)) for caption in captions]
    copied = None if training is None else sum(one in training for one in words)
    return Repetition(len(words), len({*map(in_one_line, captions)}), copied)
