import numpy as np

from error_analysis.site.overview import rank_pairs
from error_analysis.site.sections.rank_pairs import rank_pair
from tests.error_analysis.scored import model_of_ranks
from tests.error_analysis.site.sections.drawn import counts_of, drawn, overview_of, queries_behind

A = [0, 0, 3, 4.5, 9.5, 9, 10, 19.5, 20, 0] + [0] * 20
B = [0, 3, 0, 4, 9.5, 12, 10, 0, 25, 4.5] + [0] * 20


def test_queries_are_counted_in_bands_that_have_all_ranks_below_their_end():
    pair = rank_pair(model_of_ranks(A, "a"), model_of_ranks(B, "b"), "i2t")
    assert [(band.low, band.end) for band in pair.bands] == [
        (0, 1), (1, 5), (5, 10), (10, 20), (20, 50),
    ]  # fmt: skip
    assert pair.counts.tolist() == [
        [21, 2, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [0, 0, 1, 1, 0],
        [1, 0, 0, 1, 0],
        [0, 0, 0, 0, 1],
    ]
    assert pair.shade(21) == 1
    assert 0 < pair.shade(1) < 0.3


def test_the_link_of_a_cell_leads_to_as_many_queries():
    models = [model_of_ranks(A, "a"), model_of_ranks(B, "b"), model_of_ranks(B[::-1], "C c")]
    pairs = rank_pairs(overview_of(models))
    assert [(pair.first, pair.second, pair.direction) for pair, _ in pairs] == [
        ("a", "b", "i2t"), ("a", "b", "t2i"), ("a", "C c", "i2t"), ("a", "C c", "t2i"),
        ("b", "C c", "i2t"), ("b", "C c", "t2i"),
    ]  # fmt: skip
    counts = counts_of(drawn("ranks", pairs, models))
    assert sum(n for _, n in counts) == 6 * len(A)
    assert {n for filters, n in counts if len(queries_behind(filters, models)) != n} == set()
    # No query is behind two cells of a pair.
    first = [f for f, _ in counts if "direction=i2t&a=a&b=b" in f]
    behind = np.concatenate([queries_behind(filters, models) for filters in first])
    assert sorted(behind.tolist()) == list(range(len(A)))
