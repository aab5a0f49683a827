"""The first page: all that was found, in sections, each count a link to its queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from error_analysis.explaining.explanations import ModelExplanation
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.protocol_galleries import galleries_of_models
from error_analysis.site.base.links import model_slugs
from error_analysis.site.comparing.many import are_many
from error_analysis.site.comparing.reason_shares import ReasonShares, find_reason_shares
from error_analysis.site.figures import RankFigure
from error_analysis.site.sections.differences import find_differences
from error_analysis.site.sections.failures import find_failures
from error_analysis.site.sections.findings import Findings
from error_analysis.site.sections.groups import find_groups
from error_analysis.site.sections.hubs import ModelHubs
from error_analysis.site.sections.rank_pairs import RankPair, rank_pair
from error_analysis.site.sections.reasons import ReasonGroup, reason_groups
from error_analysis.statistics.assessment import Sampling, assess
from error_analysis.statistics.cascades import estimate_cascades
from information_retrieval.ranking.metrics import CUTOFFS


@dataclass(frozen=True)
class Overview:
    """What the first page shows.

    Attributes:
        models: 1..n models that scored one gallery, under unique names.
        hard_rank: from which 0-based rank on a query is hard.
        explained: why queries are hard, by the name of the model; empty: unknown.
        hubs: of each model and direction (see `find_hubs`).
        findings: of other commands.
        figures: that the folder figures/ has (see `rank_figures`).
        about: the line at the foot of each page.
    """

    models: Sequence[ModelRankings]
    hard_rank: int
    explained: Mapping[str, ModelExplanation]
    hubs: Sequence[ModelHubs]
    findings: Findings
    figures: Sequence[RankFigure]
    about: str

    @property
    def names(self) -> list[str]:
        return [model.name for model in self.models]

    @property
    def slugs(self) -> dict[str, str]:
        """What models are called in addresses, by name."""
        return dict(zip(self.names, model_slugs(self.names), strict=True))

    @property
    def is_many(self) -> bool:
        """Each two models are told as matrices, and lists of each one are folded."""
        return are_many(self.models)

    @property
    def folds(self) -> bool:
        """The metrics, and what other commands found, are of five folds, and ranks are not."""
        return any(model.protocol == "5fold" for model in self.models)


@dataclass(frozen=True)
class Section:
    """A part of the page: `draw` of templates/sections/{name}.html.jinja draws its content."""

    name: str
    title: str
    content: Any


def sections_of(overview: Overview, sampling: Sampling) -> list[Section]:
    """Return the sections of all that is known, in order.

    Raises:
        InputError: the gallery is too small for intervals.
    """
    models, findings = overview.models, overview.findings
    significance = assess(galleries_of_models(models), sampling)
    cascades = estimate_cascades(findings.cascades, models[0], sampling)
    sections = [
        Section("metrics", "Metrics", significance),
        Section("cascades", "Cascades", cascades or None),
        Section("differences", "Differences", find_differences(significance, models)),
        Section(
            "failures",
            "Failures",
            find_failures(models, overview.hard_rank, findings.noise_floor),
        ),
        Section("ranks", "Rank against rank", rank_pairs(overview) or None),
        Section("reasons", "Reasons", reasons_of(overview)),
        Section("caption_or_image", "Captions or images", findings.caption_or_image),
        Section("captioners", "Captioners", findings.captioners or None),
        Section("groups", "Groups", find_groups(findings.slices, models, findings.members)),
        Section("hubs", "Hubs", overview.hubs),
        Section("false_negatives", "False negatives", findings.false_negatives),
        Section("difficulty", "Difficulty", findings.difficulty),
        Section("probes", "Probes", findings.probes),
        Section("models", "Models", models),
    ]
    return [section for section in sections if section.content is not None]


def reasons_of(overview: Overview) -> tuple[list[ReasonGroup], tuple[ReasonShares, ...]] | None:
    """Return the reasons of each model, and by model; None where none was explained."""
    groups = reason_groups(overview.models, overview.explained)
    return (groups, find_reason_shares(overview.models, overview.explained)) if groups else None


def rank_pairs(overview: Overview) -> list[tuple[RankPair, RankFigure]]:
    """Return the ranks of each two models whose ranks a figure shows, with that figure."""
    by_name = {model.name: model for model in overview.models}
    pairs = []
    for figure in overview.figures:
        if figure.pair:
            first, second = (by_name[name] for name in figure.pair)
            pairs.append((rank_pair(first, second, figure.direction), figure))
    return pairs


def absent(overview: Overview) -> list[tuple[str, str, str]]:
    """Return what the page does not show, the command that finds it, and the report's option."""
    findings = overview.findings
    known = [
        (overview.explained, "why queries are hard", "explain", "reasons"),
        (
            findings.caption_or_image,
            "whether captions or images are hard",
            "caption_or_image",
            "caption_or_image",
        ),
        (findings.slices, "groups of queries", "slices", "slices"),
        (
            findings.noise_floor or len(overview.models) == 1,
            "wins that chance alone gives",
            "comparison --noise",
            "comparison",
        ),
        (findings.false_negatives, "what else is right", "false_negatives", "false_negatives"),
        (findings.difficulty, "what predicts hard queries", "difficulty", "difficulty"),
        (findings.probes, "repaired typos and negatives", "probe", "probes"),
    ]
    return [(what, command, option) for is_known, what, command, option in known if not is_known]


def render_overview(environment: jinja2.Environment, overview: Overview) -> str:
    """Return the first page.

    Raises:
        InputError: the gallery is too small for intervals.
    """
    sampling = Sampling()
    return environment.get_template("overview.html.jinja").render(
        page=overview,
        sections=sections_of(overview, sampling),
        absent=absent(overview),
        gallery=overview.models[0].gallery,
        protocols=sorted({model.protocol for model in overview.models}),
        about=overview.about,
        n_permutations=sampling.permutations_of(len(overview.models)),
        cutoffs=CUTOFFS,
    )
