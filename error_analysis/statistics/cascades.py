"""The recalls of cascades, with 95 % intervals: of their ranks no more is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.statistics.assessment import Sampling
from error_analysis.statistics.bootstrap import Estimate, estimate_recalls
from information_retrieval.combining.cascade_result import Cascade, read_cascade
from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.ranking.query_ranks import DIRECTIONS


@dataclass(frozen=True)
class NamedCascade:
    """A cascade over the gallery of some models, under a name of its own."""

    name: str
    cascade: Cascade


@dataclass(frozen=True)
class CascadeRecalls:
    """What the recalls of a cascade are, and what made it.

    Attributes:
        first: what the first model's rankings call it; None: nothing.
        second: the checkpoint that orders the shortlists.
        shortlist: k.
        pairs_scored, pairs: by the second, and in the gallery.
        estimates: in percent, by `{d}_r1`, `{d}_r5`, `{d}_r10` of each direction d, without the
            cutoffs above k, and `{d}_ceiling`, the first's recall at k, which no order exceeds.
    """

    name: str
    first: str | None
    second: str | None
    shortlist: int
    pairs_scored: int
    pairs: int
    estimates: dict[str, Estimate]


def read_cascades(paths: Sequence[Path], model: ModelRankings) -> tuple[NamedCascade, ...]:
    """Read cascades over the gallery of a model, whoever made them.

    A cascade is named by its folder; where two have one of the same name, by its path.

    Raises:
        InputError: as `read_cascade`.
    """
    folders = [path.resolve().parent.name for path in paths]
    names = [
        folder if folders.count(folder) == 1 else str(path)
        for folder, path in zip(folders, paths, strict=True)
    ]
    return tuple(
        NamedCascade(name, read_cascade(path, model.rankings))
        for name, path in zip(names, paths, strict=True)
    )


def estimate_cascades(
    cascades: Sequence[NamedCascade], model: ModelRankings, sampling: Sampling
) -> list[CascadeRecalls]:
    """Estimate the recalls of cascades over the gallery of a model, of 2 images or more.

    The images drawn are those that metrics of models are estimated on.
    """
    return [_recalls(one, model, sampling) for one in cascades]


def _recalls(named: NamedCascade, model: ModelRankings, sampling: Sampling) -> CascadeRecalls:
    cascade, metadata = named.cascade, named.cascade.metadata
    first = metadata.get("first_stage", {})
    known = {f"r{k}": k for k in CUTOFFS if k <= cascade.shortlist}
    cutoffs = {**known, "ceiling": cascade.shortlist}
    estimates = {}
    for direction in DIRECTIONS:
        found = estimate_recalls(
            cascade.ranks[direction].queries,
            model.image_of_query(direction),
            list(cutoffs.values()),
            sampling.generator(),
            sampling.n_resamples,
        )
        for what, estimate in zip(cutoffs, found, strict=True):
            estimates[f"{direction}_{what}"] = estimate
    return CascadeRecalls(
        named.name,
        first.get("model") or first.get("name") or first.get("path"),
        metadata.get("model"),
        cascade.shortlist,
        cascade.pairs_scored,
        cascade.pairs,
        estimates,
    )
