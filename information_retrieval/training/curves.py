"""The curves of a training run: the loss, and the recalls of each evaluation."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from information_retrieval.ranking.metrics import CUTOFFS

# Text retrieval in blues, image retrieval in reds, darker for the smaller cutoff.
COLORS = {"i2t": ("#1f4e79", "#4477aa", "#99bbdd"), "t2i": ("#99223a", "#ee6677", "#f5aab4")}
# Of X-VLM's loss; those of regions are dashed.
PARTS = {
    "itc": ("contrastive", "#228833"),
    "itm": ("matching", "#ccbb44"),
    "mlm": ("masked words", "#aa3377"),
    "box_l1": ("boxes, L1", "#66ccee"),
    "box_giou": ("boxes, GIoU", "#bbbbbb"),
}
NAMES = {"i2t": "text retrieval", "t2i": "image retrieval"}


def _draw_parts(axes: Axes, losses: Sequence[dict]) -> None:
    """Draw the parts of the loss, where there are any; each where a log has it."""
    for name, (label, color) in PARTS.items():
        for prefix, style, of in (("", "-", ""), ("region_", "--", " of regions")):
            found = [(log["epoch"], log[prefix + name]) for log in losses if prefix + name in log]
            if found:
                axes.plot(*zip(*found, strict=True), style, color=color, lw=1, label=label + of)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=6)


def training_curves(log_history: Sequence[dict]) -> Figure:
    """Draw the loss and the recalls over epochs.

    Args:
        log_history: of HF's trainer_state.json: entries with `epoch`, `loss` and perhaps its parts,
            or with `epoch` and `eval_i2t_r1` and so on (percent).
    """
    figure = Figure(figsize=(9.6, 3.4), layout="constrained")
    loss_axes, recall_axes = figure.subplots(1, 2, width_ratios=(1, 1.25))
    losses = [log for log in log_history if "loss" in log]
    loss_axes.plot([log["epoch"] for log in losses], [log["loss"] for log in losses], "#444444")
    _draw_parts(loss_axes, losses)
    loss_axes.set_ylabel("training loss")
    loss_axes.set_ylim(bottom=0)
    evaluations = [log for log in log_history if "eval_rsum" in log]
    epochs = [log["epoch"] for log in evaluations]
    for direction, colors in COLORS.items():
        for k, color in zip(CUTOFFS, colors, strict=True):
            recalls = [log[f"eval_{direction}_r{k}"] for log in evaluations]
            label = f"{NAMES[direction]} R@{k}"
            recall_axes.plot(epochs, recalls, color=color, marker="o", markersize=3.5, label=label)
    recall_axes.set_ylabel("recall on minival (%)")
    recall_axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8)
    for axes in (loss_axes, recall_axes):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
    return figure
