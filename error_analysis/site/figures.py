"""The figures of ranks: which there are, as files for a paper and for a page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path

from matplotlib.figure import Figure

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.site.base.environment import figure_svg, page_text
from error_analysis.site.base.links import model_slugs
from error_analysis.statistics.rank_plots import TITLES, rank_histogram, rank_scatter
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction

FORMATS = ("png", "pdf")
DOTS_PER_INCH = 200
# Of many models, not every pair: six would have 30 plots, and as many tables on the first page.
MOST_PAIRS = 3


@dataclass(frozen=True)
class RankFigure:
    """A figure that is drawn when it is asked for.

    Attributes:
        name: of its files, without the ending.
        label: what it shows.
        pair: names of the two models whose ranks are drawn against each other; None: of all
            models, which a page shows as SVG (those of pairs have a table there).
    """

    name: str
    label: str
    direction: Direction
    draw: Callable[[], Figure]
    pair: tuple[str, str] | None = None

    def write_svg(self, folder: Path) -> None:
        """Write the SVG file that a page shows."""
        with page_text():
            svg = figure_svg(self.draw())
        (folder / f"{self.name}.svg").write_text(svg, "utf-8")

    def write(self, folder: Path) -> None:
        """Write the files for a paper."""
        drawn = self.draw()
        for ending in FORMATS:
            save_figure(drawn, folder / f"{self.name}.{ending}", ending)


def save_figure(figure: Figure, path: Path, ending: str) -> None:
    """Write a figure in the format of an ending; the same figure gives the same file."""
    metadata = {"CreationDate": None} if ending == "pdf" else None
    figure.savefig(path, format=ending, dpi=DOTS_PER_INCH, metadata=metadata)


def rank_figures(models: Sequence[ModelRankings]) -> list[RankFigure]:
    """Return the histogram of each direction, and the scatter plot of each direction and pair."""
    names = [model.name for model in models]
    slugs = dict(zip(names, model_slugs(names), strict=True))
    figures = [
        RankFigure(
            f"ranks_{direction}",
            f"Ranks of {TITLES[direction]}, by model",
            direction,
            partial(rank_histogram, models, direction),
        )
        for direction in DIRECTIONS
    ]
    for first, second in list(combinations(models, 2))[:MOST_PAIRS]:
        figures += [
            RankFigure(
                f"scatter_{slugs[first.name]}_{slugs[second.name]}_{direction}",
                f"Ranks of {TITLES[direction]} under {first.name} and under {second.name}",
                direction,
                partial(rank_scatter, first, second, direction),
                (first.name, second.name),
            )
            for direction in DIRECTIONS
        ]
    return figures
