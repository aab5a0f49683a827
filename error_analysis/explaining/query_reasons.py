"""Joining reasons: which rules speak for the hard and for the easy queries of a model."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from error_analysis.explaining.explanations import (
    LEAST_QUERIES,
    DirectionExplanation,
    ExplainedQuery,
    Explanations,
    ModelExplanation,
    ReasonCount,
)
from error_analysis.queries.hard_queries import HARD_RANK, easy_indices, hard_indices, worst_first
from error_analysis.queries.model_rankings import ModelRankings, ranks_sha256
from error_analysis.queries.query import Query, describe_queries
from error_analysis.reasons.captions.caption_reasons import caption_reasons
from error_analysis.reasons.images.base_rates import BaseRates, base_rates
from error_analysis.reasons.images.confusion_matrix import count_confusions
from error_analysis.reasons.images.image_reasons import image_reasons
from error_analysis.reasons.images.objects import Objects
from error_analysis.reasons.images.people import People
from error_analysis.reasons.images.plausible import Plausibility
from error_analysis.reasons.images.poses import pose_reasons
from error_analysis.reasons.images.quality import quality_reason
from error_analysis.reasons.images.region_presence import (
    RegionPresence,
    count_verdicts,
    region_presence,
)
from error_analysis.reasons.images.salient_object import confusions_of
from error_analysis.reasons.images.small_object import small_object_reasons
from error_analysis.reasons.mentions import Vocabulary
from error_analysis.reasons.reason import Reason
from error_analysis.relevance.extended_relevance import ExtendedRelevance
from error_analysis.relevance.plausible_documents import PlausibleDocuments
from error_analysis.slicing.contrasts import contrast
from error_analysis.slicing.groups import Groups
from error_analysis.statistics.rank_plots import TITLES
from information_retrieval.ranking.query_ranks import Direction
from preprocess.captions.split_file import Split
from preprocess.storage.decoded_images import map_images
from preprocess.storage.images_file import ImagesFile

REGION_ABSENT = "region absent"


@dataclass(frozen=True)
class Evidence:
    """What the rules look at, the same for every model over one gallery.

    Attributes:
        of_caption: the reasons of each caption of the gallery, in order.
        of_image: the reasons of images by their id, whatever was retrieved: low quality, unusual
            poses, small main objects. An image without is left out.
        objects: of the gallery's images; None: unknown.
        detected: what the detector saw in them; None: unknown.
        plausible: which wrong documents suit a query; None: not looked for.
        rates: what captions of the gallery usually name and say.
    """

    of_caption: tuple[tuple[Reason, ...], ...]
    of_image: dict[int, tuple[Reason, ...]]
    objects: Objects | None
    detected: Objects | None
    plausible: PlausibleDocuments | None = None
    rates: BaseRates = field(default_factory=lambda: BaseRates({}, {}))

    def plausible_reasons(self, queries: Sequence[Query]) -> list[Reason | None]:
        """Return the reason of each query that has a plausible wrong document at the top."""
        return self.plausible.reasons(queries) if self.plausible else [None] * len(queries)


def collect_evidence(
    gallery: Split,
    training_captions: Sequence[str],
    images: ImagesFile | None = None,
    objects: Objects | None = None,
    detected: Objects | None = None,
    people: People | None = None,
    labels: Sequence[ExtendedRelevance] = (),
    progress: Callable[[Iterable], Iterable] = iter,
) -> Evidence:
    """Apply the rules that ask for no ranks: each caption and each image is looked at once.

    Args:
        labels: of the gallery, beyond the split's own.
        progress: wraps the image ids, to show how far it is.

    Raises:
        InputError: an image is not in `images`, or damaged.
    """
    of_image: dict[int, tuple[Reason, ...]] = {}
    if images:
        ids = progress(gallery.image_ids.tolist())
        measured = map_images(quality_reason, images, ids)
        of_image = {image_id: (reason,) for image_id, reason in measured if reason is not None}
    small = small_object_reasons(objects) if objects else {}
    for further in (pose_reasons(people) if people else {}, small):
        for image_id, reason in further.items():
            of_image[image_id] = (*of_image.get(image_id, ()), reason)
    found = tuple(caption_reasons(gallery, training_captions))
    vocabulary = objects.vocabulary if objects else Vocabulary()
    plausible = PlausibleDocuments(gallery, Plausibility(gallery, vocabulary), labels)
    rates = base_rates(gallery, vocabulary)
    return Evidence(found, of_image, objects, detected, plausible, rates)


def explain_model(
    model: ModelRankings,
    evidence: Evidence,
    hard_rank: int = HARD_RANK,
    reads_regions: bool = True,
) -> ModelExplanation:
    """Explain the hard queries of a model, both directions.

    Args:
        hard_rank: 0-based rank from which on a query is hard.
        reads_regions: the model sees images as regions, so that it is asked whether a missed
            caption's objects are among them.
    """
    directions: dict[Direction, DirectionExplanation] = {
        "i2t": _explain_images(model, evidence, hard_rank),
        "t2i": _explain_captions(model, evidence, hard_rank, reads_regions),
    }
    return ModelExplanation(model.name, ranks_sha256(model), directions)


def _hard_and_easy(
    model: ModelRankings, direction: Direction, hard_rank: int
) -> tuple[list[Query], list[Query]]:
    ranks = model.query_ranks(direction).ranks()
    hard = worst_first(hard_indices(ranks, hard_rank), ranks)
    easy = easy_indices(ranks)
    return describe_queries(model, direction, hard), describe_queries(model, direction, easy)


def _explain_images(
    model: ModelRankings, evidence: Evidence, hard_rank: int
) -> DirectionExplanation:
    hard, easy = _hard_and_easy(model, "i2t", hard_rank)
    objects, confusions, confused = evidence.objects, None, None
    if objects:
        found = confusions_of(hard, objects, evidence.rates)
        confusions = tuple(count_confusions(found, objects.categories).pairs())
        confused = [tuple((c.category, c.taken_for) for c in of_query) for of_query in found]

    def reasons_of(queries: list[Query]) -> list[tuple[Reason, ...]]:
        found = image_reasons(queries, evidence.rates, objects), evidence.plausible_reasons(queries)
        return [
            _with_reasons(reasons, *evidence.of_image.get(query.item.image_id, ()), plausible)
            for query, reasons, plausible in zip(queries, *found, strict=True)
        ]

    reasons = reasons_of(hard), reasons_of(easy)
    return _join(model, "i2t", hard, easy, *reasons, confused=confused, confusions=confusions)


def _explain_captions(
    model: ModelRankings, evidence: Evidence, hard_rank: int, reads_regions: bool
) -> DirectionExplanation:
    hard, easy = _hard_and_easy(model, "t2i", hard_rank)
    of_hard, of_easy = (
        [
            _with_reasons(evidence.of_caption[query.index], plausible)
            for query, plausible in zip(kind, evidence.plausible_reasons(kind), strict=True)
        ]
        for kind in (hard, easy)
    )
    if not (evidence.detected and reads_regions):
        return _join(model, "t2i", hard, easy, of_hard, of_easy)
    presences = region_presence(hard, evidence.detected)
    of_hard = _with_absent(of_hard, presences)
    of_easy = _with_absent(of_easy, region_presence(easy, evidence.detected))
    told = [f"{p.verdict}: {p.evidence}" for p in presences]
    verdicts = dict(count_verdicts(presences))
    return _join(model, "t2i", hard, easy, of_hard, of_easy, told=told, regions=verdicts)


def _with_absent(
    reasons: Sequence[tuple[Reason, ...]], presences: Sequence[RegionPresence]
) -> list[tuple[Reason, ...]]:
    """Add to each query's reasons that regions of its objects are absent, where they are."""
    return [
        (*found, Reason(REGION_ABSENT, p.evidence)) if p.verdict == REGION_ABSENT else found
        for found, p in zip(reasons, presences, strict=True)
    ]


def _with_reasons(found: tuple[Reason, ...], *others: Reason | None) -> tuple[Reason, ...]:
    """Add the reasons that there are."""
    return (*found, *(reason for reason in others if reason is not None))


def _join(
    model: ModelRankings,
    direction: Direction,
    hard: Sequence[Query],
    easy: Sequence[Query],
    hard_reasons: Sequence[tuple[Reason, ...]],
    easy_reasons: Sequence[tuple[Reason, ...]],
    told: Sequence[str | None] | None = None,
    confused: Sequence[tuple[tuple[str, str], ...]] | None = None,
    **splits,
) -> DirectionExplanation:
    told, confused = told or [None] * len(hard), confused or [()] * len(hard)
    images = [query.item.image_id for query in (*hard, *easy)]
    return DirectionExplanation(
        n_queries=len(model.query_ranks(direction).higher),
        n_easy=len(easy_reasons),
        n_easy_explained=sum(map(bool, easy_reasons)),
        hard=tuple(
            ExplainedQuery(q.item.image_id, q.item.caption_id, q.rank, reasons, regions, pairs)
            for q, reasons, regions, pairs in zip(hard, hard_reasons, told, confused, strict=True)
        ),
        counts=count_reasons(hard_reasons, easy_reasons, images),
        **splits,
    )


def count_reasons(
    hard: Sequence[tuple[Reason, ...]], easy: Sequence[tuple[Reason, ...]], images: Sequence[int]
) -> tuple[ReasonCount, ...]:
    """Count each reason among hard and easy queries, most hard queries first, then by name.

    Args:
        images: the image that each hard and then each easy query is or belongs to.
    """
    found = [{reason.name for reason in reasons} for reasons in (*hard, *easy)]
    names = sorted(set().union(*found))
    has = np.array([[name in of_query for of_query in found] for name in names], bool)
    has = has.reshape(len(names), len(found))
    of_hard, of_easy = (kind.sum(axis=1).tolist() for kind in np.split(has, [len(hard)], axis=1))
    odds = _odds_ratios(has, len(hard), images)
    counts = [
        ReasonCount(name, of_hard[i], of_easy[i], len(hard), len(easy), *odds[i])
        for i, name in enumerate(names)
    ]
    return tuple(sorted(counts, key=lambda count: (-count.hard, count.name)))


def _odds_ratios(
    has: np.ndarray, n_hard: int, images: Sequence[int]
) -> list[tuple[float | None, ...]]:
    """Return each reason's odds ratio with its interval; None where there is nothing to compare.

    Args:
        has: (n_names, n_queries) bool, hard queries first.
    """
    nothing = (None, None, None)
    parts = images[:n_hard], images[n_hard:]
    if min(len(set(part)) for part in parts) < LEAST_QUERIES:
        return [nothing] * len(has)
    image = np.unique(images, return_inverse=True)[1]
    is_hard = sparse.csr_array(np.arange(has.shape[1])[None, :] < n_hard)
    groups = Groups(("hardness",), ("hard",), is_hard, image)
    found = [contrast(groups, of_name.astype(np.float64), yes_or_no=True) for of_name in has]
    odds = [(one.odds_ratio[0], one.odds_low[0], one.odds_high[0]) for one in found]
    return [
        (None, None, None) if np.isnan(o[0]) else (float(o[0]), float(o[1]), float(o[2]))
        for o in odds
    ]


def n_explained(found: DirectionExplanation) -> int:
    """Return how many hard queries have at least one reason."""
    return int(np.sum([bool(query.reasons) for query in found.hard], dtype=int))


def summary(explanations: Explanations) -> list[str]:
    """Return the lines that the command prints."""
    lines = []
    for model in explanations.models:
        for direction, found in model.directions.items():
            lines.append(
                f"{model.name}, {TITLES[direction]}: {len(found.hard):,} hard of "
                f"{found.n_queries:,}, {n_explained(found):,} with a reason; of {found.n_easy:,} "
                f"easy ones {found.n_easy_explained:,}"
            )
            lines += [
                f"  {c.name}: {c.hard:,} hard, {c.easy:,} easy; odds ratio {c.told}"
                for c in found.counts
            ]
            if found.regions is not None:
                split = ", ".join(f"{name} {n:,}" for name, n in found.regions.items())
                lines.append(f"  detector or matcher: {split}")
    return lines
