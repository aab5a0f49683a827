"""What else is right: documents at the top that suit a hard query, though no split pairs them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from error_analysis.queries.hard_queries import HARD_RANK, hard_indices
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query_json import number
from error_analysis.site.sections.origin import (
    models_described,
    no_such_file,
    other_rankings,
    read_output,
)
from error_analysis.statistics.proportions import wilson_interval
from error_analysis.statistics.rank_plots import TITLES
from information_retrieval.ranking.query_ranks import Direction

COMMAND = "false_negatives"
METRICS = ("r1", "r5", "r10", "r_precision", "map_at_r")


@dataclass(frozen=True)
class SourceCount:
    """What one source says of the hard queries of a model and direction.

    Attributes:
        n_judged: hard queries that it has labels for; all, for the captions.
        n_extended: of those, with a suitable document beyond the split's own anywhere in the
            gallery; None for the captions.
        n_plausible: of those, with such a document in the top 10.
        n_found: all hard queries with one, labelled the other way round included.
    """

    name: str
    n_judged: int
    n_extended: int | None
    n_plausible: int
    n_found: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the share of the judged that have one, in percent."""
        if not self.n_judged:
            return None
        low, high = wilson_interval(self.n_plausible, self.n_judged)
        return 100 * low, 100 * high


@dataclass(frozen=True)
class Audit:
    """The hard queries of a model and direction.

    Attributes:
        documents: by the id of the query (image or caption), by that of the document (caption or
            image): why it suits, by source. Queries without any are left out.
    """

    model: str
    direction: Direction
    n_hard: int
    sources: tuple[SourceCount, ...]
    documents: dict[int, dict[int, dict[str, str]]]

    def sources_of(self, query_id: int) -> set[str]:
        """Return the sources that know a suitable document in the top 10 of a query."""
        return {name for reasons in self.documents.get(query_id, {}).values() for name in reasons}


@dataclass(frozen=True)
class LabelledMetrics:
    """Metrics of one direction over the queries that a source labels, in percent.

    Attributes:
        split, labels: by `METRICS`, under the split's own pairs, and with the labels.
    """

    model: str
    n_queries: int
    split: dict[str, float]
    labels: dict[str, float]


@dataclass(frozen=True)
class FalseNegatives:
    """What was found of some models.

    Attributes:
        audits: of each model and direction.
        metrics: of each model, by source of labels and direction, such as "CxC, image queries".
    """

    audits: tuple[Audit, ...]
    metrics: dict[str, tuple[LabelledMetrics, ...]]


def read_false_negatives(path: Path, models: Sequence[ModelRankings]) -> FalseNegatives:
    """Read what `python -m error_analysis.false_negatives` wrote, of these models.

    Raises:
        InputError: the file is missing, no such file, or of other rankings than the models'.
    """
    content = read_output(path, COMMAND)
    with no_such_file(path, COMMAND):
        described = content["metadata"]["models"]
        keys = ("split_sha256", "gallery")
        known = models_described(path, COMMAND, described, models, keys)
        by_name = {model.name: model for model in known}
        audits = [audit for audit in content["audits"] if audit["model"] in by_name]
        for audit in audits:
            model = by_name[audit["model"]]
            if not _is_of(audit, model):
                raise other_rankings(path, COMMAND, model, [found["name"] for found in described])
        rows = [row for row in content["metrics"] if row["model"] in by_name]
        return FalseNegatives(tuple(map(_audit, audits)), _metrics(rows))


def _is_of(audit: dict, model: ModelRankings) -> bool:
    """Tell whether an audit has the hard queries of a model, with their ranks."""
    direction: Direction = audit["direction"]
    ids = model.rankings.image_ids if direction == "i2t" else model.rankings.caption_ids
    ranks = model.query_ranks(direction).ranks()
    hard = hard_indices(ranks, HARD_RANK)
    own = dict(zip(ids[hard].tolist(), map(number, ranks[hard].tolist()), strict=True))
    found = {_query_id(query, direction): query["rank"] for query in audit["hard_queries"]}
    return audit["hard"] == len(own) and found.items() <= own.items()


def _query_id(query: dict, direction: Direction) -> int:
    return int(query["image_id"] if direction == "i2t" else query["caption_id"])


def _audit(told: dict) -> Audit:
    direction: Direction = told["direction"]
    document_key = "caption_id" if direction == "i2t" else "image_id"
    documents = {
        _query_id(query, direction): {
            int(found[document_key]): {str(k): str(why) for k, why in found["reasons"].items()}
            for found in query["plausible"]
        }
        for query in told["hard_queries"]
    }
    sources = tuple(
        SourceCount(
            str(source["name"]),
            int(source["hard_labelled"]),
            None if source["hard_extended"] is None else int(source["hard_extended"]),
            int(source["hard_plausible"]),
            int(source["hard_plausible"]) + int(source["unlabelled_plausible"]),
        )
        for source in told["sources"]
    )
    return Audit(told["model"], direction, int(told["hard"]), sources, documents)


def _metrics(rows: Sequence[dict]) -> dict[str, tuple[LabelledMetrics, ...]]:
    """Join the two rows of each model, direction and source: under the split, and the labels."""
    found: dict[tuple[str, Direction], dict[str, dict[str, dict]]] = {}
    for row in rows:
        truth = "split" if row["ground_truth"] == "split" else "labels"
        of_model = found.setdefault((row["labels"], row["direction"]), {})
        of_model.setdefault(row["model"], {})[truth] = row
    return {
        f"{source}, {TITLES[direction]}": tuple(
            LabelledMetrics(model, int(under["labels"]["queries"]), *map(_numbers, _both(under)))
            for model, under in of_model.items()
        )
        for (source, direction), of_model in sorted(found.items())
    }


def _both(under: dict[str, dict]) -> tuple[dict, dict]:
    return under["split"], under["labels"]


def _numbers(row: dict) -> dict[str, float]:
    return {name: float(row[name]) for name in METRICS}
