import pytest

from error_analysis.explaining.explanations import (
    DirectionExplanation,
    ExplainedQuery,
    ModelExplanation,
    ReasonCount,
)
from error_analysis.reasons.reason import Reason
from error_analysis.site.base.label_names import confusion_name
from error_analysis.site.sections.reasons import reason_groups
from tests.error_analysis.scored import model_of_ranks
from tests.error_analysis.site.sections.drawn import counts_of, drawn, text_of

PAIRS = (("cat", "dog"), ("cat", "big cow"))


@pytest.fixture
def models():
    return [model_of_ranks([12, 11, 0] + [0] * 20, name) for name in ("A a", "b")]


@pytest.fixture
def groups(models):
    reasons = (Reason("wrong details", "red"),)
    hard = (
        ExplainedQuery(100, None, 12, reasons, "region absent: cat", PAIRS),
        ExplainedQuery(101, None, 11, (), "matched badly: dog", PAIRS[:1]),
    )
    counts = (ReasonCount("wrong details", 1, 3, 2, 21), ReasonCount("low quality", 0, 1, 2, 21))
    found = DirectionExplanation(
        23, 21, hard, counts, 3, (("cat", "dog", 2), ("cat", "big cow", 1)),
        {"region absent": 1, "matched badly": 1},
    )  # fmt: skip
    empty = DirectionExplanation(23, 0, (), ())
    explained = ModelExplanation("x", "", {"i2t": found, "t2i": empty})
    return reason_groups(models, {"A a": explained})


def test_reasons_are_of_the_models_that_were_explained(groups):
    assert [(group.model, group.direction) for group in groups] == [("A a", "i2t"), ("A a", "t2i")]
    assert (groups[0].n_hard, groups[0].n_explained) == (2, 1)
    assert groups[1].confusions is None


def test_counts_lead_to_hard_queries_with_the_label(models, groups):
    counts = dict(counts_of(drawn("reasons", (groups, ()), models)))
    begin = "direction=i2t&a=a-a&a_from=10&has="
    assert counts == {
        f"{begin}reason:wrong%20details": 1,
        f"{begin}regions:region%20absent": 1,
        f"{begin}regions:matched%20badly": 1,
        f"{begin}taken%20for:cat%20%E2%86%92%20dog": 2,
        f"{begin}taken%20for:cat%20%E2%86%92%20big%20cow": 1,
    }
    assert confusion_name("cat", "dog") == "cat → dog"


def test_a_cell_of_the_confusions_is_as_dark_as_it_has_queries(groups):
    # big cow, cat, dog
    assert groups[0].confusion(1, 2) == (2, 1.0, "cat → dog")
    assert groups[0].confusion(1, 0) == (1, 0.5, "cat → big cow")
    assert groups[0].confusion(0, 1)[0] == 0


def test_shares_are_told_beside_the_counts(models, groups):
    text = text_of(drawn("reasons", (groups, ()), models))
    assert "wrong details 1 50.0 % 3 14.3 % too few queries" in text
    assert "A a, image queries: 2 hard, 1 with a reason" in text
    assert "region absent 1 50.0 %" in text
    assert "no reason was found" in text  # of caption queries
