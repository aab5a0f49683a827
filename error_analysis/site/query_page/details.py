"""What the models made of each query: loaded by a page when a query is shown.

A part of the queries is a list of lists, one a query, of one object a model:

    {"top": documents, "scores": theirs, "truth": [[rank, score] of each ground truth],
     "bounds": [lowest, highest rank] where ties leave any, "reasons": [[name, evidence, repair]],
     "regions": detector or matcher, "also": {document: why it is right, too},
     "boxes": {image: where the model sees the caption in it, [x1, y1, x2, y2] as shares}}

Documents are rows of the gallery's images, or of its captions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from error_analysis.explaining.explanations import ExplainedQuery, ModelExplanation
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query import Query, describe_queries
from error_analysis.queries.query_json import number
from error_analysis.site.query_page.numbers import QueryNumbers
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction

PART_QUERIES = 64
# Scores of models differ in size: so many digits tell their documents apart on a page.
DIGITS = 4
# Parts whose queries are looked up at once.
PARTS_AT_ONCE = 32
# By direction, query id and document id: why the document is right, though no ground truth.
AlsoRight = Mapping[Direction, Mapping[int, Mapping[int, str]]]
# By caption id and image id: x1 y1 x2 y2, as shares of the image's width and height.
PredictedBoxes = Mapping[int, Mapping[int, Sequence[float]]]


@dataclass(frozen=True)
class ModelFindings:
    """What was found of the queries of one model.

    Attributes:
        explained: why they are hard; None: not looked for.
        also_right: documents that are right, too.
        boxes: that it predicts for captions in images.
    """

    explained: ModelExplanation | None = None
    also_right: AlsoRight = field(default_factory=dict)
    boxes: PredictedBoxes = field(default_factory=dict)

    def reasons(self, direction: Direction) -> dict[int, ExplainedQuery]:
        """Return the hard queries of a direction by their ids."""
        found = self.explained and self.explained.directions.get(direction)
        return found.by_query() if found else {}


def details_of(
    models: Sequence[ModelRankings], findings: Sequence[ModelFindings]
) -> Iterator[list[list[dict]]]:
    """Yield the parts, in the order of the queries' numbers.

    Args:
        findings: one a model.
    """
    of = QueryNumbers(models[0].gallery)
    describe = [Details(model, found, of) for model, found in zip(models, findings, strict=True)]
    step = PART_QUERIES * PARTS_AT_ONCE
    for start in range(0, of.n_queries, step):
        numbers = range(start, min(start + step, of.n_queries))
        of_models = [details.of_queries(numbers) for details in describe]
        queries = [list(same) for same in zip(*of_models, strict=True)]
        for first in range(0, len(queries), PART_QUERIES):
            yield queries[first : first + PART_QUERIES]


class Details:
    """Looks up what one model made of queries."""

    def __init__(self, model: ModelRankings, findings: ModelFindings, of: QueryNumbers):
        self._model, self._numbers, self._findings = model, of, findings
        # Of a direction, the documents are what the other one asks with.
        self._rows: dict[Direction, dict[int, int]] = {"i2t": of.rows("t2i"), "t2i": of.rows("i2t")}
        self._explained = {direction: findings.reasons(direction) for direction in DIRECTIONS}

    def of_queries(self, numbers: range) -> list[dict]:
        """Return the details of the queries with these numbers."""
        details = []
        for direction, indices in self._numbers.split(numbers).items():
            for query in describe_queries(self._model, direction, indices):
                details.append(self._of(direction, query))
        return details

    def _of(self, direction: Direction, query: Query) -> dict:
        rows = self._rows[direction]
        query_id = query.item.own_id
        found = {
            "top": [rows[retrieved.item.own_id] for retrieved in query.retrieved],
            "scores": [rounded(retrieved.score) for retrieved in query.retrieved],
            "truth": [[number(truth.rank), rounded(truth.score)] for truth in query.ground_truth],
            "reasons": [],
        }
        if query.tied:
            found["bounds"] = [query.lowest, query.highest]
        explained = self._explained[direction].get(query_id)
        if explained is not None:
            found["reasons"] = [[r.name, r.evidence, r.repair] for r in explained.reasons]
            found |= {"regions": explained.regions} if explained.regions else {}
        also = self._findings.also_right.get(direction, {}).get(query_id, {})
        boxes = self._findings.boxes.get(query_id, {}) if direction == "t2i" else {}
        for name, of in (("also", also), ("boxes", boxes)):
            told = {
                rows[document_id]: what for document_id, what in of.items() if document_id in rows
            }
            found |= {name: told} if told else {}
        return found


def rounded(score: float) -> float:
    """Return a score, or a difference of scores, as it is shown."""
    return float(f"{score:.{DIGITS}g}")
