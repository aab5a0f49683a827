import numpy as np
import pytest

from error_analysis.explaining.explanations import (
    DirectionExplanation,
    ExplainedQuery,
    ModelExplanation,
)
from error_analysis.queries.query import describe_queries
from error_analysis.site.query_page import details
from error_analysis.site.query_page.details import ModelFindings, details_of
from tests.error_analysis.explained import TYPO
from tests.error_analysis.scored import make_model, make_split, scores_with_ranks

SPLIT = make_split([2] * 40)  # images 100 to 139, captions 5000 to 5079
SCORES = np.random.default_rng(0).standard_normal((40, 80)).astype(np.float32)
MODELS = [make_model(SCORES, SPLIT, "a"), make_model(-SCORES, SPLIT, "b")]


def queries_of(models, findings=None) -> list[list[dict]]:
    findings = findings or [ModelFindings() for _ in models]
    return [query for part in details_of(models, findings) for query in part]


@pytest.mark.parametrize("part", [1, 7, 64, 1000])
def test_the_queries_come_in_the_order_of_their_numbers_whatever_the_parts(part, monkeypatch):
    whole = queries_of(MODELS)
    monkeypatch.setattr(details, "PART_QUERIES", part)
    assert queries_of(MODELS) == whole
    assert len(next(details_of(MODELS, [ModelFindings()] * 2))) == min(part, 120)


def test_a_query_has_what_each_model_retrieved_and_where_its_ground_truth_is():
    found = queries_of(MODELS)
    assert len(found) == 120
    for position, model in enumerate(MODELS):
        for direction, first in (("i2t", 0), ("t2i", 40)):
            for query in describe_queries(model, direction, [0, 5, 39]):
                told = found[first + query.index][position]
                ids = SPLIT.image_ids if direction == "t2i" else SPLIT.caption_ids
                assert [ids[document] for document in told["top"]] == [
                    r.item.image_id if direction == "t2i" else r.item.caption_id
                    for r in query.retrieved
                ]
                assert told["scores"] == pytest.approx([r.score for r in query.retrieved], 1e-3)
                assert [rank for rank, _ in told["truth"]] == [t.rank for t in query.ground_truth]


def test_reasons_regions_and_other_right_documents_are_told_of_their_model():
    captions = (ExplainedQuery(101, 5002, 12, (TYPO,), "region absent: no cat"),)
    explained = ModelExplanation("a", "", {"t2i": DirectionExplanation(80, 0, captions, ())})
    also = {"t2i": {5002: {139: "cxc: 4.5", 7: "not of this gallery"}}, "i2t": {100: {5079: "x"}}}
    found = queries_of(MODELS, [ModelFindings(explained, also), ModelFindings()])
    assert found[42][0]["reasons"] == [["typo", "x, for y", "y"]]
    assert found[42][0]["regions"] == "region absent: no cat"
    assert found[42][0]["also"] == {39: "cxc: 4.5"}
    assert found[0][0]["also"] == {79: "x"}
    assert found[42][1]["reasons"] == []
    assert "also" not in found[42][1]


def test_predicted_boxes_are_told_of_caption_queries_by_the_rows_of_the_images():
    box, other = (0.1, 0.2, 0.3, 0.4), (0.0, 0.0, 1.0, 1.0)
    boxes = {5002: {101: box, 139: other, 7: box}, 101: {100: box}}
    found = queries_of(MODELS, [ModelFindings(boxes=boxes), ModelFindings()])
    assert found[42][0]["boxes"] == {1: box, 39: other}
    assert "boxes" not in found[42][1]
    assert sum("boxes" in of_model for query in found for of_model in query) == 1


def test_bounds_are_told_just_where_ties_leave_any():
    model = make_model(scores_with_ranks([0.5, 3] + [0] * 28), make_split([1] * 30))
    found = queries_of([model])
    assert found[0][0]["bounds"] == [0, 1]
    assert "bounds" not in found[1][0]
