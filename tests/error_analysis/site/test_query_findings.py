from error_analysis.site.query_findings import findings_of_models, label_queries
from error_analysis.site.sections.false_negatives import Audit, FalseNegatives
from error_analysis.site.sections.findings import Findings
from error_analysis.site.sections.hubs import find_hubs
from error_analysis.site.sections.probes import BoxProbe, Probes
from error_analysis.slicing.slice_findings import Finding
from tests.error_analysis.scored import model_of_ranks

MODELS = [model_of_ranks([12, 0, 3] + [0] * 27, name) for name in "ab"]
AUDITS = FalseNegatives(
    (
        Audit("a", "i2t", 1, (), {100: {5007: {"CxC": "4.5", "captions": "the same"}}}),
        Audit("b", "t2i", 1, (), {5002: {101: {"CxC": "3.2"}}}),
    ),
    {},
)
GROUP = Finding(
    "hard", "t2i", "b", "", "words", "dog", 2, 2, 50.0, 3.0, 10.0, 90.0, 9.5, 2.0, 30.5, 0.001, 0.01
)
FINDINGS = Findings(
    slices=({"b: hard queries": [GROUP]}, 0.05),
    members={"i2t": {}, "t2i": {("words", "dog"): (5001, 5003), ("words", "cat"): (5004,)}},
    false_negatives=AUDITS,
)


def labels() -> dict[tuple[str, str, int | None], list[int]]:
    found = label_queries(MODELS, 10, {}, FINDINGS, find_hubs(MODELS), None)
    return {(one.kind, one.name, one.model): one.numbers.tolist() for one in found}


def test_each_model_is_told_which_documents_are_right_too_and_why():
    a, b = (found.also_right for found in findings_of_models(MODELS, {}, FINDINGS))
    assert a == {"i2t": {100: {5007: "CxC: 4.5; captions: the same"}}}
    assert b == {"t2i": {5002: {101: "CxC: 3.2"}}}


def test_queries_with_such_documents_are_labelled_under_their_model():
    found = labels()
    assert found["also right", "CxC", 0] == found["also right", "captions", 0] == [0]
    assert found["also right", "CxC", 1] == [32]


def test_only_groups_that_the_first_page_shows_are_labels():
    assert {name: numbers for (kind, name, _), numbers in labels().items() if kind == "group"} == {
        "dog (words)": [31, 33]
    }


def test_captions_with_predicted_boxes_are_labelled_and_their_model_has_them():
    boxes = {5002: {102: (0.0, 0.0, 0.5, 0.5)}, 5000: {}}
    probes = Probes((), (), (BoxProbe("b", 10, 0.25, None, boxes),))
    findings = Findings(probes=probes)
    found = label_queries(MODELS, 10, {}, findings, find_hubs(MODELS), None)
    [label] = [label for label in found if label.kind == "probe"]
    assert (label.name, label.model) == ("predicted boxes", 1)
    assert label.numbers.tolist() == [30, 32]
    a, b = findings_of_models(MODELS, {}, findings)
    assert (a.boxes, b.boxes) == ({}, boxes)


def test_without_findings_there_are_the_hard_ones_and_the_hubs():
    found = label_queries(MODELS, 10, {}, Findings(), find_hubs(MODELS), None)
    assert {label.kind for label in found} == {"hard", "hub"}
    assert findings_of_models(MODELS, {}, Findings())[0].also_right == {}
