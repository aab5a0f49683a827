"""ROUGE-L: common subsequences against the table of the textbook."""

import numpy as np
import pytest

from captioning.metrics.rouge import common_subsequence, rouge_l


def table(first, second):
    lengths = np.zeros((len(first) + 1, len(second) + 1), int)
    for i, a in enumerate(first):
        for k, b in enumerate(second):
            longest = max(lengths[i, k + 1], lengths[i + 1, k])
            lengths[i + 1, k + 1] = lengths[i, k] + 1 if a == b else longest
    return lengths[-1, -1]


def test_common_subsequences_are_those_of_the_table():
    generator = np.random.default_rng(0)
    for _ in range(200):
        first, second = (
            generator.choice(list("abcd"), generator.integers(0, 70)).tolist() for _ in range(2)
        )
        assert common_subsequence(first, second) == table(first, second)


def test_precision_and_recall_may_be_of_different_references():
    # Precision 2/3 of the first, recall 1/1 of the second.
    value = rouge_l(["a", "b", "x"], [["a", "b", "c", "d"], ["x"]])
    precision, recall, beta = 2 / 3, 1.0, 1.2
    assert value == pytest.approx(
        (1 + beta**2) * precision * recall / (recall + beta**2 * precision)
    )


def test_no_words_are_one_empty_word():
    assert rouge_l([], [["a"], ["b"]]) == 0
    assert rouge_l([], [["a"], []]) == 1


def test_a_caption_of_18000_words_is_compared():
    value = rouge_l(["dog", "the"] * 9_000, [["a", "dog", "in", "the", "park"]])
    assert 0 < value < 0.001
