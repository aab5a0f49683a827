"""Shortlists and their censored ranks, against hand-made cases and the ranks of all pairs."""

import numpy as np
import pytest

from information_retrieval.combining.shortlist import (
    CensoredRanks,
    Shortlists,
    cascade_metrics,
    cascade_metrics_with_bounds,
    rank_shortlists,
    shortlists,
    union_of_pairs,
)
from information_retrieval.ranking.metrics import CUTOFFS, retrieval_metrics
from information_retrieval.ranking.query_ranks import DIRECTIONS, QueryRanks
from information_retrieval.ranking.rank_counter import count_ranks

# 3 images, captions 0 1 of the first, 2 of the second, 3 of the third.
FIRST = np.array([[9, 1, 8, 7], [3, 2, 6, 9], [5, 8, 1, 2]], np.float32)
INDEX = np.array([0, 0, 1, 2])


def cascade(first, second, index, k):
    """Ranks by the second scorer of the first's shortlists."""
    lists = shortlists(first, index, k)
    pairs = union_of_pairs(lists)
    listed = second[pairs.rows, pairs.columns]
    return {d: rank_shortlists(listed[pairs.of(d)], lists.relevant(d)) for d in DIRECTIONS}


def test_the_shortlists_are_the_first_scorers_best():
    lists = shortlists(FIRST, INDEX, 2)
    assert lists.i2t.tolist() == [[0, 2], [3, 2], [1, 0]]
    assert lists.t2i.tolist() == [[0, 2], [2, 1], [0, 1], [1, 0]]
    assert lists.relevant("i2t").tolist() == [[True, False], [False, True], [False, False]]
    assert lists.relevant("t2i").tolist() == [
        [True, False],
        [False, False],
        [False, True],
        [False, False],
    ]


def test_a_pair_on_both_directions_lists_is_scored_once():
    lists = shortlists(FIRST, INDEX, 2)
    pairs = union_of_pairs(lists)
    found = list(zip(pairs.rows.tolist(), pairs.columns.tolist(), strict=True))
    by_i2t = {(image, c) for image in range(3) for c in lists.i2t[image].tolist()}
    by_t2i = {(image, c) for c in range(4) for image in lists.t2i[c].tolist()}
    assert found == sorted(by_i2t | by_t2i)
    np.testing.assert_array_equal(pairs.columns[pairs.i2t], lists.i2t)
    np.testing.assert_array_equal(pairs.rows[pairs.i2t], [[0, 0], [1, 1], [2, 2]])
    np.testing.assert_array_equal(pairs.rows[pairs.t2i], lists.t2i)
    np.testing.assert_array_equal(pairs.columns[pairs.t2i], [[0, 0], [1, 1], [2, 2], [3, 3]])


def test_ranks_within_a_shortlist_are_counted_by_hand():
    scores = np.array([[1, 5, 3, 2], [4, 4, 4, 0], [7, 7, 8, 8], [0, 1, 2, 3]], np.float32)
    relevant = np.array(
        [[0, 0, 1, 0], [1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]], bool
    )  # one above; two tied; the better of two, one tied; none
    ranks = rank_shortlists(scores, relevant)
    assert ranks.queries.higher.tolist() == [1, 0, 0, 4]
    assert ranks.queries.tied.tolist() == [0, 2, 1, 0]
    assert ranks.censored.tolist() == [False, False, False, True]
    assert ranks.at_least().tolist() == [1, 1, 0.5, 4]
    assert ranks.at_least("optimistic").tolist() == [1, 0, 0, 4]


@pytest.mark.parametrize("k", [60, 1000])
def test_a_complete_shortlist_gives_the_second_scorers_own_ranks_with_ties(k):
    generator = np.random.default_rng(0)
    index = np.repeat(np.arange(20), 3)
    first, second = generator.normal(size=(2, 20, 60)).round(1).astype(np.float32)
    ranks, expected = cascade(first, second, index, k), count_ranks(second, index)
    for direction in DIRECTIONS:
        assert not ranks[direction].censored.any()
        np.testing.assert_array_equal(
            ranks[direction].queries.higher, expected.of(direction).higher
        )
        np.testing.assert_array_equal(ranks[direction].queries.tied, expected.of(direction).tied)
    metrics, full = cascade_metrics(ranks), retrieval_metrics(expected)
    assert {key: metrics[key] for key in full if key in metrics} == {
        key: value for key, value in full.items() if "rank" not in key
    }
    assert metrics["i2t_ceiling"] == metrics["t2i_ceiling"] == 100


def test_the_ceiling_is_the_first_scorers_recall_at_k_and_bounds_the_cascade():
    generator = np.random.default_rng(1)
    index = np.repeat(np.arange(40), 2)
    first, second = generator.normal(size=(2, 40, 80)).astype(np.float32)
    first[index, np.arange(80)] += 1
    ranks, alone = cascade(first, second, index, 12), count_ranks(first, index)
    metrics = cascade_metrics(ranks)
    for direction in DIRECTIONS:
        recall = 100 * np.mean(alone.of(direction).ranks() < 12)
        assert metrics[f"{direction}_ceiling"] == pytest.approx(recall)
        assert all(metrics[f"{direction}_r{k}"] <= recall for k in CUTOFFS)
        assert (ranks[direction].at_least()[ranks[direction].censored] == 12).all()
        assert (ranks[direction].at_least()[~ranks[direction].censored] < 12).all()


def test_the_same_scorer_twice_changes_no_rank_within_the_shortlist():
    generator = np.random.default_rng(2)
    index = np.repeat(np.arange(30), 2)
    scores = generator.normal(size=(30, 60)).astype(np.float32)
    ranks, alone = cascade(scores, scores, index, 10), count_ranks(scores, index)
    for direction in DIRECTIONS:
        expected = np.minimum(alone.of(direction).ranks(), 10)
        np.testing.assert_array_equal(ranks[direction].at_least(), expected)


@pytest.mark.parametrize(
    ("ranks", "n_censored", "median", "is_censored"),
    [
        ([0, 1, 2], 0, 1, False),
        ([0, 1], 1, 1, False),
        ([0], 2, 10, True),
        ([0, 1, 2], 1, 1.5, False),
        ([0, 1], 2, 5.5, True),  # half of 1 and of what is 10 or more
    ],
)
def test_a_median_says_when_it_is_a_bound(ranks, n_censored, median, is_censored):
    higher = np.array([*ranks, *[10] * n_censored])
    censored = np.arange(len(higher)) >= len(ranks)
    of_queries = CensoredRanks(
        QueryRanks(higher, np.zeros_like(higher), np.ones_like(higher)), censored
    )
    metrics = cascade_metrics(dict.fromkeys(DIRECTIONS, of_queries))
    assert metrics["i2t_median_rank_at_least"] == median
    assert metrics["i2t_median_rank_censored"] is is_censored
    assert metrics["i2t_mean_rank_censored"] is (n_censored > 0)


def test_tie_bounds_enclose_the_recalls():
    queries = QueryRanks(np.zeros(4, int), np.array([0, 1, 1, 9]), np.ones(4, int))
    ties = CensoredRanks(queries, np.zeros(4, bool))
    result = cascade_metrics_with_bounds(dict.fromkeys(DIRECTIONS, ties))
    assert result["bounds"]["optimistic"]["i2t_r1"] == 100
    assert result["bounds"]["pessimistic"]["i2t_r1"] == 25
    assert result["metrics"]["i2t_r1"] == pytest.approx(100 * (1 + 0.5 + 0.5 + 0.1) / 4)
    assert result["metrics"]["i2t_tied"] == 75


def test_relevance_of_an_image_with_one_caption_is_found():
    lists = Shortlists(np.array([[1]]), np.array([[0], [0]]), np.array([0, 0]))
    assert lists.relevant("i2t").tolist() == [[True]]
