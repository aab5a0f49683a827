import numpy as np
import pytest

from error_analysis.site.base.links import RankRange, queries_link
from error_analysis.site.sections.bounds import last_below


@pytest.mark.parametrize(
    ("end", "ranks", "last"),
    [
        (10, [0, 9, 10], 9),
        (10, [0, 10.5], 9),
        (10, [8.5], 9),
        (10, [9.5, 10], 9.9999),
        (2000, [1999.5], 1999.9999),
    ],
)
def test_below_an_edge_is_an_integer_unless_ties_put_a_rank_just_below_it(end, ranks, last):
    assert last_below(end, np.array(ranks)) == pytest.approx(last, abs=1e-9)


@pytest.mark.parametrize("end", [1, 5, 10, 20, 100, 1000, 2000, 10_000, 20_000])
def test_an_address_keeps_the_bound_apart_from_the_edge(end):
    ranks = np.array([end - 0.5, end - 1 / 6])
    link = queries_link("i2t", ranks_a=RankRange(high=last_below(end, ranks)))
    bound = float(link.rpartition("=")[2])
    assert ranks.max() < bound < end
