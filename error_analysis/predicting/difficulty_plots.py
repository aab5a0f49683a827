"""A figure of what predicts difficulty. It is returned, not shown or written."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from error_analysis.predicting.difficulty_findings import Findings
from error_analysis.predicting.difficulty_model import Difficulty, Weight
from error_analysis.statistics.rank_plots import TITLES, model_color
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from preprocess.base.files import atomic_path

FIGURE_FORMATS = ("png", "pdf")


def weights_figure(difficulties: Mapping[str, Difficulty], direction: Direction) -> Figure:
    """Draw the weight of every feature, with its deviation over the folds.

    Args:
        difficulties: by model, at least one, all of the same features.
    """
    first, *_ = difficulties.values()
    # From below: matplotlib's bars begin at the bottom, and the first is the most important.
    names = [weight.name for weight in reversed(first.weights)]
    figure = Figure(figsize=(8.0, 1.2 + 0.3 * len(names)), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    shown = (("coefficient", "log odds of hard, for one deviation"), ("importance", "AUC lost"))
    for panel, (attribute, unit) in zip(axes, shown, strict=True):
        bars = _draw_bars(panel, names, list(difficulties.values()), attribute)
        panel.set_xlabel(f"{attribute} ({unit})")
    axes[0].set_yticks(np.arange(len(names)), names)
    figure.suptitle(f"what predicts hard {TITLES[direction]}")
    # matplotlib's types leave out containers, which its legends take.
    legend = figure.legend(  # type: ignore[call-overload]
        bars,
        [""] * len(difficulties),
        loc="outside lower center",
        ncols=len(difficulties),
        frameon=False,
    )
    for text, (name, found) in zip(legend.get_texts(), difficulties.items(), strict=True):
        # Set here, a name may begin with "_" or hold "$", which mean something in a label.
        text.set_parse_math(False)
        text.set_text(f"{name}, AUC {found.logistic.mean:.2f} and {found.trees.mean:.2f} (trees)")
    return figure


def _draw_bars(
    axes: Axes, names: list[str], models: list[Difficulty], attribute: str
) -> list[BarContainer]:
    height = 0.8 / len(models)
    drawn = []
    for position, model in enumerate(models):
        by_name: dict[str, Weight] = {weight.name: weight for weight in model.weights}
        spreads = [getattr(by_name[name], attribute) for name in names]
        bars = axes.barh(
            np.arange(len(names)) + ((len(models) - 1) / 2 - position) * height,
            [spread.mean for spread in spreads],
            height,
            xerr=[spread.deviation for spread in spreads],
            color=model_color(position),
            error_kw={"elinewidth": 0.8, "ecolor": "#555555"},
        )
        drawn.append(bars)
    axes.axvline(0, color="#888888", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    return drawn


def write_figures(folder: Path, findings: dict[str, dict[Direction, Findings]]) -> list[Path]:
    """Write the figure of each direction that something was learnt of, and return the files."""
    written = []
    for direction in DIRECTIONS:
        of_models = {name: of_model[direction].difficulty for name, of_model in findings.items()}
        learnt = {name: difficulty for name, difficulty in of_models.items() if difficulty}
        if learnt:
            figure = weights_figure(learnt, direction)
            for form in FIGURE_FORMATS:
                path = folder / f"difficulty_{direction}.{form}"
                with atomic_path(path) as partial_path:
                    figure.savefig(partial_path, format=form, dpi=120)
                written.append(path)
    return written
