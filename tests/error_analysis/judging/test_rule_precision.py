"""The rules against people, by hand."""

import pytest

from error_analysis.explaining.explanations import (
    DirectionExplanation,
    ExplainedQuery,
    Explanations,
    ModelExplanation,
    ReasonCount,
)
from error_analysis.judging.rule_precision import (
    check_same_queries,
    judge_rules,
    rules_table,
    rules_to_json,
)
from error_analysis.reasons.reason import Reason
from error_analysis.statistics.proportions import wilson_interval
from preprocess.base.errors import InputError
from tests.error_analysis.judging.judged import caption, file_of, image, panel_of_files


def explained(flagged: dict[int, tuple[str, ...]], images=None, **metadata) -> Explanations:
    """One model whose hard captions are these, each with its reasons and an image of its own."""
    hard = tuple(
        ExplainedQuery(
            (images or {}).get(n, 1000 + n), n, 20.0, tuple(Reason(r, "") for r in names)
        )
        for n, names in flagged.items()
    )
    counts = (ReasonCount("typo", 3, 1, 10, 10), ReasonCount("vague", 0, 4, 10, 10))
    of_images = DirectionExplanation(9, 5, (ExplainedQuery(7, None, 30.0, ()),), ())
    directions = {"i2t": of_images, "t2i": DirectionExplanation(99, 10, hard, counts)}
    return Explanations((ModelExplanation("a", "0", directions),), metadata)


# Flagged: 1, 2, 3, 6. Tagged by Anna: 1, 2, 4, and 5, which is not hard; 6 is not judged.
REASONS = explained({1: ("typo",), 2: ("typo", "odd"), 3: ("typo",), 4: (), 6: ("typo",)})
ANNA = file_of(
    "Anna", caption(1, "Typo"), caption(2, "Typo", "mine"), caption(3, "none"),
    caption(4, "Typo"), caption(5, "Typo"),
)  # fmt: skip


def test_precision_recall_and_f1_by_hand():
    found = judge_rules(REASONS, panel_of_files(ANNA))
    images, captions = found.models
    assert (images.direction, images.n_hard, images.n_judged, images.rules) == ("i2t", 1, 0, ())
    assert (captions.n_hard, captions.n_judged) == (5, 4)
    [typo] = captions.rules
    assert (typo.flagged, typo.tagged, typo.both) == (3, 3, 2)
    assert typo.precision.share == typo.recall.share == typo.f1.share == pytest.approx(2 / 3)
    assert (typo.precision.low, typo.precision.high) == wilson_interval(2, 3)
    assert (found.reasons_alone, found.tags_alone) == (("vague", "odd"), ("mine",))


def test_f1_is_the_harmonic_mean():
    flags = {1: ("typo",), 2: ("typo",), 3: ("typo",), 4: ()}
    judged = [caption(1, "typo"), caption(2, "none"), caption(3, "none"), caption(4, "none")]
    found = judge_rules(explained(flags), panel_of_files(file_of("a", *judged)))
    [typo] = found.models[1].rules
    assert (typo.precision.share, typo.recall.share) == (pytest.approx(1 / 3), 1)
    assert typo.f1.share == pytest.approx(0.5)


def test_of_several_judges_more_than_half_have_to_give_a_tag():
    ben = file_of("Ben", caption(1, "none"), caption(2, "typo"), caption(3, "typo"))
    cleo = file_of("Cleo", caption(1, "typo"), caption(3, "typo"))
    [typo] = judge_rules(REASONS, panel_of_files(ANNA, ben)).models[1].rules
    assert (typo.flagged, typo.tagged, typo.both) == (3, 2, 1)  # 1 and 3 are ties
    [typo] = judge_rules(REASONS, panel_of_files(ANNA, ben, cleo)).models[1].rules
    assert (typo.flagged, typo.tagged, typo.both) == (3, 4, 3)


def test_a_tag_that_was_offered_and_never_given_makes_a_precision_of_0():
    panel = panel_of_files(file_of("a", caption(1, "none"), caption(4, "none"), tags=("TYPO",)))
    [typo] = judge_rules(REASONS, panel).models[1].rules
    assert (typo.precision.share, typo.recall, typo.f1.share) == (0, None, 0)


def test_no_judged_query_is_hard():
    found = judge_rules(REASONS, panel_of_files(file_of("a", caption(5, "typo"), image(8, "x"))))
    assert [model.n_judged for model in found.models] == [0, 0]
    assert rules_to_json(found)["models"][1]["rules"][0]["precision"] is None
    assert "a, t2i: 0 of 5 hard queries judged" in rules_table(found).splitlines()


def test_the_table_names_what_has_no_counterpart():
    lines = rules_table(judge_rules(REASONS, panel_of_files(ANNA))).splitlines()
    assert "reasons that are no tag: vague, odd" in lines
    assert "tags that are no reason: mine" in lines
    assert any(line.split()[:4] == ["typo", "3", "3", "2"] for line in lines)


def test_reasons_of_another_gallery_are_refused(tmp_path):
    with pytest.raises(InputError, match="expected t2i-1 of image 1001, as judged, found image 3"):
        judge_rules(explained({1: ("typo",)}, {1: 3}), panel_of_files(ANNA))
    path = tmp_path / "reasons.json"
    for member, name in (("dataset", "other"), ("split", "val")):
        told = {"dataset": "tiny", "split": "test"} | {member: name}
        with pytest.raises(InputError, match=rf"reasons\.json: .*reasons of {member} .*'{name}'"):
            check_same_queries(path, explained({}, models=[told]), [ANNA])
    check_same_queries(path, explained({}, models=[{"dataset": "tiny", "split": "test"}]), [ANNA])
    check_same_queries(path, explained({}), [ANNA])
