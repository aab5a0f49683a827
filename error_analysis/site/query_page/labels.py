"""The labels of queries, by which a page filters: reasons, objects, groups, hubs.

A label has a kind and a name; some are said of one model only:

    hard: which model a query is hard for         reason: why it is hard for a model
    regions: detector or matcher, of a model      taken for: confused objects, of a model
    object: what is in the image                  group: of error_analysis.slices
    hub: what a model retrieves by mistake        also right: what labels a missed query has
    caption or image: by whose captions its image is hard for a model
    probe: what repairing a typo does, to a model; which captions it predicts boxes for
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from error_analysis.explaining.explanations import ModelExplanation
from error_analysis.queries.hubs import intruded_queries
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.reasons.images.objects import Objects
from error_analysis.site.base.label_names import (
    BOXES_NAME,
    caption_or_image_name,
    confusion_name,
    group_name,
    repair_name,
)
from error_analysis.site.query_page.numbers import QueryNumbers
from error_analysis.statistics.hard_images import Kind
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction


@dataclass(frozen=True)
class QueryLabel:
    """A label and the queries that have it.

    Attributes:
        kind, name: what it says.
        numbers: of the queries (see `QueryNumbers`), ascending (n,) int64.
        model: position of the model that it is said of; None: of the query itself.
    """

    kind: str
    name: str
    numbers: np.ndarray
    model: int | None = None

    def to_json(self) -> dict:
        """Return the label; of the numbers, the first, and each one's distance from the last."""
        steps = np.diff(self.numbers, prepend=0).tolist()
        return {"kind": self.kind, "name": self.name, "model": self.model, "queries": steps}


def hard_labels(
    models: Sequence[ModelRankings], slugs: Sequence[str], hard_rank: int
) -> list[QueryLabel]:
    """Return, of each model, the queries that are hard for it; named by its slug."""
    labels = []
    for model, slug in zip(models, slugs, strict=True):
        ranks = np.concatenate([model.query_ranks(d).ranks() for d in DIRECTIONS])
        labels.append(QueryLabel("hard", slug, np.flatnonzero(ranks >= hard_rank)))
    return labels


def reason_labels(explained: ModelExplanation, model: int, of: QueryNumbers) -> list[QueryLabel]:
    """Return why queries are hard for a model, the most frequent reason first."""
    ids: dict[tuple[str, str], dict[Direction, list[int]]] = {}
    for direction, found in explained.directions.items():
        for query in found.hard:
            said = [("reason", reason.name) for reason in query.reasons]
            said += [("taken for", confusion_name(one, other)) for one, other in query.confusions]
            said += [("regions", query.regions_verdict)] if query.regions_verdict else []
            for label in said:
                ids.setdefault(label, {}).setdefault(direction, []).append(query.query_id)
    labels = [QueryLabel(*label, _numbers(by, of), model) for label, by in ids.items()]
    return sorted(labels, key=lambda label: (label.kind, -len(label.numbers), label.name))


def object_labels(objects: Objects, of: QueryNumbers) -> list[QueryLabel]:
    """Return the categories of objects that are in the queries' images, in their order."""
    rows: dict[str, list[int]] = {category: [] for category in sorted(objects.categories)}
    for row, image_id in enumerate(of.gallery.image_ids.tolist()):
        for category in objects.shares(image_id):
            rows[category].append(row)
    return [
        QueryLabel("object", category, of.of_images(np.array(found)))
        for category, found in rows.items()
        if found
    ]


def group_labels(
    members: Mapping[Direction, Mapping[tuple[str, str], Iterable[int]]], of: QueryNumbers
) -> list[QueryLabel]:
    """Return the groups that error_analysis.slices found: named by what they are by, too."""
    ids: dict[str, dict[Direction, list[int]]] = {}
    for direction, groups in members.items():
        for (kind, group), found in groups.items():
            ids.setdefault(group_name(group, kind), {})[direction] = list(found)
    return [QueryLabel("group", name, _numbers(ids[name], of)) for name in sorted(ids)]


def also_right_labels(
    sources: Mapping[Direction, Mapping[int, Iterable[str]]], model: int, of: QueryNumbers
) -> list[QueryLabel]:
    """Return which queries have a right document that the split does not know, by the source.

    Args:
        sources: query id -> names of the sources of labels.
    """
    ids: dict[str, dict[Direction, list[int]]] = {}
    for direction, queries in sources.items():
        for query_id, names in queries.items():
            for name in names:
                ids.setdefault(name, {}).setdefault(direction, []).append(query_id)
    return [QueryLabel("also right", name, _numbers(ids[name], of), model) for name in sorted(ids)]


def caption_or_image_labels(
    image_ids: Mapping[Kind, Iterable[int]], model: int, of: QueryNumbers
) -> list[QueryLabel]:
    """Return the images that are hard by human captions, generated ones, or both, with captions.

    Args:
        image_ids: by kind of image.
    """
    rows = of.rows("i2t")
    return [
        QueryLabel(
            "caption or image",
            caption_or_image_name(kind),
            of.of_images(np.array([rows[image_id] for image_id in ids], np.int64)),
            model,
        )
        for kind, ids in image_ids.items()
    ]


def repair_labels(
    outcomes: Mapping[str, Iterable[int]], model: int, of: QueryNumbers
) -> list[QueryLabel]:
    """Return what repairing the typos of captions does to them, by the ids of each outcome."""
    return [
        QueryLabel("probe", repair_name(outcome), of.of("t2i", ids), model)
        for outcome, ids in outcomes.items()
    ]


def box_labels(caption_ids: Iterable[int], model: int, of: QueryNumbers) -> list[QueryLabel]:
    """Return which captions a model predicts boxes for."""
    return [QueryLabel("probe", BOXES_NAME, of.of("t2i", caption_ids), model)]


def hub_labels(
    model: ModelRankings,
    position: int,
    direction: Direction,
    hubs: Mapping[int, str],
    of: QueryNumbers,
) -> list[QueryLabel]:
    """Return which queries a model retrieves each hub for, by mistake.

    Args:
        hubs: the documents, and their names.
    """
    queries = intruded_queries(model, direction, list(hubs))
    return [
        QueryLabel("hub", name, found + of.first(direction), position)
        for name, found in zip(hubs.values(), queries, strict=True)
    ]


def _numbers(ids: Mapping[Direction, Iterable[int]], of: QueryNumbers) -> np.ndarray:
    """Return the numbers of queries of both directions, ascending."""
    parts = [of.of(direction, ids.get(direction, ())) for direction in DIRECTIONS]
    return np.concatenate(parts)
