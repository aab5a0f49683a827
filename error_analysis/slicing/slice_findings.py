"""All questions about groups of queries, asked at once, with their false discovery rate.

Three are asked of each group and direction: whether a model finds its queries (in the top 10) less
often than others, whether the difference of two models is another there than elsewhere, and
whether one model's wins over the other gather there. Benjamini and Hochberg's procedure over all
of them tells which share of those that are called different is expected not to be.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Literal

import numpy as np

from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.wins import WinRule, win_indices
from error_analysis.slicing.contrasts import contrast
from error_analysis.slicing.groups import Groups
from error_analysis.statistics.multiple_tests import benjamini_hochberg
from error_analysis.statistics.rank_plots import TITLES
from information_retrieval.ranking.query_ranks import Direction, QueryRanks
from preprocess.base.text_table import text_table

FOUND_AT = HARD_RANK
# Of fewer hard queries or wins in all, no group can tell anything.
LEAST_QUERIES = 10
_HEAD = ["  group", "queries", "in it", "elsewhere", "95 % interval", "odds ratio", "FDR"]
Question = Literal["hard", "difference", "wins"]
TOLD = {
    "hard": "{first}: hard queries, in percent",
    "difference": "{first} less {second}: R@10, in points",
    "wins": "{first} beats {second}: wins, in percent",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One question about one group.

    Attributes:
        question, first, second: see `TOLD`; second is "" of "hard".
        kind, group: of the group (see `Groups`).
        queries, images: in the group.
        inside, outside: percent of hard queries, or of wins, or the difference of R@10 in points.
        low, high: the 95 % interval of `inside`, by image.
        odds_ratio, odds_low, odds_high: of hard queries or wins; None where it has no meaning.
        p, fdr: two-sided, and the least false discovery rate at which it counts as found.
    """

    question: Question
    direction: Direction
    first: str
    second: str
    kind: str
    group: str
    queries: int
    images: int
    inside: float
    outside: float
    low: float
    high: float
    odds_ratio: float | None
    odds_low: float | None
    odds_high: float | None
    p: float
    fdr: float


def find_slices(
    ranks: Mapping[str, Mapping[Direction, QueryRanks]], groups: Mapping[Direction, Groups]
) -> tuple[Finding, ...]:
    """Ask every question of every group, the surest finding first.

    Args:
        ranks: model -> direction -> ranks of the queries that the groups are of.
    """
    asked: list[tuple[Question, Direction, str, str, np.ndarray]] = []
    for direction in groups:
        of_model = {name: found[direction] for name, found in ranks.items()}
        for name, one in of_model.items():
            hard = (one.ranks() >= HARD_RANK).astype(np.float64)
            asked.append(("hard", direction, name, "", hard))
        for first, second in combinations(of_model, 2):
            difference = of_model[first].found(FOUND_AT) - of_model[second].found(FOUND_AT)
            asked.append(("difference", direction, first, second, difference))
        for better, worse in permutations(of_model, 2):
            won = np.zeros(len(of_model[better].higher))
            pair = (of_model[better].ranks(), of_model[worse].ranks())
            won[win_indices(*pair, WinRule())] = 1
            asked.append(("wins", direction, better, worse, won))
    findings = [found for question in asked for found in _ask(*question, groups[question[1]])]
    if not findings:
        return ()
    rates = benjamini_hochberg(np.array([found["p"] for found in findings]))
    told = [Finding(**f, fdr=float(rate)) for f, rate in zip(findings, rates, strict=True)]
    return tuple(sorted(told, key=lambda finding: (finding.fdr, finding.p)))


def _ask(
    question: Question,
    direction: Direction,
    first: str,
    second: str,
    values: np.ndarray,
    groups: Groups,
) -> list[dict]:
    few = question != "difference" and min(values.sum(), len(values) - values.sum()) < LEAST_QUERIES
    if not groups.names or few or not values.any():
        return []
    found = contrast(groups, values, yes_or_no=question != "difference")
    n_queries, n_images = groups.n_queries, groups.n_images
    return [
        {
            "question": question,
            "direction": direction,
            "first": first,
            "second": second,
            "kind": groups.kinds[i],
            "group": groups.names[i],
            "queries": int(n_queries[i]),
            "images": int(n_images[i]),
            "inside": 100 * float(found.inside[i]),
            "outside": 100 * float(found.outside[i]),
            "low": 100 * float(found.low[i]),
            "high": 100 * float(found.high[i]),
            "odds_ratio": _number(found.odds_ratio[i]),
            "odds_low": _number(found.odds_low[i]),
            "odds_high": _number(found.odds_high[i]),
            "p": float(found.p[i]),
        }
        for i in range(len(groups.names))
    ]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def by_question(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Return the findings of each question and direction under its title, the surest first."""
    order = list(TOLD)
    found: dict[str, list[Finding]] = {}
    for finding in sorted(findings, key=lambda f: (f.direction, order.index(f.question))):
        title = TOLD[finding.question].format(first=finding.first, second=finding.second)
        found.setdefault(f"{title} of {TITLES[finding.direction]}", []).append(finding)
    return found


def findings_table(
    findings: Sequence[Finding], fdr: float, most: int = 10, most_questions: int = 12
) -> str:
    """Return the findings up to a false discovery rate as text.

    Args:
        most: at most so many of a question.
        most_questions: of a direction; those of three models are as many.
    """
    lines = []
    n_told: Counter[Direction] = Counter()
    for title, asked in by_question(findings).items():
        n_told[asked[0].direction] += 1
        if n_told[asked[0].direction] > most_questions:
            continue
        found = [finding for finding in asked if finding.fdr <= fdr]
        differ = f"{len(found):,} of {len(asked):,} groups differ, FDR {fdr:g}"
        lines.append(f"{title}: {differ}")
        rows = [_HEAD, *map(_row, found[:most])]
        lines += text_table(rows, "lrrrrrr") if found else []
    if n_more := sum(max(0, n - most_questions) for n in n_told.values()):
        lines.append(f"{n_more} questions more are answered in the file alone")
    return "\n".join(lines)


def _row(finding: Finding) -> list[str]:
    odds = finding.odds_ratio
    interval = f"{odds:.1f} [{finding.odds_low:.1f}, {finding.odds_high:.1f}]" if odds else ""
    return [
        f"  {finding.group} ({finding.kind})",
        f"{finding.queries:,}",
        f"{finding.inside:.1f}",
        f"{finding.outside:.1f}",
        f"[{finding.low:.1f}, {finding.high:.1f}]",
        interval,
        f"{finding.fdr:.2g}",
    ]
