"""The curves of a captioner's training: loss, scores, and how many captions are distinct."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

SCORES = {
    "CIDEr": ("CIDEr-D", "#1f4e79"),
    "Bleu_4": ("BLEU-4", "#ee6677"),
    "ROUGE_L": ("ROUGE-L", "#ccbb44"),
}
PARTS = {"words": ("words", "#4477aa"), "attention": ("attention's penalty", "#228833")}


def training_curves(log_history: Sequence[dict]) -> Figure:
    """Draw a run over epochs.

    Args:
        log_history: of HF's trainer_state.json: entries with `epoch`, `loss` and perhaps its parts,
            or with `epoch`, `eval_CIDEr`, `eval_distinct` and so on.
    """
    figure = Figure(figsize=(10.8, 3.4), layout="constrained")
    loss_axes, score_axes, distinct_axes = figure.subplots(1, 3)
    _draw(loss_axes, log_history, "loss", "loss", "#444444")
    for name, (label, color) in PARTS.items():
        _draw(loss_axes, log_history, name, label, color)
    for name, (label, color) in SCORES.items():
        _draw(score_axes, log_history, f"eval_{name}", label, color, "o")
    _draw(distinct_axes, log_history, "eval_distinct", "distinct captions", "#aa3377", "o")
    for axes, title in (
        (loss_axes, "training loss"),
        (score_axes, "score on minival"),
        (distinct_axes, "distinct captions of minival"),
    ):
        axes.set_xlabel("epoch")
        axes.set_ylabel(title)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
        if len(axes.lines) > 1:
            axes.legend(frameon=False, fontsize=7)
    return figure


def _draw(
    axes: Axes, log_history: Sequence[dict], name: str, label: str, color: str, marker: str = ""
) -> None:
    """Draw a value where logs have it."""
    found = [(log["epoch"], log[name]) for log in log_history if name in log]
    if found:
        epochs, values = zip(*found, strict=True)
        axes.plot(epochs, values, color=color, marker=marker, markersize=3.5, label=label)
