"""What is known of several models: their metrics with intervals, and tests of each two of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import ceil

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.statistics.bootstrap import (
    METRICS,
    Estimate,
    Interval,
    estimate_differences,
    estimate_metrics,
    resample,
)
from error_analysis.statistics.paired_tests import (
    N_PERMUTATIONS,
    Outcomes,
    PairedTests,
    RecallTest,
    ReciprocalRankTest,
    outcomes,
    paired_tests,
)
from error_analysis.statistics.resampling import N_RESAMPLES
from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction, concatenate
from preprocess.base.text_table import text_table

# Permutations tell no p-value below 1 / (their number + 1) apart, and Holm's correction multiplies
# the least by the number of tests: for each so many of them, as many permutations more, and it can
# be as small as 0.01.
MOST_TESTS = 100
MOST_PAIRS = 6  # of four models, that are told as text


@dataclass(frozen=True)
class Sampling:
    """How many resamples and permutations, and the seed that resamples and tests start from.

    Attributes:
        n_permutations: of a few pairs; of many, a multiple (see `permutations_of`).
    """

    n_resamples: int = N_RESAMPLES
    n_permutations: int = N_PERMUTATIONS
    seed: int = 0

    def generator(self) -> np.random.Generator:
        """Return a new generator: the same draws for every model, whatever the others are."""
        return np.random.default_rng(self.seed)

    def permutations_of(self, n_models: int) -> int:
        """Return how many permutations each test of each two of so many models takes."""
        n_tests = n_models * (n_models - 1) // 2 * len(DIRECTIONS) * (len(CUTOFFS) + 1)
        return self.n_permutations * max(1, ceil(n_tests / MOST_TESTS))


@dataclass(frozen=True)
class Pair:
    """Two models: the first's metrics less the second's, by name, and tests by direction."""

    first: str
    second: str
    differences: dict[str, Interval]
    tests: dict[Direction, PairedTests]


@dataclass(frozen=True)
class Significance:
    """The metrics of models by name, and the tests of each two of them."""

    estimates: dict[str, dict[str, Estimate]]
    pairs: tuple[Pair, ...]


def assess(galleries: Sequence[Sequence[ModelRankings]], sampling: Sampling) -> Significance:
    """Estimate the metrics of models, and test each two of them, over one gallery or folds.

    Holm's correction is for all tests by image here: of each two models, both directions, at each
    cutoff and of reciprocal ranks. Other protocols' tests are a family of their own.

    Args:
        galleries: of each gallery of a protocol, the same models.

    Raises:
        InputError: a gallery has fewer than 2 images.
    """
    models = list(zip(*galleries, strict=True))  # of each model, its galleries
    # Each from the same seed, so that every model is asked for the same images.
    resampled = {
        folds[0].name: resample(folds, sampling.generator(), sampling.n_resamples)
        for folds in models
    }
    estimates = {
        folds[0].name: estimate_metrics(folds, resampled[folds[0].name]) for folds in models
    }
    generator, n_permutations = sampling.generator(), sampling.permutations_of(len(models))
    tests = paired_tests([_outcomes(folds) for folds in models], generator, n_permutations)
    pairs = []
    for folds, of_pair in zip(combinations(models, 2), tests, strict=True):
        first, second = (of_model[0].name for of_model in folds)
        differences = estimate_differences(resampled[first], resampled[second])
        pairs.append(Pair(first, second, differences, of_pair))
    return Significance(estimates, tuple(pairs))


def _outcomes(folds: Sequence[ModelRankings]) -> dict[Direction, Outcomes]:
    """Return what a model's queries came to, of all folds together."""
    sizes = [len(fold.rankings.image_ids) for fold in folds]
    offsets = np.cumsum([0, *sizes[:-1]])  # images of different folds are different ones
    found: dict[Direction, Outcomes] = {}
    for direction in DIRECTIONS:
        ranks = concatenate([fold.query_ranks(direction) for fold in folds])
        images = [f.image_of_query(direction) + o for f, o in zip(folds, offsets, strict=True)]
        found[direction] = outcomes(ranks, np.concatenate(images), sum(sizes))
    return found


def significance_to_json(significance: Significance) -> dict:
    """Return metrics and tests as in the output file."""
    models = {
        name: {metric: asdict(estimate) for metric, estimate in metrics.items()}
        for name, metrics in significance.estimates.items()
    }
    pairs = [
        {
            "first": pair.first,
            "second": pair.second,
            "differences": {name: asdict(found) for name, found in pair.differences.items()},
            **{direction: asdict(tests) for direction, tests in pair.tests.items()},
        }
        for pair in significance.pairs
    ]
    return {"models": models, "pairs": pairs}


def significance_table(significance: Significance, protocol: str, gallery: dict[str, int]) -> str:
    """Return metrics as text, and of up to `MOST_PAIRS` pairs their tests.

    Args:
        gallery: how many "images" and "captions" were asked for, in all folds together.
    """
    estimates = significance.estimates
    rows = [["", *estimates]]
    for metric in METRICS:
        rows.append([metric, *(_interval(of_model[metric]) for of_model in estimates.values())])
    lines = [
        f"protocol {protocol}: {gallery['images']:,} images, {gallery['captions']:,} captions; "
        "95 % intervals in brackets",
        *text_table(rows, "l" + "r" * len(estimates)),
    ]
    lines += [_tie_bounds(name, of_model) for name, of_model in estimates.items()]
    if len(significance.pairs) > MOST_PAIRS:
        n_pairs = len(significance.pairs)
        lines.append(f"the tests of {n_pairs} pairs of models are in the file alone")
        return "\n".join(lines)
    for pair in significance.pairs:
        lines.append(
            f"{pair.first} against {pair.second}: {pair.first}'s metric less {pair.second}'s, "
            "queries found by one alone, p-values"
        )
        lines += text_table(_pair_rows(pair), "lrrrrr")
    if significance.pairs:
        lines.append("Holm: the p-values by image, corrected for all of them above")
    return "\n".join(lines)


def _interval(estimate: Interval) -> str:
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def _tie_bounds(name: str, estimates: dict[str, Estimate]) -> str:
    rsum = estimates["rsum"]
    if rsum.optimistic == rsum.pessimistic:
        return f"{name}: rsum does not depend on ties"
    return f"{name}: rsum from {rsum.pessimistic:.2f} to {rsum.optimistic:.2f} by how ties break"


def _count(expected: float) -> str:
    return f"{expected:,.1f}".removesuffix(".0")


def _pair_rows(pair: Pair) -> list[list[str]]:
    """Return the head and a row a metric; of reciprocal ranks the means stand for a difference."""
    tested = {}
    for direction, tests in pair.tests.items():
        for test in tests.recalls:
            alone = f"{_count(test.first_only)} : {_count(test.second_only)}"
            tested[f"{direction}_r{test.k}"] = [alone, *_p_values(test), f"{test.mcnemar_p:.2g}"]
    rows = [["", "difference", "one alone", "by image", "Holm", "McNemar"]]
    for name, difference in pair.differences.items():
        rows.append([name, _interval(difference), *tested.get(name, [""] * 4)])
    for direction, tests in pair.tests.items():
        mean = tests.reciprocal_rank
        means = f"{mean.first:.4f} - {mean.second:.4f}"
        rows.append([f"{direction}_reciprocal_rank", means, "", *_p_values(mean), ""])
    return rows


def _p_values(test: RecallTest | ReciprocalRankTest) -> list[str]:
    return [f"{test.by_image_p:.2g}", f"{test.holm_p:.2g}"]
