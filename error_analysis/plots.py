"""Figures of ranks. They are returned, not shown or written."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure

from error_analysis.model_rankings import ModelRankings
from information_retrieval.metrics import CUTOFFS, Direction

TITLES = {"i2t": "image queries", "t2i": "caption queries"}
# Paul Tol's bright scheme: distinct to the colour-blind, on light and on dark.
MODEL_COLORS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")


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


def rank_shares(ranks: np.ndarray, edges: Sequence[int]) -> np.ndarray:
    """Return the percentage of queries whose rank is in each bin [edge, next edge).

    Args:
        ranks: (n_queries,) float64, 0-based.

    Returns:
        (len(edges) - 1,) float64.
    """
    return 100.0 * np.histogram(ranks, edges)[0] / len(ranks)


def rank_histogram(models: Sequence[ModelRankings], direction: Direction) -> Figure:
    """Draw the distribution of the ranks of models over one gallery; hard ranks are shaded."""
    ranks_of = [model.query_ranks(direction).ranks() for model in models]
    edges = rank_edges(1 + int(max(ranks.max() for ranks in ranks_of)))
    positions = np.arange(len(edges) - 1)
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(models)
    bars = [
        axes.bar(
            positions + (i - (len(models) - 1) / 2) * width,
            rank_shares(ranks, edges),
            width,
            color=model_color(i),
        )
        for i, ranks in enumerate(ranks_of)
    ]
    axes.set_xlim(-0.6, len(positions) - 0.4)
    first_hard = edges.index(CUTOFFS[-1])
    axes.axvspan(first_hard - 0.5, len(positions), color="#888888", alpha=0.15, zorder=0)
    labels = [
        f"{low:,}" if high - low == 1 else f"{low:,}–{high - 1:,}" for low, high in pairwise(edges)
    ]
    axes.set_xticks(positions, labels, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_xlabel("rank of the best ground truth (shaded: hard)")
    axes.set_ylabel(f"{TITLES[direction]} (%)")
    axes.spines[["top", "right"]].set_visible(False)
    legend = figure.legend(
        bars, [""] * len(models), loc="outside upper left", ncols=len(models), frameon=False
    )
    for text, model in zip(legend.get_texts(), models, strict=True):
        # Set here, a name may begin with "_" or hold "$", which mean something in a label.
        text.set_parse_math(False)
        text.set_text(model.name)
    return figure
