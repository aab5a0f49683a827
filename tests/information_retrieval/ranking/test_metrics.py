"""Ranks, recall and top documents against hand-computed matrices and against sorting."""

from math import comb

import numpy as np
import pytest

from information_retrieval.ranking.metrics import recall_at_k, retrieval_metrics, top_k
from information_retrieval.ranking.query_ranks import QueryRanks
from information_retrieval.ranking.rank_counter import count_ranks

# 2 images with 2 and 1 captions.
INDEX = np.array([0, 0, 1])
RULES = ("optimistic", "expected", "pessimistic")


def random_case(n_images: int, seed: int, decimals: int | None = None):
    generator = np.random.default_rng(seed)
    index = np.repeat(np.arange(n_images), generator.integers(1, 6, n_images))
    scores = generator.normal(size=(n_images, len(index))).astype(np.float32)
    return (scores if decimals is None else scores.round(decimals)), index


def ranks_by_sorting(scores, index):
    """The slow truth: positions after a descending argsort (no ties)."""
    by_caption = np.argsort(np.argsort(-scores, axis=1), axis=1)
    by_image = np.argsort(np.argsort(-scores, axis=0), axis=0)
    i2t = [by_caption[row, index == row].min() for row in range(len(scores))]
    return np.array(i2t), by_image[index, np.arange(len(index))]


def ranks_by_definition(scores, index, rule):
    """The slow truth with ties: one comparison at a time."""
    i2t, t2i = [], []
    for row in range(len(scores)):
        own = index == row
        best = scores[row, own].max()
        tied, truths = sum(scores[row, ~own] == best), sum(scores[row, own] == best)
        share = {"optimistic": 0, "expected": 1 / (truths + 1), "pessimistic": 1}[rule]
        i2t.append(sum(scores[row] > best) + share * tied)
    for column, row in enumerate(index):
        own = scores[row, column]
        tied = sum(scores[:, column] == own) - 1
        share = {"optimistic": 0, "expected": 0.5, "pessimistic": 1}[rule]
        t2i.append(sum(scores[:, column] > own) + share * tied)
    return np.array(i2t), np.array(t2i)


def test_ranks_of_a_hand_made_matrix():
    scores = np.array([[0.1, 0.5, 0.9], [0.6, 0.5, 0.2]], np.float32)
    ranks = count_ranks(scores, INDEX)
    # Image 0: its best caption (0.5) is below caption 2. Image 1: below both others.
    assert ranks.i2t.ranks().tolist() == [1, 2]
    # Caption 0 prefers image 1; caption 1 ties with it; caption 2 prefers image 0.
    assert ranks.t2i.higher.tolist() == [1, 0, 1]
    assert ranks.t2i.tied.tolist() == [0, 1, 0]
    assert ranks.t2i.ranks("optimistic").tolist() == [1, 0, 1]
    assert ranks.t2i.ranks("expected").tolist() == [1, 0.5, 1]
    assert ranks.t2i.ranks("pessimistic").tolist() == [1, 1, 1]


def test_two_tied_captions_of_the_same_image_are_no_tie():
    scores = np.array([[0.5, 0.5, 0.1], [0.0, 0.0, 0.2]], np.float32)
    ranks = count_ranks(scores, INDEX)
    assert ranks.i2t.ranks("pessimistic").tolist() == [0, 0]
    assert ranks.i2t.tied.tolist() == [0, 0]


@pytest.mark.parametrize("n_images", [1, 2, 63, 64, 65, 200])
def test_counted_ranks_equal_sorted_positions(n_images):
    scores, index = random_case(n_images, seed=n_images)
    ranks = count_ranks(scores, index)
    i2t, t2i = ranks_by_sorting(scores, index)
    np.testing.assert_array_equal(ranks.i2t.ranks(), i2t)
    np.testing.assert_array_equal(ranks.t2i.ranks(), t2i)


@pytest.mark.parametrize("rule", RULES)
def test_tied_ranks_equal_their_definition(rule):
    scores, index = random_case(90, seed=1, decimals=1)
    ranks = count_ranks(scores, index)
    i2t, t2i = ranks_by_definition(scores, index, rule)
    np.testing.assert_allclose(ranks.i2t.ranks(rule), i2t, rtol=1e-14)
    np.testing.assert_array_equal(ranks.t2i.ranks(rule), t2i)
    assert ranks.i2t.tied.sum() > 0
    assert ranks.t2i.tied.sum() > 0


def test_a_constant_scorer_is_perfect_only_to_an_optimist():
    index = np.repeat(np.arange(100), 5)
    ranks = count_ranks(np.zeros((100, 500), np.float32), index)
    assert retrieval_metrics(ranks, "optimistic")["rsum"] == 600
    assert retrieval_metrics(ranks, "pessimistic")["rsum"] == 0
    expected = retrieval_metrics(ranks)
    assert expected["t2i_r1"] == pytest.approx(1)
    assert expected["t2i_r10"] == pytest.approx(10)
    assert expected["i2t_r1"] == pytest.approx(1)  # of 500 captions 5 are its own
    assert expected["i2t_r10"] == pytest.approx(100 * (1 - comb(495, 10) / comb(500, 10)))
    assert expected["t2i_median_rank"] == 49.5
    assert expected["i2t_tied"] == expected["t2i_tied"] == 100


def test_the_order_of_the_images_does_not_change_the_metrics():
    scores, index = random_case(50, seed=2, decimals=1)
    order = np.random.default_rng(0).permutation(50)
    columns = np.argsort(np.argsort(order)[index], kind="stable")
    shuffled_index = np.argsort(order)[index][columns]
    shuffled = count_ranks(scores[order][:, columns], shuffled_index)
    original = count_ranks(scores, index)
    assert retrieval_metrics(shuffled) == pytest.approx(retrieval_metrics(original))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_an_error_with_its_place(bad):
    scores, index = random_case(70, seed=3)
    scores[67, index == 67] = bad
    column = int(np.flatnonzero(index == 67)[0])
    with pytest.raises(ValueError, match=f"row 67, column {column} is {bad}"):
        count_ranks(scores, index)


def test_recall_is_the_mean_probability_of_a_ground_truth_in_the_top_k():
    queries = QueryRanks(np.array([0, 0, 1, 9, 10]), np.array([0, 1, 0, 0, 0]), np.ones(5, int))
    assert recall_at_k(queries, 1) == 30
    assert recall_at_k(queries, 10) == 80
    assert recall_at_k(queries, 1, "optimistic") == 40
    assert recall_at_k(queries, 1, "pessimistic") == 20


def test_metrics_of_hand_made_ranks():
    scores = np.array([[0.1, 0.5, 0.9], [0.6, 0.4, 0.2]], np.float32)
    found = retrieval_metrics(count_ranks(scores, INDEX))
    assert found["i2t_r1"] == 0
    assert found["i2t_r5"] == found["i2t_r10"] == 100
    assert found["t2i_r1"] == pytest.approx(100 / 3)
    assert found["i2t_mean_rank"] == 1.5
    assert found["t2i_median_rank"] == 1
    assert found["rsum"] == pytest.approx(0 + 100 + 100 + 100 / 3 + 100 + 100)


@pytest.mark.parametrize(("decimals", "k"), [(None, 10), (1, 1), (1, 10), (1, 500), (0, 10)])
def test_the_top_k_equal_a_stable_sort(decimals, k):
    scores, _ = random_case(100, seed=4, decimals=decimals)
    for matrix in (scores, scores.T):
        expected = np.argsort(-matrix, axis=1, kind="stable")[:, :k]
        np.testing.assert_array_equal(top_k(matrix, k), expected)


def test_an_image_without_captions_is_an_error():
    with pytest.raises(ValueError, match="image in row 1 has no caption"):
        count_ranks(np.zeros((3, 2), np.float32), np.array([0, 2]))
