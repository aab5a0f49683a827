"""BLEU of hand-made counts."""

from math import exp

import numpy as np
import pytest

from captioning.metrics.bleu import bleu, bleu_counts
from captioning.metrics.ngrams import count_ngrams


def counts_of(candidate: str, *references: str) -> list[int]:
    words = candidate.split()
    split = [reference.split() for reference in references]
    return bleu_counts(
        count_ngrams(words), len(words), [count_ngrams(r) for r in split], [len(r) for r in split]
    )


def test_a_word_counts_as_often_as_one_reference_has_it():
    # "the" twice in the first reference, once in the second: two of seven.
    counts = counts_of("the the the the the the the", "the cat is on the mat", "the cat sat")
    assert counts == [2, 0, 0, 0, 7, 6, 5, 4, 7, 6]


def test_the_nearest_reference_gives_the_length_and_the_shorter_at_a_tie():
    assert counts_of("a b c d", "a b c d e f", "a b")[-1] == 2
    assert counts_of("a b c d", "a b c d e f", "a b c d e")[-1] == 5


def test_a_caption_shorter_than_its_reference_is_penalised():
    values = bleu(np.array(counts_of("a b", "a b c d")))
    assert values[:2] == pytest.approx([exp(-1), exp(-1)], rel=1e-6)
    # Of no trigrams coco-caption makes 1e-15 / 1e-9.
    assert values[2] == pytest.approx(0.01 * exp(-1), rel=1e-6)


def test_bleu_of_a_set_is_of_the_counts_added_up():
    """A caption that never ends pulls down the whole, where a mean would not notice."""
    good = counts_of("a b c d", "a b c d")
    endless = counts_of("x " * 96, "a b c d")
    both = bleu(np.array([good, endless]).sum(axis=0))
    assert both[0] == pytest.approx(4 / 100, rel=1e-6)


def test_no_words_at_all_give_nothing_and_no_warning(recwarn):
    values = bleu(np.array(counts_of("", "a b")))
    assert values.tolist() == [0, 0, 0, 0]
    assert not recwarn
