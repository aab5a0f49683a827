import numpy as np
import pytest

from error_analysis.site.sections.failures import count_hard, find_failures
from error_analysis.statistics.proportions import wilson_interval
from tests.error_analysis.report_folder import A, B
from tests.error_analysis.scored import make_model, make_split, model_of_ranks, scores_with_ranks
from tests.error_analysis.site.sections.drawn import counts_of, drawn, queries_behind, text_of

# Hard under a: 1, 2, 3, 4; under b: 0, 2, 4; under c: 0, 1.
C = [11, 10.5, 9.5, 0, 9] + [0] * 25


@pytest.fixture
def models():
    return [model_of_ranks(ranks, name) for ranks, name in ((A, "a"), (B, "b"), (C, "c c"))]


def test_hard_queries_are_counted_with_their_share(models):
    found = count_hard(models, 10)["a"]["i2t"]
    assert (found.n_hard, found.n_queries) == (4, 30)
    assert found.percent == pytest.approx(400 / 30)
    assert (found.low / 100, found.high / 100) == pytest.approx(wilson_interval(4, 30))
    assert count_hard(models, 13)["a"]["i2t"].n_hard == 1


def test_every_count_of_failures_leads_to_as_many_queries(models):
    html = drawn("failures", find_failures(models, 10), models)
    counts = counts_of(html)
    wrong = {f: n for f, n in counts if len(queries_behind(f, models)) != n}
    assert wrong == {}
    # Of 3 models: combinations, what one alone finds or misses, wins of each order, image queries:
    links = [filters for filters, _ in counts if "direction=i2t" in filters]
    assert sum("exactly=" in filters for filters in links) == 4 + 5
    assert sum("sort=difference" in filters for filters in links) == 6
    assert "4 13.3 % 5.3 to 29.7" in text_of(html)


def test_wins_at_a_tied_rank_are_behind_their_link():
    better, worse = [9.5, 10.5, 0] + [0] * 27, [20, 29, 10] + [0] * 27
    models = [model_of_ranks(better, "a"), model_of_ranks(worse, "b")]
    counts = counts_of(drawn("failures", find_failures(models, 10), models))
    [(filters, n)] = [one for one in counts if "direction=i2t&a=b&b=a" in one[0]]
    assert n == 2
    assert queries_behind(filters, models).tolist() == [0, 2]


def test_hostile_names_of_models_are_text():
    scores = scores_with_ranks(A)
    models = [make_model(scores, make_split([1] * 30), f"<b>{i} & 'x'") for i in range(2)]
    html = drawn("failures", find_failures(models, 10), models)
    assert "<b>" not in html
    assert np.all([len(queries_behind(f, models)) == n for f, n in counts_of(html)])


def test_one_model_has_no_overlap_and_no_wins(models):
    failures = find_failures(models[:1], 10)
    assert failures.overlap is None
    assert failures.wins is None
    assert "Jaccard" not in drawn("failures", failures, models[:1])
