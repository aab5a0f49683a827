"""What is known of several models: their metrics with intervals, and tests of each two of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.statistics.bootstrap import (
    METRICS,
    N_RESAMPLES,
    Estimate,
    estimate_metrics,
    image_of_query,
)
from error_analysis.statistics.paired_tests import N_PERMUTATIONS, PairedTests, paired_tests
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction, concatenate
from preprocess.base.text_table import text_table


@dataclass(frozen=True)
class Sampling:
    """How many resamples and permutations, and the seed that each model and pair starts from."""

    n_resamples: int = N_RESAMPLES
    n_permutations: int = N_PERMUTATIONS
    seed: int = 0

    def generator(self) -> np.random.Generator:
        """Return a new generator: the same draws for every model, whatever the others are."""
        return np.random.default_rng(self.seed)


@dataclass(frozen=True)
class Pair:
    """Two models' tests by direction."""

    first: str
    second: str
    tests: dict[Direction, PairedTests]


@dataclass(frozen=True)
class Significance:
    """The metrics of models by name, and the tests of each two of them."""

    estimates: dict[str, dict[str, Estimate]]
    pairs: tuple[Pair, ...]


def assess(galleries: Sequence[Sequence[ModelRankings]], sampling: Sampling) -> Significance:
    """Estimate the metrics of models, and test each two of them, over one gallery or folds.

    Args:
        galleries: of each gallery of a protocol, the same models.

    Raises:
        InputError: a gallery has fewer than 2 images.
    """
    models = list(zip(*galleries, strict=True))  # of each model, its galleries
    estimates = {
        folds[0].name: estimate_metrics(folds, sampling.generator(), sampling.n_resamples)
        for folds in models
    }
    pairs = tuple(_test(*two, sampling) for two in combinations(models, 2))
    return Significance(estimates, pairs)


def _test(
    first: Sequence[ModelRankings], second: Sequence[ModelRankings], sampling: Sampling
) -> Pair:
    generator = sampling.generator()
    sizes = [len(fold.rankings.image_ids) for fold in first]
    offsets = np.cumsum([0, *sizes[:-1]])  # images of different folds are different ones
    tests = {}
    for direction in DIRECTIONS:
        ranks, others = (
            concatenate([fold.query_ranks(direction) for fold in folds])
            for folds in (first, second)
        )
        image = np.concatenate(
            [image_of_query(f, direction) + o for f, o in zip(first, offsets, strict=True)]
        )
        tests[direction] = paired_tests(ranks, others, image, generator, sampling.n_permutations)
    return Pair(first[0].name, second[0].name, tests)


def significance_to_json(significance: Significance) -> dict:
    """Return metrics and tests as in the output file."""
    models = {
        name: {metric: asdict(estimate) for metric, estimate in metrics.items()}
        for name, metrics in significance.estimates.items()
    }
    pairs = [
        {"first": p.first, "second": p.second, **{d: asdict(t) for d, t in p.tests.items()}}
        for p in significance.pairs
    ]
    return {"models": models, "pairs": pairs}


def significance_table(significance: Significance, protocol: str, gallery: dict[str, int]) -> str:
    """Return metrics and tests as text.

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
    for pair in significance.pairs:
        lines.append(f"{pair.first} against {pair.second}: p-values")
        for direction, tests in pair.tests.items():
            lines += _test_lines(direction, tests)
    return "\n".join(lines)


def _interval(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def _tie_bounds(name: str, estimates: dict[str, Estimate]) -> str:
    rsum = estimates["rsum"]
    if rsum.optimistic == rsum.pessimistic:
        return f"{name}: rsum does not depend on ties"
    return f"{name}: rsum from {rsum.pessimistic:.2f} to {rsum.optimistic:.2f} by how ties break"


def _count(expected: float) -> str:
    return f"{expected:,.1f}".removesuffix(".0")


def _test_lines(direction: Direction, tests: PairedTests) -> list[str]:
    lines = [
        f"  {direction} R@{test.k}: McNemar {test.mcnemar_p:.2g}, by image {test.by_image_p:.2g}; "
        f"found by one alone: {_count(test.first_only)} against {_count(test.second_only)}"
        for test in tests.recalls
    ]
    mean = tests.reciprocal_rank
    lines.append(
        f"  {direction} reciprocal rank: by image {mean.by_image_p:.2g}; means {mean.first:.4f} "
        f"against {mean.second:.4f}"
    )
    return lines
