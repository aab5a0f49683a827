"""Who finds what: the hard queries of n models by exactly whom they are hard for.

The figure is an UpSet plot (Lex et al., 2014): a row a model, a column a combination of models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from error_analysis.queries.hard_overlap import HardOverlap
from information_retrieval.ranking.query_ranks import Direction

MOST_COLUMNS = 15
LEAST_MODELS = 3  # of two, a table of four rows tells the same


@dataclass(frozen=True)
class Column:
    """The queries that are hard for exactly these models, one or more.

    Attributes:
        models: in the order of the rows.
        span: the first and the last of their rows.
        finder: the one model that finds the queries, where all others miss them.
        is_all: all models miss them.
    """

    models: tuple[str, ...]
    queries: int
    span: tuple[int, int]
    finder: str | None
    is_all: bool


@dataclass(frozen=True)
class Upset:
    """The combinations of one direction.

    `queries` of all columns, `n_rest` and `n_none` add up to `n_queries`.

    Attributes:
        n_hard: by model.
        columns: most queries first, at most `MOST_COLUMNS`.
        n_others: how many further combinations there are.
        n_rest: their queries.
        n_none: queries that are hard for no model.
    """

    direction: Direction
    n_queries: int
    n_hard: dict[str, int]
    columns: tuple[Column, ...]
    n_others: int
    n_rest: int
    n_none: int

    @property
    def tallest(self) -> int:
        """The most queries of any column, the rest among them; at least 1."""
        return max(1, self.n_rest, *(column.queries for column in self.columns))

    @property
    def widest(self) -> int:
        """The most hard queries of any model; at least 1."""
        return max(1, *self.n_hard.values())


def find_upsets(overlaps: Mapping[Direction, HardOverlap]) -> tuple[Upset, ...]:
    """Return the combinations of each direction; none of fewer than `LEAST_MODELS` models."""
    return tuple(
        upset_of(direction, overlap)
        for direction, overlap in overlaps.items()
        if len(overlap.n_hard) >= LEAST_MODELS
    )


def upset_of(direction: Direction, overlap: HardOverlap, most: int = MOST_COLUMNS) -> Upset:
    """Return the combinations of one direction, at most `most` of them as columns."""
    names = list(overlap.n_hard)
    some = [(models, n) for models, n in overlap.combinations.items() if models]
    some.sort(key=lambda found: -found[1])  # stable: of as many queries, fewer models first
    rest = some[most:]
    return Upset(
        direction,
        overlap.n_queries,
        overlap.n_hard,
        tuple(_column(models, n, names) for models, n in some[:most]),
        len(rest),
        sum(n for _, n in rest),
        overlap.combinations.get((), 0),
    )


def _column(models: tuple[str, ...], queries: int, names: Sequence[str]) -> Column:
    rows = [names.index(name) for name in models]
    finders = [name for name in names if name not in models]
    finder = finders[0] if len(finders) == 1 else None
    return Column(models, queries, (min(rows), max(rows)), finder, not finders)
