"""What predicts that a query is hard, as error_analysis.difficulty learnt it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.site.sections.origin import (
    models_described,
    no_such_file,
    other_rankings,
    read_output,
)
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction

COMMAND = "difficulty"
MOST_FEATURES = 6  # of a model and direction
HARD = re.compile(r"rank >= (\d+)")


@dataclass(frozen=True)
class Spread:
    """A mean over folds, with the standard deviation."""

    mean: float
    deviation: float


@dataclass(frozen=True)
class Feature:
    """How much a feature tells (see `predicting.difficulty_model.Weight`)."""

    name: str
    coefficient: Spread
    importance: Spread


@dataclass(frozen=True)
class Prediction:
    """What was learnt of one model and direction.

    Attributes:
        logistic, trees: AUC on images that were not learnt from.
        features: the most important first, at most `MOST_FEATURES` of `n_features`.
    """

    n_queries: int
    n_hard: int
    logistic: Spread
    trees: Spread
    features: tuple[Feature, ...]
    n_features: int

    def reach(self, of: str) -> float:
        """Return the largest size of the mean "coefficient" or "importance" of any feature."""
        return max((abs(getattr(feature, of).mean) for feature in self.features), default=0) or 1


@dataclass(frozen=True)
class Difficulty:
    """What was learnt of some models.

    Attributes:
        found: by model and direction, what was learnt, or why nothing could be.
        hard_rank: from which 0-based rank on a query is hard here.
    """

    found: dict[str, dict[Direction, Prediction | str]]
    hard_rank: int


def read_difficulty(path: Path, models: Sequence[ModelRankings]) -> Difficulty:
    """Read what `python -m error_analysis.difficulty` wrote.

    Raises:
        InputError: the file is missing, no such file, or of other rankings than the models'.
    """
    content = read_output(path, COMMAND)
    with no_such_file(path, COMMAND):
        described = content["metadata"]["models"]
        rule = HARD.fullmatch(content["metadata"]["rules"]["hard"])
        if rule is None:
            raise ValueError("its rule of what is hard is not like 'rank >= 10'")
        keys = ("split_sha256", "protocol")
        known = models_described(path, COMMAND, described, models, keys)
        found = {
            model.name: {d: _prediction(content["models"][model.name][d]) for d in DIRECTIONS}
            for model in known
        }
    difficulty = Difficulty(found, int(rule[1]))
    for model in known:
        if not _is_of(difficulty, model):
            raise other_rankings(path, COMMAND, model, [one["name"] for one in described])
    return difficulty


def _is_of(difficulty: Difficulty, model: ModelRankings) -> bool:
    """Tell whether as many queries are hard as the file says; of folds that is not known."""
    if model.protocol == "5fold":
        return True
    for direction, found in difficulty.found[model.name].items():
        ranks = model.query_ranks(direction).ranks()
        own = len(ranks), int((ranks >= difficulty.hard_rank).sum())
        if isinstance(found, Prediction) and (found.n_queries, found.n_hard) != own:
            return False
    return True


def _prediction(told: dict) -> Prediction | str:
    found = told["difficulty"]
    if found is None:
        return str(told["too_few"])
    auc, weights = found["auc"], found["weights"]
    return Prediction(
        int(found["queries"]),
        int(found["hard"]),
        _spread(auc["logistic_regression"]),
        _spread(auc["boosted_trees"]),
        tuple(
            Feature(str(w["feature"]), _spread(w["coefficient"]), _spread(w["importance"]))
            for w in weights[:MOST_FEATURES]
        ),
        len(weights),
    )


def _spread(told: dict) -> Spread:
    return Spread(float(told["mean"]), float(told["deviation"]))
