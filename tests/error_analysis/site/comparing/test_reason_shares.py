import pytest

from error_analysis.explaining.explanations import (
    DirectionExplanation,
    ExplainedQuery,
    ModelExplanation,
    ReasonCount,
)
from error_analysis.reasons.reason import Reason
from error_analysis.site.comparing.reason_shares import find_reason_shares, share
from error_analysis.site.sections.reasons import reason_groups
from error_analysis.statistics.proportions import wilson_interval
from tests.error_analysis.scored import model_of_ranks
from tests.error_analysis.site.sections.drawn import counts_of, drawn, text_of

EMPTY = DirectionExplanation(23, 0, (), ())


def explained(*reasons: tuple[str, ...]) -> ModelExplanation:
    """Hard caption queries, each with its reasons."""
    hard = tuple(
        ExplainedQuery(100 + i, 5000 + i, 20, tuple(Reason(name, "") for name in names))
        for i, names in enumerate(reasons)
    )
    names = sorted({name for of_query in reasons for name in of_query})
    counts = tuple(
        ReasonCount(name, sum(name in of_query for of_query in reasons), 0, len(hard), 9)
        for name in names
    )
    found = DirectionExplanation(23, 9, hard, counts)
    return ModelExplanation("x", "", {"i2t": EMPTY, "t2i": found})


@pytest.fixture
def models():
    return [model_of_ranks([12, 11, 0] + [0] * 20, name) for name in ("a", "b", "c")]


@pytest.fixture
def by_name():
    a = explained(("typo",), ("typo", "ambiguous"), (), ("low quality",))
    return {"a": a, "b": explained(("ambiguous",), ("ambiguous",)), "c": explained()}


def test_each_reason_has_its_share_of_each_models_hard_queries(models, by_name):
    _, found = find_reason_shares(models, by_name)
    assert list(found.rows) == ["ambiguous", "typo", "low quality"]
    assert found.n_hard == {"a": 4, "b": 2, "c": 0}
    assert found.rows["typo"] == {"a": share(2, 4), "b": share(0, 2), "c": None}
    assert found.without == {"a": share(1, 4), "b": share(0, 2), "c": None}
    low, high = wilson_interval(2, 4)
    typo = found.rows["typo"]["a"]
    assert (typo.n, typo.percent, typo.low, typo.high) == (2, 50, 100 * low, 100 * high)


def test_one_explained_model_has_nothing_beside_it(models, by_name):
    assert find_reason_shares(models, {"a": by_name["a"]}) == ()


def test_counts_lead_to_the_hard_queries_with_the_reason(models, by_name):
    content = reason_groups(models, by_name), find_reason_shares(models, by_name)
    html = drawn("reasons", content, models)
    counts = dict(counts_of(html))
    assert counts["direction=t2i&a=a&a_from=10&has=reason:typo"] == 2
    assert counts["direction=t2i&a=b&a_from=10&has=reason:ambiguous"] == 2
    assert "typo 2 50.0 15.0–85.0 0 –" in text_of(html)
