"""The figure of a run draws its history."""

import pytest

from captioning.training.curves import training_curves

HISTORY = [
    {"epoch": 0.5, "loss": 4.0, "words": 3.0, "attention": 1.0, "step": 1},
    {"epoch": 1.0, "loss": 3.0, "words": 2.5, "attention": 0.5, "step": 2},
    {"epoch": 1.0, "eval_CIDEr": 0.2, "eval_Bleu_4": 0.1, "eval_ROUGE_L": 0.3, "eval_distinct": 1},
    {"epoch": 2.0, "eval_CIDEr": 0.4, "eval_Bleu_4": 0.2, "eval_ROUGE_L": 0.4, "eval_distinct": 90},
]


def lines(axes) -> dict[str, list]:
    return {line.get_label(): line.get_xydata().tolist() for line in axes.lines}


def test_the_lines_have_the_historys_values():
    loss, scores, distinct = training_curves(HISTORY).axes
    assert lines(loss) == {
        "loss": [[0.5, 4.0], [1.0, 3.0]],
        "words": [[0.5, 3.0], [1.0, 2.5]],
        "attention's penalty": [[0.5, 1.0], [1.0, 0.5]],
    }
    assert lines(scores)["CIDEr-D"] == [[1.0, 0.2], [2.0, 0.4]]
    assert lines(distinct) == {"distinct captions": [[1.0, 1.0], [2.0, 90.0]]}


@pytest.mark.parametrize("history", [[], HISTORY[:2], HISTORY[2:3]])
def test_a_history_without_losses_or_evaluations_is_drawn(history, tmp_path):
    training_curves(history).savefig(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000
