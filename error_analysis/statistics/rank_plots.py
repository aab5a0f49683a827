"""Figures of ranks. They are returned, not shown or written."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import NullLocator

from error_analysis.queries.model_rankings import ModelRankings
from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.ranking.query_ranks import Direction

TITLES = {"i2t": "image queries", "t2i": "caption queries"}
# Paul Tol's bright scheme: distinct to the colour-blind, on light and on dark. Of more than six
# models, others that are far from these.
MODEL_COLORS = (
    *("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377"),
    *("#ee7733", "#8c8c8c", "#9988dd", "#8c5a3c", "#44bb99", "#99aa33"),
)
HARD_SHADE: dict[str, Any] = {"color": "#888888", "alpha": 0.13, "zorder": 0, "linewidth": 0}
# One query has a bar, which would have no height where the logarithmic axis begins at 1.
LEAST_COUNT = 0.5
MOST_IN_ROW = 4  # names of models in a legend
ROW_INCHES = 0.2  # of its rows
# Bars with their counts written on top need this much room.
MOST_LABELLED_BARS = 30
SCATTER_COLOR = MODEL_COLORS[0]
CELLS_PER_DECADE = 8
# Of rank + 1, where the cells of rank 0 begin: 1 is in their middle on a logarithmic axis.
LEAST_DRAWN = 0.75


def model_color(position: int) -> str:
    """Return the colour of the model at a position in the list of models."""
    return MODEL_COLORS[position % len(MODEL_COLORS)]


def rank_edges(n_documents: int) -> list[int]:
    """Return bin edges that begin with the recalls' cutoffs, so that bins add up to R@1, 5, 10.

    Returns:
        0, 1, 5, 10, 20, 50, 100, 200, 500, ..., the last above every 0-based rank.
    """
    edges = [0, *CUTOFFS]
    while edges[-1] < n_documents:
        edges.append(edges[-1] * 5 // 2 if str(edges[-1])[0] == "2" else edges[-1] * 2)
    return edges


def rank_counts(ranks: np.ndarray, edges: Sequence[int]) -> np.ndarray:
    """Return the number of queries whose rank is in each bin [edge, next edge).

    Args:
        ranks: (n_queries,) float64, 0-based.

    Returns:
        (len(edges) - 1,) int64.
    """
    return np.histogram(ranks, edges)[0]


def rank_histogram(models: Sequence[ModelRankings], direction: Direction) -> Figure:
    """Draw how many queries have which rank, by model; hard ranks are shaded.

    The axis is logarithmic, and counts stand on the bars: a handful of hard queries is seen beside
    thousands of easy ones.
    """
    ranks_of = [model.query_ranks(direction).ranks() for model in models]
    edges = rank_edges(1 + int(max(ranks.max() for ranks in ranks_of)))
    figure = Figure(figsize=(5.4, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.set_yscale("log")
    bars = _draw_bars(axes, [rank_counts(ranks, edges) for ranks in ranks_of])
    axes.axvspan(edges.index(CUTOFFS[-1]) - 0.5, len(edges), **HARD_SHADE)
    axes.set_xlim(-0.6, len(edges) - 1.4)
    axes.set_ylim(LEAST_COUNT, 2 * len(ranks_of[0]))
    labels = [
        f"{low:,}" if high - low == 1 else f"{low:,}–{high - 1:,}" for low, high in pairwise(edges)
    ]
    axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(*_count_ticks(len(ranks_of[0])))
    axes.minorticks_off()
    axes.set_xlabel("rank of the best ground truth (shaded: hard)")
    axes.set_ylabel(f"{TITLES[direction]}, logarithmic")
    axes.spines[["top", "right"]].set_visible(False)
    _add_legend(figure, bars, [model.name for model in models])
    return figure


def _add_legend(figure: Figure, bars: Sequence[BarContainer], names: Sequence[str]) -> None:
    """Name the bars above the axes, as many in a row as fit; the figure grows with the rows."""
    for n_columns in range(min(len(names), MOST_IN_ROW), 0, -1):
        # matplotlib's types leave out containers, which its legends take.
        legend = figure.legend(  # type: ignore[call-overload]
            bars, [""] * len(names), loc="outside upper left", ncols=n_columns, frameon=False
        )
        for text, name in zip(legend.get_texts(), names, strict=True):
            # Set here, a name may begin with "_" or hold "$", which mean something in a label.
            _set_text(text, name)
        figure.draw_without_rendering()
        if n_columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            n_rows = -(-len(names) // n_columns)
            figure.set_figheight(figure.get_figheight() + ROW_INCHES * max(0, n_rows - 2))
            return
        legend.remove()


def _draw_bars(axes: Axes, counts_of: Sequence[np.ndarray]) -> list[BarContainer]:
    """Draw the models' bars (n_bins,) side by side, with their counts where there is room."""
    width = 0.84 / len(counts_of)
    labelled = sum(map(len, counts_of)) <= MOST_LABELLED_BARS
    drawn = []
    for i, counts in enumerate(counts_of):
        places = np.arange(len(counts)) + (i - (len(counts_of) - 1) / 2) * width
        heights = np.maximum(counts - LEAST_COUNT, 0)
        bars = axes.bar(places, heights, 0.94 * width, LEAST_COUNT, color=model_color(i))
        if labelled:
            labels = [f"{count:,}" if count else "" for count in counts.tolist()]
            axes.bar_label(bars, labels, padding=1, fontsize=7)
        drawn.append(bars)
    return drawn


def _count_ticks(largest: int) -> tuple[list[int], list[str]]:
    """Return 1, 10, 100, ... up to the largest count; 1, 2, 5, 10, ... where these are few."""
    steps = (1,) if largest >= 100 else (1, 2, 5)
    ticks = [s * 10**power for power in range(len(str(largest))) for s in steps]
    ticks = [tick for tick in ticks if tick <= largest]
    return ticks, [f"{tick:,}" for tick in ticks]


def _set_text(text: Text, name: str) -> None:
    text.set_parse_math(False)
    text.set_text(name)


def cell_edges(largest: float) -> np.ndarray:
    """Return bin edges of ranks that are nearly even on a logarithmic axis.

    They are whole numbers: a cell of less than one rank would be an empty stripe. Those of R@1, 5
    and 10 are among them.

    Returns:
        0, 1, 2, 3, 4, 5, 7, 10, 14, ..., int64, of which the last alone is above `largest`.
    """
    first_hard = CUTOFFS[-1] + 0.5  # of rank + 1, as the axis has it
    n_hard = int(np.ceil(CELLS_PER_DECADE * np.log10((largest + 2) / first_hard + 1)))
    steps = np.arange(-CELLS_PER_DECADE, n_hard + 1) / CELLS_PER_DECADE
    edges = np.unique([0, *np.floor(first_hard * 10**steps).astype(np.int64)])
    return edges[: np.searchsorted(edges, largest, side="right") + 1]


def rank_scatter(first: ModelRankings, second: ModelRankings, direction: Direction) -> Figure:
    """Draw each query's rank under one model against that under another, logarithmic.

    Thousands of queries share a place: a cell's darkness is their number. On the diagonal both
    models rank the query the same; hard ranks are shaded.
    """
    ranks = [model.query_ranks(direction).ranks() for model in (first, second)]
    bins = cell_edges(max(values.max() for values in ranks))
    counts = np.histogram2d(ranks[0], ranks[1], (bins, bins))[0]
    edges = np.array([LEAST_DRAWN, *(bins[1:] + 0.5)])  # of rank + 1, between ranks
    figure = Figure(figsize=(4.4, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.set(xscale="log", yscale="log", aspect="equal")
    for span in (axes.axvspan, axes.axhspan):
        span(CUTOFFS[-1] + 0.5, edges[-1], **HARD_SHADE)
    axes.plot(edges[[0, -1]], edges[[0, -1]], color="#888888", linewidth=0.8, zorder=1)
    cells = _draw_cells(axes, edges, counts)
    bar = figure.colorbar(cells, ax=axes, shrink=0.7, label="queries")
    ticks, labels = _count_ticks(int(max(2, counts.max())))
    bar.set_ticks(ticks, labels=labels)
    bar.ax.minorticks_off()
    ticks = [rank for rank in (0, 1, 4, 9, 99, 999, 9999, 99999) if rank + 1 < edges[-1]]
    for axis, model in ((axes.xaxis, first), (axes.yaxis, second)):
        axis.set_ticks([rank + 1 for rank in ticks], [f"{rank:,}" for rank in ticks])
        axis.set_minor_locator(NullLocator())
        _set_text(axis.label, f"rank under {model.name} (logarithmic)")
    axes.set(xlim=edges[[0, -1]], ylim=edges[[0, -1]])
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_cells(axes: Axes, edges: np.ndarray, counts: np.ndarray) -> PolyCollection:
    """Draw each cell that has queries, (n_cells, n_cells) along x and y, from edge to edge."""
    columns, rows = np.nonzero(counts)
    left, right, bottom, top = edges[columns], edges[columns + 1], edges[rows], edges[rows + 1]
    corners = np.array([(left, bottom), (right, bottom), (right, top), (left, top)])
    cells = PolyCollection(
        list(corners.transpose(2, 0, 1)), array=counts[columns, rows], cmap=_shades(),
        norm=LogNorm(1, max(2, counts.max())), linewidths=0, antialiaseds=False, zorder=2,
    )  # fmt: skip
    axes.add_collection(cells)
    return cells


def _shades() -> ListedColormap:
    """Return shades of one colour, translucent to full, that fit light and dark pages."""
    red, green, blue = (int(SCATTER_COLOR[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return ListedColormap([(red, green, blue, alpha) for alpha in np.linspace(0.3, 1, 64)])
