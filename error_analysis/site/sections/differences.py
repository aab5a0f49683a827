"""Whether models differ: each two of them, and what is sure of it in a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.statistics.assessment import Pair, Significance
from error_analysis.statistics.paired_tests import PairedTests
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction

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
class Ahead:
    """How far one model's R@k is ahead of another's, in points, with its 95 % interval.

    Attributes:
        is_sure: its p by Holm is below `SURE`.
    """

    value: float
    low: float
    high: float
    is_sure: bool

    @property
    def reversed(self) -> "Ahead":
        """The same, as the other model sees it."""
        return Ahead(-self.value, -self.high, -self.low, self.is_sure)


@dataclass(frozen=True)
class Differences:
    """Each two models with their tests, those with a caption oracle last, and the verdicts.

    Attributes:
        ranking: by direction, the models by their R@1, the best first.
    """

    pairs: tuple[Pair, ...]
    verdicts: tuple[Verdict, ...]
    ranking: dict[Direction, tuple[str, ...]]
    sure: float = SURE

    def ahead(self, one: str, other: str, direction: Direction, k: int = 1) -> Ahead:
        """Return the R@k of one model less that of another one, in either order."""
        for pair in self.pairs:
            if {pair.first, pair.second} == {one, other}:
                found = pair.differences[f"{direction}_r{k}"]
                holm_p = {test.k: test.holm_p for test in pair.tests[direction].recalls}[k]
                is_sure = holm_p is not None and holm_p < self.sure
                ahead = Ahead(found.value, found.low, found.high, is_sure)
                return ahead if pair.first == one else ahead.reversed
        raise KeyError(f"{one}, {other}")

    def reach(self, direction: Direction) -> float:
        """Return the largest sure difference of R@1 of a direction; 1 where there is none."""
        found = [self.ahead(pair.first, pair.second, direction) for pair in self.pairs]
        return max((abs(one.value) for one in found if one.is_sure), default=1.0)


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
    ranking: dict[Direction, tuple[str, ...]] = {
        direction: tuple(
            sorted(
                significance.estimates,
                key=lambda name: -significance.estimates[name][f"{direction}_r1"].value,
            )
        )
        for direction in DIRECTIONS
    }
    return Differences(tuple(pairs), verdicts, ranking)


def _verdict(pair: Pair, direction: Direction, tests: PairedTests) -> Verdict:
    sure = [t for t in tests.recalls if t.holm_p is not None and t.holm_p < SURE]
    first = tuple(t.k for t in sure if t.first_only > t.second_only)
    second = tuple(t.k for t in sure if t.first_only < t.second_only)
    return Verdict(pair.first, pair.second, direction, first, second)
