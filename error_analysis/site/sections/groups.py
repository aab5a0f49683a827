"""Groups of queries that differ from all others, as error_analysis.slices found them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.wins import WinRule
from error_analysis.site.base.label_names import group_name
from error_analysis.site.sections.wins import last_of_better
from error_analysis.slicing.slice_findings import Finding
from information_retrieval.ranking.query_ranks import Direction

MOST_GROUPS = 6  # of a question


@dataclass(frozen=True)
class Groups:
    """Findings by question, each with the group's name.

    Attributes:
        rows: by the question's title, the surest first, at most `MOST_GROUPS`.
        n_found: findings by question, in all.
        fdr: the false discovery rate of all of them.
        hard_rank, rule: what was counted as hard, and as a win.
        last: see `Wins`.
    """

    rows: dict[str, tuple[tuple[str, Finding], ...]]
    n_found: dict[str, int]
    fdr: float
    hard_rank: int
    rule: WinRule
    last: dict[str, dict[Direction, float]]


def find_groups(
    slices: tuple[Mapping[str, Sequence[Finding]], float] | None, models: Sequence[ModelRankings]
) -> Groups | None:
    """Return what is shown of the findings (see `read_findings`); None where they are not given."""
    if slices is None:
        return None
    findings, fdr = slices
    oracles = {model.name for model in models if model.rankings.metadata.get("oracle")}
    # What captions alone can do is told last.
    findings = dict(
        sorted(findings.items(), key=lambda of: bool(oracles & {of[1][0].first, of[1][0].second}))
    )
    rows = {
        title: tuple((group_name(f.group, f.kind), f) for f in found[:MOST_GROUPS])
        for title, found in findings.items()
    }
    n_found = {title: len(found) for title, found in findings.items()}
    rule = WinRule()
    return Groups(rows, n_found, fdr, HARD_RANK, rule, last_of_better(models, rule))
