"""Groups of queries that differ from all others, as error_analysis.slices found them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.wins import WinRule
from error_analysis.site.base.label_names import group_name
from error_analysis.site.comparing.many import are_many
from error_analysis.site.sections.wins import last_of_better
from error_analysis.slicing.slice_findings import Finding
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction

# The ids of the queries of a direction that are in a group, by its kind and name.
Members = Mapping[Direction, Mapping[tuple[str, str], Sequence[int]]]
MOST_GROUPS = 6  # of a question
# Of many models: of a question about two of them, and the rows of the table by model.
MOST_OF_PAIR, MOST_ROWS = 2, 15


@dataclass(frozen=True)
class GroupShares:
    """A group of queries under each model.

    Attributes:
        name: see `group_name`.
        percents: by model, hard queries in percent of the group's, and whether it is found to
            differ from all others.
    """

    name: str
    kind: str
    group: str
    queries: int
    percents: dict[str, tuple[float, bool]]


@dataclass(frozen=True)
class Groups:
    """Findings by question, each with the group's name.

    Attributes:
        rows: by the question's title, the surest first, at most `MOST_GROUPS`.
        n_found: findings by question, in all.
        fdr: the false discovery rate of all of them.
        hard_rank, rule: what was counted as hard, and as a win.
        last: see `Wins`.
        by_model: of many models, by direction, the groups that are surest to be hard for any.
    """

    rows: dict[str, tuple[tuple[str, Finding], ...]]
    n_found: dict[str, int]
    fdr: float
    hard_rank: int
    rule: WinRule
    last: dict[str, dict[Direction, float]]
    by_model: dict[Direction, tuple[GroupShares, ...]]

    def shown(self) -> Iterator[tuple[Direction, str, str]]:
        """Yield direction, kind and name of each group that is shown."""
        for direction, groups in self.by_model.items():
            yield from ((direction, found.kind, found.group) for found in groups)
        for found in self.rows.values():
            yield from ((one.direction, one.kind, one.group) for _, one in found)


def find_groups(
    slices: tuple[Mapping[str, Sequence[Finding]], float] | None,
    models: Sequence[ModelRankings],
    members: Members,
) -> Groups | None:
    """Return what is shown of the findings (see `read_findings`); None where they are not given.

    Of many models, what is hard is a table by model, and of each two of them little is shown.

    Args:
        members: the ids of the queries in the groups (see `read_members`).
    """
    if slices is None:
        return None
    findings, fdr = slices
    n_found = {title: len(found) for title, found in findings.items()}
    by_model = _by_model(findings, models, members) if are_many(models) else {}
    if are_many(models):
        findings = {
            title: found[:MOST_OF_PAIR]
            for title, found in findings.items()
            if found[0].question != "hard"
        }
    oracles = {model.name for model in models if model.rankings.metadata.get("oracle")}
    # What captions alone can do is told last.
    findings = dict(
        sorted(findings.items(), key=lambda of: bool(oracles & {of[1][0].first, of[1][0].second}))
    )
    rows = {
        title: tuple((group_name(f.group, f.kind), f) for f in found[:MOST_GROUPS])
        for title, found in findings.items()
    }
    rule = WinRule()
    return Groups(rows, n_found, fdr, HARD_RANK, rule, last_of_better(models, rule), by_model)


def _by_model(
    findings: Mapping[str, Sequence[Finding]], models: Sequence[ModelRankings], members: Members
) -> dict[Direction, tuple[GroupShares, ...]]:
    """Return the groups that are harder than others for any model, the surest first."""
    harder = [
        finding
        for found in findings.values()
        for finding in found
        if finding.question == "hard" and finding.inside > finding.outside
    ]
    harder.sort(key=lambda finding: (finding.fdr, finding.p))
    shares: dict[Direction, tuple[GroupShares, ...]] = {}
    for direction in DIRECTIONS:
        sure: dict[tuple[str, str], set[str]] = {}  # names of models by group
        for finding in harder:
            if finding.direction == direction:
                sure.setdefault((finding.kind, finding.group), set()).add(finding.first)
        ids = _query_ids(models[0], direction)
        hard = {model.name: model.query_ranks(direction).ranks() >= HARD_RANK for model in models}
        of_direction = []
        for (kind, group), names in list(sure.items())[:MOST_ROWS]:
            inside = np.isin(ids, members[direction][kind, group])
            percents = {
                name: (100 * float(of_model[inside].mean()), name in names)
                for name, of_model in hard.items()
            }
            n_queries = int(inside.sum())
            of_direction.append(
                GroupShares(group_name(group, kind), kind, group, n_queries, percents)
            )
        if of_direction:
            shares[direction] = tuple(of_direction)
    return shares


def _query_ids(model: ModelRankings, direction: Direction) -> np.ndarray:
    return model.rankings.image_ids if direction == "i2t" else model.rankings.caption_ids
