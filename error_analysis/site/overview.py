"""The first page: metrics, differences between models, failures, reasons, ranks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
import numpy as np

from error_analysis.explaining.explanations import (
    DirectionExplanation,
    ModelExplanation,
    ReasonCount,
)
from error_analysis.explaining.query_reasons import n_explained
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.protocol_galleries import galleries_of_models
from error_analysis.reasons.images.confusion_matrix import ConfusionMatrix
from error_analysis.site.figures import RankFigure
from error_analysis.site.galleries import FailureGallery, slug
from error_analysis.slicing.slice_findings import Finding
from error_analysis.statistics.assessment import Sampling, assess
from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.ranking.query_ranks import Direction

MOST_SLICES = 8  # of a question on the page
MOST_CATEGORIES = 20  # of a confusion matrix on the page


@dataclass(frozen=True)
class ReasonRow:
    """A reason with its gallery, of which there is none where no hard query has it."""

    count: ReasonCount
    gallery: FailureGallery | None


@dataclass(frozen=True)
class ReasonGroup:
    """The reasons of one model and direction.

    Attributes:
        rows: the reasons, most frequent first.
        regions: queries by verdict, of detector or matcher; None: not looked for.
        confusions: of the objects that are confused most, of `n_categories`; None: not looked for.
    """

    position: int
    direction: Direction
    n_hard: int
    n_explained: int
    rows: tuple[ReasonRow, ...]
    regions: dict[str, int] | None
    confusions: ConfusionMatrix | None
    n_categories: int


def reason_groups(
    models: Sequence[ModelRankings],
    explained: Mapping[str, ModelExplanation],
    galleries: Sequence[FailureGallery],
) -> list[ReasonGroup]:
    """Return the reasons of each model and direction, each with its gallery."""
    by_anchor = {gallery.anchor: gallery for gallery in galleries if gallery.kind == "reason"}
    groups = []
    for position, model in enumerate(models):
        if model.name in explained:
            for direction, found in explained[model.name].directions.items():
                groups.append(_group(position, direction, found, by_anchor))
    return groups


def _group(
    position: int,
    direction: Direction,
    found: DirectionExplanation,
    by_anchor: Mapping[str, FailureGallery],
) -> ReasonGroup:
    own = {
        gallery.anchor.split("_")[1]: gallery
        for gallery in by_anchor.values()
        if (gallery.position, gallery.direction) == (position, direction)
    }
    matrix = confusion_matrix(found)
    rows = tuple(ReasonRow(count, own.get(slug(count.name))) for count in found.counts)
    return ReasonGroup(
        position,
        direction,
        len(found.hard),
        n_explained(found),
        rows,
        found.regions,
        None if matrix is None else matrix.largest(MOST_CATEGORIES),
        0 if matrix is None else len(matrix.categories),
    )


def confusion_matrix(found: DirectionExplanation) -> ConfusionMatrix | None:
    """Return the confusions as a matrix, by name; None where they were not looked for."""
    if found.confusions is None:
        return None
    names = sorted({name for *pair, _ in found.confusions for name in pair})
    counts = np.zeros((len(names), len(names)), np.int64)
    for in_image, instead, n_queries in found.confusions:
        counts[names.index(in_image), names.index(instead)] = n_queries
    return ConfusionMatrix(tuple(names), counts, len(found.hard))


def failure_rows(
    galleries: Sequence[FailureGallery],
) -> list[tuple[str, dict[Direction, FailureGallery]]]:
    """Return the galleries that are of no reason as rows: a title, and a gallery a direction."""
    listed = [gallery for gallery in galleries if gallery.kind != "reason"]
    return [
        (title, {gallery.direction: gallery for gallery in same})
        for title, same in groupby(listed, lambda gallery: gallery.title)
    ]


def render_overview(
    environment: jinja2.Environment,
    models: Sequence[ModelRankings],
    galleries: Sequence[FailureGallery],
    explained: Mapping[str, ModelExplanation],
    hard_rank: int,
    slices: tuple[Mapping[str, Sequence[Finding]], float] | None,
    figures: Sequence[RankFigure],
    about: str,
) -> str:
    """Return the first page.

    Raises:
        InputError: the gallery is too small for intervals.
    """
    sampling = Sampling()
    groups = reason_groups(models, explained, galleries)
    return environment.get_template("overview.html.jinja").render(
        models=models,
        names=[model.name for model in models],
        protocols=sorted({model.protocol for model in models}),
        gallery=models[0].gallery,
        significance=assess(galleries_of_models(models), sampling),
        n_permutations=sampling.n_permutations,
        cutoffs=CUTOFFS,
        hard_rank=hard_rank,
        failures=failure_rows(galleries),
        reasons=groups,
        regions=[group for group in groups if group.regions is not None],
        confusions=[group for group in groups if group.confusions and group.n_categories],
        slices=slices,
        most_slices=MOST_SLICES,
        slice_link=slice_link,
        figures=figures,
        about=about,
    )


def slice_link(finding: Finding) -> str | None:
    """Return the search that shows the queries of a group; None where no filter tells them."""
    filters = {"words": {"text": finding.group}, "reason": {"reason": finding.group}}
    if finding.kind not in filters:
        return None
    return f"search.html#{urlencode(filters[finding.kind])}"


def copy_assets(environment: jinja2.Environment, templates: Path, folder: Path) -> None:
    """Write the style and the script that all pages share into an existing folder."""
    cards: Any = environment.get_template("cards.html.jinja").module
    styles = [(templates / name).read_text("utf-8") for name in ("cards.css", "page.css")]
    style = "\n".join([*styles, str(cards.model_colors_style())])
    (folder / "report.css").write_text(style, "utf-8")
    (folder / "report.js").write_text((templates / "report.js").read_text("utf-8"), "utf-8")
