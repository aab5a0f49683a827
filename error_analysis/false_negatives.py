"""Audit hard queries for false negatives: plausible documents that the split does not label.

COCO pairs a caption with one image, though many suit. For each model and direction this counts
the hard queries (no ground truth in the top 10) that have a plausible document there, by labels
(CxC, ECCV Caption: see `label_files`) and by the captions alone (see `plausible_documents`),
with the coverage of the labels; and computes the metrics anew under each source of labels, over
the queries that it has labels for, beside those of the split over the same queries.

Reads rankings files of one gallery, their split file and, where given, label files; writes JSON:

    {"audits": [{"model", "direction", "queries", "hard", "plausible",
                 "sources": [{"name", "hard_labelled", "hard_extended", "hard_plausible"}, ...],
                 "hard_queries": [{"query", ..., "plausible": [{"place", "image_id", "caption_id",
                                   "caption", "reasons": {source: why}}]}]}],
     "metrics": [{"model", "direction", "ground_truth", "labels", "queries", "r1", "r5", "r10",
                  "r_precision", "map_at_r"}],
     "metadata": {...}}

    python -m error_analysis.false_negatives --rankings runs/lxmert/test.npz runs/clip/test.npz \\
        --split_file datasets/coco/test.json --labels labels/eccv_image_to_caption.json \\
        labels/sits_test.csv --output runs/false_negatives.json

Counts are over the whole gallery that was scored, whatever the protocol. A source has a query
"labelled" where it judged that query's documents, and "extended" where it knows a document that the
split does not, from whichever direction. Two models on 5,000 images and 25,000 captions, with the
labels of CxC and of ECCV Caption, take some 30 s and 1.7 GB on one CPU core.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from error_analysis.arguments import RankingsArguments
from error_analysis.queries.model_rankings import ModelRankings, read_model_rankings
from error_analysis.queries.query_json import query_to_json
from error_analysis.reasons.images.plausible import Plausibility
from error_analysis.reasons.mentions import Vocabulary
from error_analysis.relevance.audit import Audit, AuditedQuery, audit
from error_analysis.relevance.extended_metrics import extended_metrics
from error_analysis.relevance.extended_relevance import (
    ExtendedRelevance,
    Judgements,
    with_own_pairs,
)
from error_analysis.relevance.label_files import read_all_labels
from error_analysis.relevance.plausible_documents import PlausibleDocuments
from error_analysis.statistics.proportions import share_with_interval
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.files import check_writable, write_json
from preprocess.base.text_table import text_table
from preprocess.captions.split_file import read_split

METRIC_COLUMNS = {
    "r1": "R@1",
    "r5": "R@5",
    "r10": "R@10",
    "r_precision": "R-P",
    "map_at_r": "mAP@R",
}


@dataclass(kw_only=True)
class FalseNegativesArguments(RankingsArguments):
    output: Path = field(metadata={"help": "the JSON file to write"})
    labels: list[Path] = field(
        default_factory=list,
        metadata={
            "help": "label files: sits_*.csv of CxC, *_image_to_caption.json of eccv_caption (its "
            "*_caption_to_image.json beside it is read too)"
        },
    )


def metrics_under_labels(
    model: ModelRankings, direction: Direction, labels: ExtendedRelevance
) -> list[dict]:
    """Return the metrics under the split's pairs and under the labels, over the same queries."""
    queries: Judgements = {q: frozenset() for q, f in labels.documents(direction).items() if f}
    images, captions = (queries, {}) if direction == "i2t" else ({}, queries)
    split = with_own_pairs(ExtendedRelevance("split", "", images, captions), model.gallery)
    rows = []
    for truth in (split, labels):
        metrics = extended_metrics(model, direction, truth)
        if metrics is not None:
            described = {"ground_truth": truth.name, "labels": labels.name}
            rows.append(
                {"model": model.name, "direction": direction, **described, **metrics.to_json()}
            )
    return rows


def audit_to_json(found: Audit) -> dict:
    """Return the counts, and the hard queries that have a plausible document."""
    return {
        "model": found.model,
        "direction": found.direction,
        "queries": found.n_queries,
        "hard": found.n_hard,
        "plausible": found.n_plausible,
        "sources": [
            {
                "name": source.name,
                "hard_labelled": source.n_labelled,
                "hard_extended": source.n_extended,
                "hard_plausible": source.n_plausible,
                "unlabelled_plausible": source.n_unlabelled_plausible,
            }
            for source in found.sources
        ],
        "hard_queries": [_query_to_json(query) for query in found.queries],
    }


def _query_to_json(audited: AuditedQuery) -> dict:
    documents = [
        {
            "place": document.place,
            "image_id": document.item.image_id,
            "caption_id": document.item.caption_id,
            "caption": document.item.caption,
            "reasons": document.reasons,
        }
        for document in audited.plausible
    ]
    return {**query_to_json(audited.query), "plausible": documents}


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({100 * part / whole:.1f} %)" if whole else f"{part:,}"


def audit_table(audits: Sequence[Audit]) -> str:
    """Return the counts as a text table.

    "judged" is the share of the hard queries that a source knows at all; the others are shares of
    those, with their 95 % interval.
    """
    rows = [["model", "", "hard", "source", "judged", "extended", "plausible in top 10"]]
    for found in audits:
        for source in found.sources:
            judged = source.n_labelled
            extended = source.n_extended
            rows.append(
                [
                    found.model,
                    found.direction,
                    f"{found.n_hard:,}",
                    source.name,
                    "" if extended is None else _share(judged, found.n_hard),
                    "" if extended is None else share_with_interval(extended, judged),
                    share_with_interval(source.n_plausible, judged),
                ]
            )
    return "\n".join(text_table(rows, "llrlrrr"))


def metrics_table(rows: Sequence[dict]) -> str:
    """Return the metrics under extended ground truth as a text table."""
    head = ["model", "", "queries of", "queries", "ground truth", *METRIC_COLUMNS.values()]
    lines = [
        [row["model"], row["direction"], row["labels"], f"{row['queries']:,}", row["ground_truth"]]
        + [f"{row[name]:.2f}" for name in METRIC_COLUMNS]
        for row in rows
    ]
    return "\n".join(text_table([head, *lines], "lllrl" + "r" * len(METRIC_COLUMNS)))


def main() -> None:
    arguments = parse_arguments(FalseNegativesArguments, description=__doc__)
    check_writable(arguments.output)
    split = read_split(arguments.split_file)
    labels = read_all_labels(arguments.labels, split)
    models = read_model_rankings(arguments.rankings, split, arguments.names)
    gallery = models[0].gallery
    labels = [source.restricted_to(gallery) for source in labels]
    plausibility = Plausibility(gallery, Vocabulary())
    documents = PlausibleDocuments(gallery, plausibility, labels)
    audits, metrics = [], []
    for model in models:
        for direction in DIRECTIONS:
            audits.append(audit(model, direction, documents))
            for source in labels:
                metrics += metrics_under_labels(model, direction, source)
    metadata = {
        "models": [model.description() for model in models],
        "labels": [{"name": s.name, "files": s.source, "unknown_ids": s.n_unknown} for s in labels],
    }
    content = {"audits": [audit_to_json(a) for a in audits], "metrics": metrics}
    write_json(arguments.output, {**content, "metadata": metadata})
    print(audit_table(audits))
    if metrics:
        print(metrics_table(metrics))
    print(f"wrote {arguments.output}")


if __name__ == "__main__":
    run_command(main)
