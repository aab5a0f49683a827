"""What was found of the queries, as their page has it: labels, and findings of each model."""

from collections.abc import Mapping, Sequence

from error_analysis.explaining.explanations import ModelExplanation
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.reasons.images.objects import Objects
from error_analysis.site.base.links import model_slugs
from error_analysis.site.query_page.details import AlsoRight, ModelFindings, PredictedBoxes
from error_analysis.site.query_page.labels import (
    QueryLabel,
    also_right_labels,
    box_labels,
    caption_or_image_labels,
    group_labels,
    hard_labels,
    hub_labels,
    object_labels,
    reason_labels,
    repair_labels,
)
from error_analysis.site.query_page.numbers import QueryNumbers
from error_analysis.site.sections.false_negatives import Audit
from error_analysis.site.sections.findings import Findings
from error_analysis.site.sections.groups import find_groups
from error_analysis.site.sections.hubs import ModelHubs
from information_retrieval.ranking.query_ranks import Direction


def label_queries(
    models: Sequence[ModelRankings],
    hard_rank: int,
    explained: Mapping[str, ModelExplanation],
    findings: Findings,
    hubs: Sequence[ModelHubs],
    objects: Objects | None,
) -> list[QueryLabel]:
    """Return the labels of all queries, those that lead to reasons first.

    Args:
        hard_rank: from which 0-based rank on a query is hard.
        explained: why queries are hard, by the name of the model.
        hubs: those that the first page shows.
        objects: in the images; None: unknown.
    """
    of = QueryNumbers(models[0].gallery)
    names = [model.name for model in models]
    labels = []
    for position, model in enumerate(models):
        if model.name in explained:
            labels += reason_labels(explained[model.name], position, of)
        labels += also_right_labels(_sources(findings, model.name), position, of)
    for probe in findings.probes.repairs if findings.probes else ():
        labels += repair_labels(probe.outcomes, names.index(probe.model), of)
    for boxes in findings.probes.boxes if findings.probes else ():
        labels += box_labels(boxes.boxes, names.index(boxes.model), of)
    for one in findings.caption_or_image.found if findings.caption_or_image else ():
        labels += caption_or_image_labels(one.image_ids, names.index(one.model), of)
    labels += hard_labels(models, model_slugs(names), hard_rank)
    labels += object_labels(objects, of) if objects else []
    labels += group_labels(shown_members(findings, models), of)
    for found in hubs:
        position = names.index(found.model)
        documents = {hub.document: hub.name for hub in found.hubs}
        labels += hub_labels(models[position], position, found.direction, documents, of)
    return labels


def shown_members(
    findings: Findings, models: Sequence[ModelRankings]
) -> dict[Direction, dict[tuple[str, str], tuple[int, ...]]]:
    """Return the queries of the groups that the first page shows."""
    groups = find_groups(findings.slices, models, findings.members)
    members: dict[Direction, dict[tuple[str, str], tuple[int, ...]]] = {}
    for direction, kind, group in groups.shown() if groups else ():
        members.setdefault(direction, {})[kind, group] = findings.members[direction][kind, group]
    return members


def findings_of_models(
    models: Sequence[ModelRankings],
    explained: Mapping[str, ModelExplanation],
    findings: Findings,
) -> list[ModelFindings]:
    """Return what was found of the queries of each model; arguments as `label_queries`."""
    return [
        ModelFindings(
            explained.get(model.name),
            _also_right(findings, model.name),
            _boxes(findings, model.name),
        )
        for model in models
    ]


def _also_right(findings: Findings, model: str) -> AlsoRight:
    """Return why documents at the top of a model's missed queries are right, too."""
    return {
        audit.direction: {
            query_id: {
                document_id: "; ".join(f"{source}: {why}" for source, why in reasons.items())
                for document_id, reasons in documents.items()
            }
            for query_id, documents in audit.documents.items()
        }
        for audit in _audits(findings, model)
    }


def _boxes(findings: Findings, model: str) -> PredictedBoxes:
    """Return the boxes that a model predicts; of several files, those of the last."""
    probes = findings.probes.boxes if findings.probes else ()
    of_model = [probe.boxes for probe in probes if probe.model == model]
    return of_model[-1] if of_model else {}


def _sources(findings: Findings, model: str) -> dict[Direction, dict[int, set[str]]]:
    """Return which sources know such documents, by direction and query."""
    return {
        audit.direction: {query_id: audit.sources_of(query_id) for query_id in audit.documents}
        for audit in _audits(findings, model)
    }


def _audits(findings: Findings, model: str) -> list[Audit]:
    found = findings.false_negatives
    return [audit for audit in found.audits if audit.model == model] if found else []
