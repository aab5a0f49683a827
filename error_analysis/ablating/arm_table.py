"""Compared arms as text: the arms' metrics, then each two arms' differences."""

from collections.abc import Sequence

from error_analysis.ablating.arms import (
    MEASURED,
    ArmMetric,
    ArmPair,
    ComparedArms,
    PairMetric,
    chance_of_separation,
)
from error_analysis.ablating.published_arms import PublishedArms
from information_retrieval.ranking.published import RECALLS
from preprocess.base.text_table import text_table

COLUMNS = [name.replace("_r", " R@") for name in MEASURED]


def arm_table(compared: ComparedArms, published: PublishedArms | None = None) -> str:
    """Return the arms of a gallery, two lines each, with the published rows below them."""
    gallery = compared.gallery
    rows = [["", *COLUMNS]]
    for arm, metrics in compared.arms.items():
        rows.append([arm, *(_mean(metrics[name]) for name in MEASURED)])
        rows.append(["", *(_interval(metrics[name]) for name in MEASURED)])
    notes = []
    if published:
        mark = " *" if published.why_not else ""
        for arm, recalls in published.recalls.items():
            cells = [f"{recalls[name]:.2f}" for name in RECALLS]
            rows.append([f"published: {arm}{mark}", *cells, f"{sum(recalls.values()):.2f}"])
        notes.append(f"published: {published.source}, {published.benchmark}; {published.why}")
        if published.why_not:
            notes.append(f"* not comparable: {published.why_not}")
    seeds = "one seed" if gallery.n_seeds == 1 else f"{gallery.n_seeds} seeds"
    spread = "" if gallery.n_seeds == 1 else " ± standard deviation over seeds"
    head = (
        f"{gallery.name}, protocol {gallery.protocol}: {gallery.n_images:,} images, "
        f"{gallery.n_captions:,} captions; {seeds} an arm: mean{spread}, below it the 95 % "
        "interval over images"
    )
    return "\n".join([head, *text_table(rows, "l" + "r" * len(COLUMNS)), *notes])


def _mean(found: ArmMetric) -> str:
    return f"{found.value:.2f}" + (f" ± {found.sd:.2f}" if found.sd is not None else "")


def _interval(found: ArmMetric | PairMetric) -> str:
    return f"[{found.low:.2f}, {found.high:.2f}]"


def pair_tables(compared: ComparedArms) -> str:
    """Return of each two arms the differences, with what may be chance in them."""
    lines: list[str] = []
    n_seeds = compared.gallery.n_seeds
    for pair in compared.pairs:
        lines.append(f"{pair.first} less {pair.second} on {compared.gallery.name}")
        lines += text_table(_pair_rows(pair, n_seeds), "lrrrr" + "lr" * (n_seeds > 1))
    if compared.pairs:
        n_tests = len(compared.pairs) * len(RECALLS)
        lines.append(f"Holm: the p-values by image, corrected for all {n_tests} of this gallery")
    if compared.pairs and n_seeds > 1:
        lines.append(
            "separated: all seeds of one arm above all of the other; of two equal arms, a given "
            f"one is above once in {chance_of_separation(n_seeds)}. in sd: standard deviations "
            "over seeds, pooled"
        )
    return "\n".join(lines)


def _pair_rows(pair: ArmPair, n_seeds: int) -> Sequence[list[str]]:
    rows = [["", "difference", "95 % interval", "by image", "Holm"]]
    if n_seeds > 1:
        rows[0] += ["seed by seed", "in sd"]
    for name, column in zip(MEASURED, COLUMNS, strict=True):
        found = pair.metrics[name]
        row = [column, f"{found.value:+.2f}", _interval(found), *map(_p, _p_values(found))]
        if n_seeds > 1:
            separated = "  separated" if found.separated else ""
            row.append(" ".join(f"{seed:+.2f}" for seed in found.seeds) + separated)
            row.append("" if found.in_sds is None else f"{found.in_sds:+.1f}")
        rows.append(row)
    return rows


def _p_values(found: PairMetric) -> tuple[float | None, float | None]:
    return found.by_image_p, found.holm_p


def _p(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"
