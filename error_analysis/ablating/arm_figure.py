"""The figure of an ablation: a panel a gallery, arms side by side at each recall."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from error_analysis.ablating.arms import ComparedArms
from error_analysis.ablating.published_arms import PublishedArms
from error_analysis.statistics.rank_plots import model_color
from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.ranking.published import RECALLS
from preprocess.base.files import atomic_path

FORMATS = (".png", ".pdf", ".svg")
INK = "#222222"
# At 8 inches, 1,200 pixels wide.
DOTS_PER_INCH = 150
# A gap between text and image retrieval.
PLACES = np.array([0.0, 1.0, 2.0, 3.3, 4.3, 5.3])
WIDTH = 0.84
LINE = 90  # letters of a legend's line, six of which are an entry's colour


def ablation_figure(
    galleries: Sequence[ComparedArms], published: Sequence[PublishedArms | None]
) -> Figure:
    """Draw bars of the means with their intervals over images, and a dot a seed.

    Args:
        galleries: at least one, of the same arms.
        published: of each gallery, the published rows; a tick where they may be compared.
    """
    figure = Figure(figsize=(8.0, 0.5 + 2.9 * len(galleries)), layout="constrained")
    panels = figure.subplots(len(galleries), squeeze=False)[:, 0]
    arms = list(galleries[0].arms)
    shown = [p.recalls if p is not None and p.why_not is None else {} for p in published]
    for axes, compared, of_paper in zip(panels, galleries, shown, strict=True):
        for i, arm in enumerate(arms):
            _draw_arm(axes, compared, arm, i, len(arms), of_paper.get(arm, {}))
        _dress(axes, compared)
    has_ticks = any(arm in of_paper for of_paper in shown for arm in arms)
    handles: list = [Patch(color=model_color(i)) for i in range(len(arms))]
    labels = list(arms)
    if galleries[0].gallery.n_seeds > 1:
        handles.append(_dot())
        labels.append("a seed")
    if has_ticks:
        handles.append(Line2D([], [], color=INK, linewidth=2.0))
        labels.append("published")
    n_columns = min(len(labels), max(1, LINE // (max(map(len, labels)) + 6)))
    legend = figure.legend(
        handles, [""] * len(labels), loc="outside upper left", ncols=n_columns, frameon=False
    )
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_parse_math(False)  # a "$" in a name is no formula
        text.set_text(label)
    return figure


def _dot() -> Line2D:
    return Line2D(
        [], [], linestyle="", marker="o", markersize=4, markerfacecolor="white",
        markeredgecolor=INK, markeredgewidth=0.8,
    )  # fmt: skip


def _draw_arm(
    axes: Axes,
    compared: ComparedArms,
    arm: str,
    place: int,
    n_arms: int,
    published: Mapping[str, float],
) -> None:
    width = WIDTH / n_arms
    centres = PLACES + (place - (n_arms - 1) / 2) * width
    metrics = [compared.arms[arm][name] for name in RECALLS]
    values = np.array([found.value for found in metrics])
    ends = np.array([(found.low, found.high) for found in metrics]).T  # (2, 6)
    axes.bar(centres, values, 0.92 * width, color=model_color(place), zorder=2)
    # The interval on the left of the bar and the seeds on its right: neither hides the other.
    axes.errorbar(
        centres - 0.28 * width, values, np.abs(ends - values), fmt="none", ecolor=INK,
        elinewidth=1.2, capsize=2, zorder=4,
    )  # fmt: skip
    n_seeds = compared.gallery.n_seeds
    for seed in range(n_seeds if n_seeds > 1 else 0):
        aside = (0.02 + 0.36 * seed / (n_seeds - 1)) * width
        dot = _dot()
        dot.set_data(centres + aside, [found.seeds[seed] for found in metrics])
        dot.set(zorder=5, clip_on=False)
        axes.add_line(dot)
    for centre, name in zip(centres, RECALLS, strict=True):
        if name in published:
            ends_of = centre - 0.46 * width, centre + 0.46 * width
            # On a white edge, to be seen on any colour.
            for color, thickness in (("white", 4.0), (INK, 2.0)):
                axes.hlines(published[name], *ends_of, color, linewidth=thickness, zorder=3)


def _dress(axes: Axes, compared: ComparedArms) -> None:
    gallery = compared.gallery
    axes.set_title(
        f"{gallery.name}: {gallery.n_images:,} images, {gallery.n_captions:,} captions",
        loc="left", fontsize=10, parse_math=False,
    )  # fmt: skip
    ways = ["text retrieval"] * len(CUTOFFS) + ["image retrieval"] * len(CUTOFFS)
    # The way stands below the middle one; below the others a space, or they would stand lower.
    labels = [
        f"R@{k}\n{way if k == CUTOFFS[1] else ' '}"
        for k, way in zip((*CUTOFFS, *CUTOFFS), ways, strict=True)
    ]
    axes.set_xticks(PLACES, labels)
    axes.set_ylim(0, 100)
    axes.set_ylabel("percent")
    axes.grid(axis="y", color="#dddddd", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", length=0)
    axes.spines[["top", "right"]].set_visible(False)


def write_ablation_figure(path: Path, figure: Figure) -> None:
    """Write the figure, atomically, in the format that the name ends with (see `FORMATS`)."""
    with atomic_path(path) as partial:
        figure.savefig(partial, format=path.suffix[1:], dpi=DOTS_PER_INCH)
