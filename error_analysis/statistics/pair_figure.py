"""The picture of a t-SNE of images and captions: a line for each pair. Returned, not written."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from error_analysis.statistics.joint_tsne import PairPoints
from error_analysis.statistics.rank_plots import MODEL_COLORS

# Blue and red of Tol's bright scheme: the colour-blind tell them apart, and the markers differ too.
IMAGE_COLOR, CAPTION_COLOR = MODEL_COLORS[:2]
LINE_COLOR, HARD_COLOR = "#b8b8b8", "#1a1a1a"
WIDTH = 7.2  # inches
# Characters in a line of the picture's width.
TITLE_LENGTH, NOTE_LENGTH = 75, 115
# Points that are drawn at full size; of more, each is smaller.
MANY = 250


@dataclass(frozen=True)
class HardCaptions:
    """How well a model finds its image by each caption in the picture.

    Attributes:
        ranks: (n_captions,) float64, 0-based.
        hard_rank: from which rank on a caption is hard.
        model: whose ranks they are.
    """

    ranks: np.ndarray
    hard_rank: int
    model: str

    @property
    def is_hard(self) -> np.ndarray:
        """(n_captions,) bool."""
        return self.ranks >= self.hard_rank

    @property
    def label(self) -> str:
        """Say what a hard caption's line means."""
        counted = f"{np.count_nonzero(self.is_hard):,} of {len(self.ranks):,}"
        return f"hard: rank {self.hard_rank} or more by {self.model} ({counted})"


def pair_figure(
    picture: PairPoints, title: str, notes: Sequence[str], hard: HardCaptions | None = None
) -> Figure:
    """Draw images, captions, and a line from each image to each of its captions.

    Args:
        picture: points (n, 2). The axes have no numbers, for only who is near whom has a meaning.
        notes: lines of small text below the picture.
        hard: whose lines are dark; None: no line is.
    """
    figure = Figure(figsize=(WIDTH, WIDTH + 0.6), layout="constrained")
    axes = figure.subplots()
    _draw_lines(axes, picture, hard)
    size = 34 * _scale(picture)
    for points, marker, color in (
        (picture.images, "o", IMAGE_COLOR),
        (picture.captions, "^", CAPTION_COLOR),
    ):
        axes.scatter(points[:, 0], points[:, 1], s=size, marker=marker, c=color, zorder=3,
                     linewidths=0.4 * _scale(picture), edgecolors="w")  # fmt: skip
    axes.set_aspect("equal", adjustable="datalim")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color("#dddddd")
    axes.set_title(textwrap.fill(title, TITLE_LENGTH), fontsize=11, parse_math=False)
    axes.set_xlabel(
        "\n".join(textwrap.fill(note, NOTE_LENGTH) for note in notes),
        fontsize=8, color="#444444", linespacing=1.5, parse_math=False,
    )  # fmt: skip
    handles = _legend_handles(hard)
    legend = figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9
    )
    for text in legend.get_texts():
        text.set_parse_math(False)  # a "$" in a name is no formula
    return figure


def pair_lines(picture: PairPoints) -> np.ndarray:
    """Return the ends of each caption's line, (n_captions, 2, 2): image and caption, each x, y."""
    return np.stack([picture.images[picture.caption_image_index], picture.captions], axis=1)


def _scale(picture: PairPoints) -> float:
    """Return by how much points and lines are smaller where many would hide each other."""
    return min(1.0, max(0.3, MANY / len(picture)))


def _draw_lines(axes: Axes, picture: PairPoints, hard: HardCaptions | None) -> None:
    lines = pair_lines(picture)
    dark = np.zeros(len(lines), bool) if hard is None else hard.is_hard
    for chosen, color, order in ((~dark, LINE_COLOR, 1), (dark, HARD_COLOR, 2)):
        width = 0.8 * _scale(picture)
        axes.add_collection(
            LineCollection(list(lines[chosen]), colors=color, linewidths=width, zorder=order)
        )


def _legend_handles(hard: HardCaptions | None) -> list[Line2D]:
    handles = [
        Line2D([], [], marker=marker, color=color, linestyle="", markersize=6, label=label)
        for marker, color, label in (
            ("o", IMAGE_COLOR, "image"),
            ("^", CAPTION_COLOR, "caption"),
        )
    ]
    handles.append(Line2D([], [], color=LINE_COLOR, linewidth=1, label="a pair"))
    if hard is not None:
        handles.append(Line2D([], [], color=HARD_COLOR, linewidth=1, label=hard.label))
    return handles
