"""Figures of groups in which two models differ otherwise than elsewhere."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from error_analysis.slicing.slice_findings import Finding
from error_analysis.statistics.rank_plots import TITLES
from preprocess.base.files import atomic_path

MOST = 15
FIGURE_FORMATS = ("png", "pdf")


def difference_figure(findings: Sequence[Finding]) -> Figure:
    """Draw the difference of two models in each group with its interval, the surest on top.

    Args:
        findings: of one question "difference" and one direction, at least one; `MOST` are shown.
    """
    shown = list(reversed(findings[:MOST]))  # matplotlib begins at the bottom
    first = shown[-1]
    figure = Figure(figsize=(8.0, 1.4 + 0.3 * len(shown)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(shown))
    values = np.array([finding.inside for finding in shown])
    ends = np.array([(finding.low, finding.high) for finding in shown]).T
    axes.errorbar(values, places, xerr=np.abs(ends - values), fmt="o", color="#4477AA", capsize=3)
    axes.set_ylim(-0.7, len(shown) - 0.3)
    axes.axvline(0, color="#555555", linewidth=0.8)
    axes.scatter([finding.outside for finding in shown], places, marker="|", color="#BB5566")
    axes.set_yticks(places, [f"{f.group} ({f.queries:,})" for f in shown])
    for text in axes.get_yticklabels():
        text.set_parse_math(False)  # a "$" in a word is no formula
    title = f"{first.first} less {first.second}, R@10 of {TITLES[first.direction]} in points"
    axes.set_xlabel(f"{title}; red: elsewhere", parse_math=False)
    return figure


def write_difference_figures(folder: Path, findings: Sequence[Finding], fdr: float) -> list[Path]:
    """Draw the differences of each two models and direction that were found at a rate.

    Returns:
        the files, such as `slices_0_i2t_lxmert_clip.png`; none where nothing was found.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def pair(finding: Finding) -> tuple[str, str, str]:
        return finding.direction, finding.first, finding.second

    found = [f for f in findings if f.question == "difference" and f.fdr <= fdr]
    written = []
    for number, (names, same) in enumerate(groupby(sorted(found, key=pair), pair)):
        figure = difference_figure(list(same))
        stem = "_".join(("slices", str(number), *names)).replace("/", "_")
        for kind in FIGURE_FORMATS:
            written.append(folder / f"{stem}.{kind}")
            with atomic_path(written[-1]) as partial:
                figure.savefig(partial, format=kind, dpi=100)
    return written
