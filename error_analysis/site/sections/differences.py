"""Whether models differ: each two of them, and what is sure of it in a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.statistics.assessment import Pair, Significance
from error_analysis.statistics.paired_tests import PairedTests
from information_retrieval.ranking.query_ranks import Direction

SURE = 0.05  # of the p by Holm


@dataclass(frozen=True)
class Verdict:
    """In what one of two models is surely ahead, in one direction.

    Attributes:
        first_ahead, second_ahead: the cutoffs k of those R@k.
    """

    first: str
    second: str
    direction: Direction
    first_ahead: tuple[int, ...]
    second_ahead: tuple[int, ...]


@dataclass(frozen=True)
class Differences:
    """Each two models with their tests, those with a caption oracle last, and the verdicts."""

    pairs: tuple[Pair, ...]
    verdicts: tuple[Verdict, ...]
    sure: float = SURE


def find_differences(
    significance: Significance, models: Sequence[ModelRankings]
) -> Differences | None:
    """Return the tests of each two models; None of one model."""
    if not significance.pairs:
        return None
    oracles = {model.name for model in models if model.rankings.metadata.get("oracle")}
    pairs = sorted(significance.pairs, key=lambda pair: bool(oracles & {pair.first, pair.second}))
    verdicts = tuple(
        _verdict(pair, direction, tests)
        for pair in pairs
        for direction, tests in pair.tests.items()
    )
    return Differences(tuple(pairs), verdicts)


def _verdict(pair: Pair, direction: Direction, tests: PairedTests) -> Verdict:
    sure = [t for t in tests.recalls if t.holm_p is not None and t.holm_p < SURE]
    first = tuple(t.k for t in sure if t.first_only > t.second_only)
    second = tuple(t.k for t in sure if t.first_only < t.second_only)
    return Verdict(pair.first, pair.second, direction, first, second)
