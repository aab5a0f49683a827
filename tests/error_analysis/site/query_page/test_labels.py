import numpy as np

from error_analysis.explaining.explanations import (
    DirectionExplanation,
    ExplainedQuery,
    ModelExplanation,
)
from error_analysis.queries.hubs import count_intrusions
from error_analysis.site.query_page.labels import (
    QueryLabel,
    also_right_labels,
    group_labels,
    hard_labels,
    hub_labels,
    object_labels,
    reason_labels,
    repair_labels,
)
from error_analysis.site.query_page.numbers import QueryNumbers
from tests.error_analysis.explained import TYPO, VAGUE, objects_of
from tests.error_analysis.scored import make_model, make_split, scores_with_ranks

SPLIT = make_split([1] * 30)
NUMBERS = QueryNumbers(SPLIT)


def by_name(labels: list[QueryLabel]) -> dict[tuple[str, str], list[int]]:
    return {(label.kind, label.name): label.numbers.tolist() for label in labels}


def test_reasons_confusions_and_verdicts_are_labels_of_their_model():
    images = (
        ExplainedQuery(104, None, 30, (VAGUE,), confusions=(("cat", "dog"), ("cat", "cow"))),
        ExplainedQuery(101, None, 12, ()),
    )
    captions = (
        ExplainedQuery(103, 5003, 25, (TYPO, VAGUE), "region absent: no cat"),
        ExplainedQuery(101, 5001, 12, (TYPO,), "region present: a cat"),
    )
    explained = ModelExplanation("a", "", {
        "i2t": DirectionExplanation(30, 0, images, ()),
        "t2i": DirectionExplanation(30, 0, captions, ()),
    })  # fmt: skip
    labels = reason_labels(explained, 1, NUMBERS)
    assert by_name(labels) == {
        ("reason", "typo"): [31, 33],
        ("reason", "underspecified"): [4, 33],
        ("regions", "region absent"): [33],
        ("regions", "region present"): [31],
        ("taken for", "cat → cow"): [4],
        ("taken for", "cat → dog"): [4],
    }
    assert {label.model for label in labels} == {1}


def test_hard_queries_are_labelled_in_both_directions():
    scores = scores_with_ranks([0, 12, 10, 9, 9.5] + [0] * 25)
    [label] = hard_labels([make_model(scores, SPLIT)], ["m"], 10)
    assert label.numbers.tolist()[:2] == [1, 2]
    ranks = make_model(scores, SPLIT).query_ranks("t2i").ranks()
    assert label.numbers.tolist()[2:] == (30 + np.flatnonzero(ranks >= 10)).tolist()


def test_objects_are_those_of_the_image_for_its_captions_too():
    by_image = dict.fromkeys(SPLIT.image_ids.tolist(), ()) | {100: ("cat", "cat"), 129: ("cow",)}
    labels = by_name(object_labels(objects_of("f", by_image), NUMBERS))
    assert labels == {("object", "cat"): [0, 30], ("object", "cow"): [29, 59]}


def test_groups_of_both_directions_are_one_label():
    members = {"i2t": {("words", "dog"): (100, 102)}, "t2i": {("words", "dog"): (5007,)}}
    assert by_name(group_labels(members, NUMBERS)) == {("group", "dog (words)"): [0, 2, 37]}


def test_queries_with_other_right_documents_are_labelled_by_the_source():
    sources = {"t2i": {5001: {"cxc", "eccv"}, 5004: {"cxc"}}}
    assert by_name(also_right_labels(sources, 0, NUMBERS)) == {
        ("also right", "cxc"): [31, 34],
        ("also right", "eccv"): [31],
    }


def test_a_hub_is_labelled_on_all_queries_that_it_intrudes_into():
    model = make_model(np.random.default_rng(0).random((30, 30), np.float32), SPLIT)
    [label] = hub_labels(model, 2, "t2i", {4: "image 104"}, NUMBERS)
    assert (label.kind, label.name, label.model) == ("hub", "image 104", 2)
    assert len(label.numbers) == count_intrusions(model, "t2i").intrusions[4]
    assert label.numbers.min() >= 30


def test_numbers_are_written_as_steps():
    told = QueryLabel("object", "cat", np.array([3, 4, 10])).to_json()
    assert told == {"kind": "object", "name": "cat", "model": None, "queries": [3, 1, 6]}


def test_what_a_repair_does_is_a_label_of_its_model():
    labels = repair_labels({"hard no longer": (5001, 5029), "worse": ()}, 1, NUMBERS)
    assert by_name(labels) == {
        ("probe", "repaired: hard no longer"): [31, 59],
        ("probe", "repaired: worse"): [],
    }
    assert {label.model for label in labels} == {1}
