"""Can hard queries be told from the query alone? Two small models, cross-validated by image.

A logistic regression on standardised features, and boosted trees. The folds share no image, for
the captions of an image share its fate; they have about the same share of hard queries each. What
is reported of a model comes from queries that it has not seen. AUC is the chance that it puts a
hard query above one that is not hard: 0.5 is guessing.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from error_analysis.predicting.query_features import QueryFeatures

N_FOLDS = 5
# Of hard queries, and of others: two a fold. With so few the AUCs of the folds lie far apart.
LEAST_IMAGES = 10
N_PERMUTATIONS = 10


@dataclass(frozen=True)
class Spread:
    """A number that each fold gives: (n_folds,) float64."""

    values: np.ndarray

    @property
    def mean(self) -> float:
        return float(np.mean(self.values))

    @property
    def deviation(self) -> float:
        """The standard deviation over the folds."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else 0.0


@dataclass(frozen=True)
class Weight:
    """How much a feature tells.

    Attributes:
        coefficient: of the logistic regression, for one standard deviation: above 0, more of the
            feature makes a query harder, the other features being equal.
        importance: AUC that the trees lose on unseen queries when the feature is shuffled. Of
            features that tell the same, each may have little.
    """

    name: str
    coefficient: Spread
    importance: Spread


@dataclass(frozen=True)
class Difficulty:
    """What predicts hard queries of one direction.

    Attributes:
        n_queries, n_hard, n_images: that the models were trained and tested on.
        logistic, trees: AUC of each.
        weights: of each feature, greatest importance first.
        constant: features left out because all queries have the same.
    """

    n_queries: int
    n_hard: int
    n_images: int
    logistic: Spread
    trees: Spread
    weights: tuple[Weight, ...]
    constant: tuple[str, ...]


def too_few(features: QueryFeatures, hard: np.ndarray) -> str | None:
    """Return why nothing can be said of what predicts `hard` (n_queries,) bool; None if it can."""
    for kind, chosen in (("hard", hard), ("not hard", ~hard)):
        n_images = len(np.unique(features.image[chosen]))
        if n_images < LEAST_IMAGES:
            return (
                f"{chosen.sum():,} of {len(hard):,} queries, of {n_images:,} images, are {kind}: "
                f"too few to learn from (expected those of at least {LEAST_IMAGES} images)"
            )
    if not _varying(features).any():
        return "all queries have the same features: nothing to learn from"
    return None


def predict_difficulty(features: QueryFeatures, hard: np.ndarray, seed: int = 0) -> Difficulty:
    """Learn to tell hard queries from others, and test on images that were not learnt from.

    Args:
        hard: (n_queries,) bool.
        seed: of the folds, the trees and the shuffles.

    Raises:
        ValueError: `too_few`.
    """
    reason = too_few(features, hard)
    if reason:
        raise ValueError(reason)
    varying = _varying(features)
    values = features.values[:, varying]
    names = [name for name, kept in zip(features.names, varying, strict=True) if kept]
    folds = StratifiedGroupKFold(N_FOLDS, shuffle=True, random_state=seed)
    rows = []
    # So small trees take longer on several threads than on one, and much longer on busy cores.
    with threadpool_limits(1):
        for train, test in folds.split(values, hard, features.image):
            # Where hard queries lie in few images, a fold may be left without.
            if 0 < hard[test].sum() < len(test) and 0 < hard[train].sum() < len(train):
                rows.append(_fit_fold(values, hard, train, test, seed))
    logistic, trees, coefficients, importances = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    weights = [
        Weight(name, Spread(coefficients[:, i]), Spread(importances[:, i]))
        for i, name in enumerate(names)
    ]
    return Difficulty(
        n_queries=len(hard),
        n_hard=int(hard.sum()),
        n_images=len(np.unique(features.image)),
        logistic=Spread(logistic),
        trees=Spread(trees),
        weights=tuple(sorted(weights, key=lambda weight: -weight.importance.mean)),
        constant=tuple(n for n, kept in zip(features.names, varying, strict=True) if not kept),
    )


def _varying(features: QueryFeatures) -> np.ndarray:
    return np.ptp(features.values, axis=0) > 0


def logistic_model() -> Pipeline:
    """Return an untrained logistic regression on standardised features."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def tree_model(seed: int) -> HistGradientBoostingClassifier:
    """Return untrained trees: few and small, for some hundred queries are few."""
    return HistGradientBoostingClassifier(
        max_iter=60, max_leaf_nodes=8, early_stopping=False, random_state=seed
    )


def _fit_fold(
    values: np.ndarray, hard: np.ndarray, train: np.ndarray, test: np.ndarray, seed: int
) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Return both AUCs, the coefficients and the importances, (n_features,) each, of one fold."""
    logistic = logistic_model().fit(values[train], hard[train])
    trees = tree_model(seed).fit(values[train], hard[train])
    shuffled = permutation_importance(
        trees,
        values[test],
        hard[test],
        scoring="roc_auc",
        n_repeats=N_PERMUTATIONS,
        random_state=seed,
    )
    return (
        _auc(logistic, values[test], hard[test]),
        _auc(trees, values[test], hard[test]),
        logistic[-1].coef_[0],
        shuffled.importances_mean,
    )


def _auc(
    model: Pipeline | HistGradientBoostingClassifier, values: np.ndarray, hard: np.ndarray
) -> float:
    return float(roc_auc_score(hard, model.predict_proba(values)[:, 1]))


def difficulty_to_json(difficulty: Difficulty) -> dict:
    """Return the numbers as JSON holds them."""

    def spread(of_folds: Spread) -> dict:
        return {
            "mean": of_folds.mean,
            "deviation": of_folds.deviation,
            "folds": of_folds.values.tolist(),
        }

    return {
        "queries": difficulty.n_queries,
        "hard": difficulty.n_hard,
        "images": difficulty.n_images,
        "auc": {
            "logistic_regression": spread(difficulty.logistic),
            "boosted_trees": spread(difficulty.trees),
        },
        "weights": [
            {
                "feature": weight.name,
                "coefficient": spread(weight.coefficient),
                "importance": spread(weight.importance),
            }
            for weight in difficulty.weights
        ],
        "constant_features": list(difficulty.constant),
    }


def difficulty_table(difficulty: Difficulty) -> str:
    """Return the AUCs and the weights as text."""
    lines = [
        f"{difficulty.n_hard:,} of {difficulty.n_queries:,} queries are hard; AUC on images not "
        f"learnt from: logistic regression {_shown(difficulty.logistic, '.2f')}, boosted trees "
        f"{_shown(difficulty.trees, '.2f')} (± standard deviation over folds)",
        f"  {'feature':28}{'coefficient':>18}{'importance':>20}",
    ]
    for weight in difficulty.weights:
        coefficient = _shown(weight.coefficient, "+.2f")
        lines.append(f"  {weight.name:28}{coefficient:>18}{_shown(weight.importance, '+.3f'):>20}")
    if difficulty.constant:
        lines.append(f"  the same for all queries: {', '.join(difficulty.constant)}")
    return "\n".join(lines)


def _shown(spread: Spread, form: str) -> str:
    return f"{spread.mean:{form}} ± {spread.deviation:{form.lstrip('+')}}"
