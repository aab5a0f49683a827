"""What each setting of a sweep reached, as JSON and as a table."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from captioning.results.caption_counts import CaptionCounts
from captioning.results.metrics_json import SHOWN
from captioning.training.minival import with_interval
from captioning.training.sweep_grid import Point

SCORED = ("Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "ROUGE_L", "CIDEr")
FEW = 0.01  # of the captions: fewer distinct ones say next to nothing of the images


@dataclass(frozen=True)
class PointResult:
    """What a setting reached on minival.

    Attributes:
        metrics: of `Minival.judge`; None where training failed.
        counts: of its captions; None likewise.
        epoch: after which the captioner was kept; None where no epoch was evaluated.
        failed: why there is no captioner; None where there is.
    """

    point: Point
    metrics: dict[str, float] | None = None
    counts: CaptionCounts | None = None
    epoch: float | None = None
    failed: str | None = None

    @property
    def is_collapsed(self) -> bool:
        """Whether a few captions serve all images, so that a score says nothing of the setting."""
        if self.counts is None or self.counts.captions < 2:
            return False
        return self.counts.distinct <= max(1, FEW * self.counts.captions)

    def to_json(self) -> dict:
        """Return everything as JSON values."""
        found = {name: value for name, value in asdict(self).items() if name != "point"}
        return {**asdict(self.point), **found, "is_collapsed": self.is_collapsed}


def sweep_table(
    results: Sequence[PointResult], constant: str, constant_metrics: dict[str, float]
) -> str:
    """Return a Markdown table, a row a setting, the constant caption last.

    Scores have their 95 % intervals over images in brackets.

    Args:
        constant: one sentence that is said of every image.
    """
    names = ("batch", "lr", "layers", "epoch", *(SHOWN.get(n, n) for n in SCORED), "distinct")
    lines = [_row(*names, "words", "cut", "`<unk>`", "most frequent caption")]
    lines.append("|---" * (len(names) + 4) + "|")
    for result in results:
        point, metrics, counts = result.point, result.metrics, result.counts
        setting = (point.batch_size, f"{point.learning_rate:g}", point.num_layers)
        if metrics is None or counts is None:
            lines.append(_row(*setting, f"failed: {result.failed}"))
            continue
        collapsed = " **collapsed**" if result.is_collapsed else ""
        lines.append(
            _row(
                *(*setting, "-" if result.epoch is None else f"{result.epoch:g}"),
                *(with_interval(metrics, name) for name in SCORED),
                f"{counts.distinct:,} of {counts.captions:,}{collapsed}",
                f"{counts.words_mean:.1f}",
                *(f"{metrics['cut_share']:.1%}", f"{counts.unknown_share:.1%}"),
                f"{counts.commonest!r} ({counts.commonest_share:.0%})",
            )
        )
    scores = (f"{constant_metrics[name]:.3f}" for name in SCORED)
    lines.append(_row(*("constant", "", "", ""), *scores, "1", "", "", "", repr(constant)))
    return "\n".join(lines)


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"
