"""Where one model beats another: how many queries, and how many chance alone would give."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.wins import WinRule, win_indices
from error_analysis.site.sections.bounds import last_below
from error_analysis.site.sections.origin import (
    models_described,
    no_such_file,
    other_rankings,
    read_output,
)
from error_analysis.statistics.win_counts import WinCount, count_wins
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from preprocess.base.errors import InputError

COMMAND = "comparison"


@dataclass(frozen=True)
class NoiseFloor:
    """The wins of two runs of one model over each other: what chance gives.

    Attributes:
        in_folds: of the models, where the noise floor is of five folds: theirs, to compare with.
    """

    counted: tuple[WinCount, ...]
    in_folds: tuple[WinCount, ...] = ()


@dataclass(frozen=True)
class Wins:
    """The wins of each ordered pair of models.

    Attributes:
        rule: when a model beats another.
        counted: the wins, with intervals over images.
        last: by the better model and direction, the bound of its ranks (see `last_below`).
        noise: None: unknown.
    """

    rule: WinRule
    counted: tuple[WinCount, ...]
    last: dict[str, dict[Direction, float]]
    noise: NoiseFloor | None

    def count(self, better: str, worse: str, direction: Direction) -> int:
        """Return on how many queries one model beats another one."""
        [found] = [one for one in self.counted if (one.better, one.worse) == (better, worse)]
        return found.counts[direction]

    @property
    def most(self) -> int:
        """The most wins of any model over another in a direction; at least 1."""
        return max(1, *(n for one in self.counted for n in one.counts.values()))


def find_wins(models: Sequence[ModelRankings], noise: NoiseFloor | None = None) -> Wins | None:
    """Count the wins of every ordered pair of models; None for one model."""
    if len(models) < 2:
        return None
    rule = WinRule()
    return Wins(rule, tuple(count_wins([models], rule)), last_of_better(models, rule), noise)


def last_of_better(
    models: Sequence[ModelRankings], rule: WinRule
) -> dict[str, dict[Direction, float]]:
    """Return, by model and direction, the bound of the ranks at which it can win."""
    return {
        model.name: {d: last_below(rule.max_rank, model.query_ranks(d).ranks()) for d in DIRECTIONS}
        for model in models
    }


def read_noise_floor(path: Path, models: Sequence[ModelRankings]) -> NoiseFloor | None:
    """Read the noise floor that `python -m error_analysis.comparison --noise` counted.

    Returns:
        None where the command had no --noise.

    Raises:
        InputError: the file is missing, no such file, of another rule, or of other rankings than
            the models'.
    """
    content = read_output(path, COMMAND)
    rule = WinRule()
    with no_such_file(path, COMMAND):
        metadata, folds = content["metadata"], "folds" in content
        described, told, noise = metadata["models"], metadata["counts"], metadata["noise_floor"]
        counted, told_rule = tuple(map(_win_count, told)), str(metadata["rule"])
        floor = tuple(map(_win_count, noise["counts"])) if noise else ()
        keys = ("split_sha256",) if folds else ("split_sha256", "gallery")
        known = models_described(path, COMMAND, described, models, keys)
    beats = f"better rank < {rule.max_rank} and worse rank - better rank >= {rule.margin}"
    if told_rule != beats:
        raise InputError(
            f"{path}: expected the rule {beats!r}, found {told_rule!r}; repeat `python -m "
            f"error_analysis.{COMMAND}` without --max_rank and --margin"
        )
    for better, worse in permutations(known, 2):
        if not folds and not _has_wins(counted, better, worse, rule):
            raise other_rankings(path, COMMAND, better, [found["name"] for found in described])
    names = {model.name for model in known}
    of_models = [one for one in counted if {one.better, one.worse} <= names]
    return NoiseFloor(floor, tuple(of_models) if folds else ()) if floor else None


def _has_wins(
    counted: Sequence[WinCount], better: ModelRankings, worse: ModelRankings, rule: WinRule
) -> bool:
    """Tell whether counts are those of two models."""
    own: dict[Direction, int] = {}
    for direction in DIRECTIONS:
        ranks, others = (model.query_ranks(direction).ranks() for model in (better, worse))
        own[direction] = len(win_indices(ranks, others, rule))
    told = {(one.better, one.worse): one.counts for one in counted}
    return told.get((better.name, worse.name)) == own


def _win_count(told: dict) -> WinCount:
    intervals = told["wins_interval"]
    return WinCount(
        str(told["better"]),
        str(told["worse"]),
        {direction: int(told[direction]) for direction in DIRECTIONS},
        {d: (float(intervals[d][0]), float(intervals[d][1])) for d in DIRECTIONS},
    )
