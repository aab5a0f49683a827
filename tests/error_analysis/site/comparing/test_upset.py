from collections import Counter

import numpy as np
import pytest

from error_analysis.queries.hard_overlap import hard_overlap, overlap_of
from error_analysis.site.comparing.upset import find_upsets, upset_of
from tests.error_analysis.report_folder import A, B
from tests.error_analysis.scored import model_of_ranks
from tests.error_analysis.site.sections.drawn import counts_of, drawn, queries_behind

NAMES = [f"model {i}" for i in range(10)]
# Hard under a: 1, 2, 3, 4; under b: 0, 2, 4; under c: 0, 1.
C = [11, 10.5, 9.5, 0, 9] + [0] * 25


def random_hard(seed: int) -> np.ndarray:
    """(10, 2000) bool, harder for later models; every tenth query is hard for all."""
    draws = np.random.default_rng(seed).random((10, 2000))
    hard = draws < np.linspace(0.02, 0.3, 10)[:, None]
    hard[:, ::10] = True
    return hard


def slowly(hard: np.ndarray) -> Counter:
    """How many queries are hard for exactly which models, one query after another."""
    return Counter(tuple(NAMES[m] for m in range(10) if hard[m, q]) for q in range(hard.shape[1]))


@pytest.mark.parametrize("seed", range(3))
def test_the_largest_combinations_are_counted_as_one_by_one(seed):
    hard = random_hard(seed)
    truth = slowly(hard)
    upset = upset_of("t2i", overlap_of(NAMES, hard))
    assert {column.models: column.queries for column in upset.columns}.items() <= truth.items()
    assert upset.n_none == truth.pop(())
    counts = sorted(truth.values(), reverse=True)
    assert [column.queries for column in upset.columns] == counts[:15]
    assert (upset.n_others, upset.n_rest) == (len(counts) - 15, sum(counts[15:]))


@pytest.mark.parametrize("most", [0, 1, 15, 2000])
def test_all_queries_are_in_a_column_or_in_the_rest_or_hard_for_none(most):
    upset = upset_of("t2i", overlap_of(NAMES, random_hard(7)), most)
    in_columns = sum(column.queries for column in upset.columns)
    assert in_columns + upset.n_rest + upset.n_none == upset.n_queries == 2000
    if most == 2000:
        assert upset.n_others == upset.n_rest == 0
        for name, n_hard in upset.n_hard.items():
            assert n_hard == sum(c.queries for c in upset.columns if name in c.models)


def test_what_all_miss_and_what_one_finds_is_marked():
    hard = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0]], bool)
    columns = {c.models: c for c in upset_of("i2t", overlap_of("abc", hard)).columns}
    assert columns["a", "b", "c"].is_all
    assert columns["a", "b", "c"].finder is None
    assert (columns["a", "c"].finder, columns["a", "c"].span) == ("b", (0, 2))
    assert (columns["b",].finder, columns["b",].is_all, columns["b",].span) == (None, False, (1, 1))


def test_two_models_have_no_figure():
    assert find_upsets(hard_overlap([[model_of_ranks(A, "a"), model_of_ranks(B, "b")]])) == ()


def test_a_column_opens_the_queries_of_exactly_this_combination():
    models = [model_of_ranks(ranks, name) for ranks, name in ((A, "a"), (B, "b"), (C, "c c"))]
    [upset, _] = find_upsets(hard_overlap([models]))
    counts = counts_of(drawn("upset", upset, models))
    found = {filters.partition("exactly=")[2]: n for filters, n in counts if "exactly" in filters}
    assert found == {"a,b": 2, "a": 1, "a,c-c": 1, "b,c-c": 1}
    assert all(len(queries_behind(filters, models)) == n for filters, n in counts)
