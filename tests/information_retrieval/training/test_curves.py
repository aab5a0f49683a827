"""The figure of a run draws its history."""

import pytest

from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.training.curves import training_curves

HISTORY = [
    {"epoch": 0.5, "loss": 0.7, "step": 1},
    {"epoch": 1.0, "loss": 0.4, "step": 2},
    {
        "epoch": 1.0,
        "eval_rsum": 291.0,
        **{f"eval_i2t_r{k}": 40.0 + k for k in CUTOFFS},
        **{f"eval_t2i_r{k}": 20.0 + k for k in CUTOFFS},
    },
    {"epoch": 1.5, "loss": 0.2, "step": 3},
    {
        "epoch": 2.0,
        "eval_rsum": 351.0,
        **{f"eval_i2t_r{k}": 50.0 + k for k in CUTOFFS},
        **{f"eval_t2i_r{k}": 30.0 + k for k in CUTOFFS},
    },
    {"epoch": 2.0, "train_loss": 0.3, "train_runtime": 9.0},
]


def test_the_lines_have_the_historys_values():
    loss_axes, recall_axes = training_curves(HISTORY).axes
    (line,) = loss_axes.lines
    assert line.get_xydata().tolist() == [[0.5, 0.7], [1.0, 0.4], [1.5, 0.2]]
    lines = {line.get_label(): line.get_xydata().tolist() for line in recall_axes.lines}
    assert lines == {
        f"{name} R@{k}": [[1.0, first + k], [2.0, first + 10 + k]]
        for name, first in (("text retrieval", 40.0), ("image retrieval", 20.0))
        for k in CUTOFFS
    }


def test_every_line_of_recalls_is_named_and_of_its_own_colour():
    _, axes = training_curves(HISTORY).axes
    named = [text.get_text() for text in axes.get_legend().get_texts()]
    assert named == [line.get_label() for line in axes.lines]
    assert len({line.get_color() for line in axes.lines}) == len(axes.lines)


@pytest.mark.parametrize("history", [[], HISTORY[:2], HISTORY[2:3]])
def test_a_history_without_losses_or_evaluations_is_drawn(history, tmp_path):
    training_curves(history).savefig(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_the_parts_of_a_loss_are_drawn_where_there_are_any():
    logs = [
        {"epoch": 1, "loss": 3.0, "itc": 2.0, "itm": 1.0},
        {"epoch": 2, "loss": 4.0, "itc": 1.5, "region_itc": 2.5, "region_box_l1": 0.5},
    ]
    axes = training_curves(logs).axes[0]
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert drawn["contrastive"] == [[1, 2.0], [2, 1.5]]
    assert drawn["contrastive of regions"] == [[2, 2.5]]
    assert drawn["boxes, L1 of regions"] == [[2, 0.5]]
    assert training_curves([{"epoch": 1, "loss": 3.0}]).axes[0].get_legend() is None
