"""A sweep as a figure: for each setting that varies, the score and the distinct captions."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from captioning.training.sweep_grid import Point
from captioning.training.sweep_table import PointResult

AXES = {"batch_size": "batch size", "learning_rate": "learning rate", "num_layers": "layers"}
SCORE, DISTINCT = "#1f4e79", "#aa3377"


def sweep_figure(results: Sequence[PointResult], constant_cider: float) -> Figure:
    """Draw the settings that differ from the first in one value, a panel a value.

    Args:
        results: the base first.
        constant_cider: CIDEr-D of one sentence said of all images, a dotted line.
    """
    base = results[0].point
    panels = {name: _differing(results, base, name) for name in AXES}
    panels = {name: rows for name, rows in panels.items() if len(rows) > 1} or {"batch_size": []}
    figure = Figure(figsize=(3.8 * len(panels), 3.4), layout="constrained")
    all_axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (name, rows) in zip(all_axes, panels.items(), strict=True):
        _draw(axes, rows or list(results), name, constant_cider)
    return figure


def _differing(results: Sequence[PointResult], base: Point, name: str) -> list[PointResult]:
    """Return those that differ from the base in this value alone, by it; the base among them."""
    others = [other for other in AXES if other != name]
    rows = [
        one
        for one in results
        if all(getattr(one.point, other) == getattr(base, other) for other in others)
    ]
    return sorted(rows, key=lambda one: getattr(one.point, name))


def _ends(rows: Sequence[PointResult]) -> list[list[float]]:
    """Return the lower and the upper ends of the intervals of CIDEr-D."""
    return [
        [float("nan") if one.metrics is None else one.metrics[f"CIDEr_{end}"] for one in rows]
        for end in ("low", "high")
    ]


def _draw(axes: Axes, rows: Sequence[PointResult], name: str, constant_cider: float) -> None:
    places = range(len(rows))
    cider = [float("nan") if one.metrics is None else one.metrics["CIDEr"] for one in rows]
    distinct = [float("nan") if one.counts is None else one.counts.distinct for one in rows]
    axes.plot(places, cider, color=SCORE, marker="o", label="CIDEr-D")
    low, high = _ends(rows)
    axes.vlines(places, low, high, color=SCORE, lw=1)
    axes.axhline(constant_cider, color=SCORE, linestyle=":", lw=1, label="constant caption")
    axes.set_xticks(list(places), [f"{getattr(one.point, name):g}" for one in rows])
    axes.set_xlabel(AXES[name])
    axes.set_ylabel("CIDEr-D on minival", color=SCORE)
    axes.set_ylim(bottom=0)
    right = axes.twinx()
    right.plot(places, distinct, color=DISTINCT, marker="s", linestyle="--", label="distinct")
    right.set_ylabel("distinct captions", color=DISTINCT)
    right.set_yscale("symlog", linthresh=1)
    right.set_ylim(bottom=0)
    for one in (axes, right):
        one.spines["top"].set_visible(False)
