import json

import numpy as np

from error_analysis.queries.hard_overlap import (
    HardOverlap,
    hard_overlap,
    overlap_lines,
    overlap_of,
    overlap_to_json,
)
from tests.error_analysis.scored import model_of_ranks

HARD = np.array(
    [
        [1, 1, 1, 0, 0, 0, 0, 1],
        [1, 0, 1, 1, 0, 0, 0, 1],
        [0, 0, 1, 1, 0, 0, 0, 1],
    ],
    bool,
)


def test_each_combination_of_models_is_counted_by_hand():
    overlap = overlap_of("abc", HARD)
    assert overlap.combinations == {
        (): 3,
        ("a",): 1,
        ("a", "b"): 1,
        ("b", "c"): 1,
        ("a", "b", "c"): 2,
    }
    assert overlap.n_hard == {"a": 4, "b": 4, "c": 3}
    assert overlap.jaccard == {("a", "b"): 3 / 5, ("a", "c"): 2 / 5, ("b", "c"): 3 / 4}


def test_combinations_are_all_queries_and_hard_counts_follow_from_them():
    hard = np.random.default_rng(0).random((4, 500)) < 0.3
    overlap = overlap_of("abcd", hard)
    assert sum(overlap.combinations.values()) == overlap.n_queries == 500
    for name, n_hard in overlap.n_hard.items():
        assert n_hard == sum(n for names, n in overlap.combinations.items() if name in names)


def test_without_a_hard_query_the_overlap_is_undefined_and_no_error():
    overlap = overlap_of("ab", np.zeros((2, 7), bool))
    assert overlap.combinations == {(): 7}
    assert overlap.jaccard == {("a", "b"): None}
    assert "undefined, no query is hard for either" in "\n".join(
        overlap_lines(overlap, "rank >= 10")
    )


def test_the_same_model_twice_overlaps_with_itself_wholly():
    models = [model_of_ranks([0, 10, 9.5, 11] + [0] * 9, name) for name in "ab"]
    overlap = hard_overlap([models])["i2t"]
    assert overlap.combinations == {(): 11, ("a", "b"): 2}
    assert overlap.jaccard == {("a", "b"): 1.0}


def test_the_rank_that_is_hard_can_be_chosen():
    models = [model_of_ranks([0, 3, 2, 2], "a"), model_of_ranks([3, 3, 0, 2.5], "b")]
    overlap = hard_overlap([models], hard_rank=3)["i2t"]
    assert overlap.combinations == {(): 2, ("b",): 1, ("a", "b"): 1}


def test_galleries_are_counted_together():
    first = [model_of_ranks([10] + [0] * 11, "a"), model_of_ranks([0, 11] + [0] * 10, "b")]
    second = [model_of_ranks([10] + [0] * 10, "a"), model_of_ranks([10] + [0] * 10, "b")]
    overlap = hard_overlap([first, second])["i2t"]
    assert overlap.combinations == {(): 20, ("a",): 1, ("b",): 1, ("a", "b"): 1}


def test_an_overlap_is_written_as_json():
    content = json.loads(json.dumps(overlap_to_json(overlap_of("ab", HARD[:2]))))
    assert content["combinations"][-1] == {"hard_for": ["a", "b"], "queries": 3}
    assert content["jaccard"] == [{"models": ["a", "b"], "value": 0.6}]
    assert content["queries"] == 8


def test_of_many_models_the_largest_combinations_are_told_and_the_others_together():
    names = [f"m{i}" for i in range(7)]
    combinations = {(name, "z"): 7 + i for i, name in enumerate(names)}
    combinations |= {(name,): 1 for name in names} | {("a", name): 2 for name in names}
    jaccard = {("a", f"b{i}"): i / 20 for i in range(20)}
    overlap = HardOverlap(100, {}, combinations, jaccard)
    lines = overlap_lines(overlap, "rank >= 10")
    assert len(lines) == 16 + 1 + 16
    assert "hard (rank >= 10) for exactly m6, z: 13 of 100" in lines
    assert lines[16] == "5 other combinations: 5 of 100"
    assert lines[17] == "Jaccard of a and b19: 0.95"
