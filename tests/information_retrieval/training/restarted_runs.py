"""Runs that are killed or signalled and go on, held against ones that were not interrupted."""

import json
from pathlib import Path
from signal import SIGKILL, SIGTERM

from tests.information_retrieval.training.training_process import Moment, train

# A checkpoint lies within an epoch.
OPTIONS = ["--num_train_epochs", 3, "--learning_rate", 1e-3, "--logging_steps", 1]
OPTIONS += ["--save_strategy", "steps", "--save_steps", 2, "--save_total_limit", 9]
OPTIONS += ["--eval_strategy", "steps", "--eval_steps", 2]


def result(output: Path) -> tuple[bytes, list[dict]]:
    """The last checkpoint's weights, and the logs of steps and evaluations."""
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    history = [log for log in history if "loss" in log or "eval_rsum" in log]
    last = max(output.glob("checkpoint-*"), key=lambda folder: int(folder.name[11:]))
    return (last / "model.safetensors").read_bytes(), history


def check_killed(folder: Path, options: list) -> None:
    """A run killed in its middle ends as an uninterrupted one."""
    whole, killed = folder / "whole", folder / "killed"
    assert train(whole, *options).status == 0
    moment = Moment("checkpoint-4/optimizer.pt")
    assert train(killed, *options, moment=moment).status == -SIGKILL
    assert train(killed, *options).status == 0
    (weights, history), (expected, whole_history) = result(killed), result(whole)
    assert history == whole_history
    assert weights == expected


def check_signalled(folder: Path, options: list) -> None:
    """A run that Slurm signals goes on to the same end."""
    assert train(folder / "whole", *options).status == 0
    moment = Moment("checkpoint-2/optimizer.pt", SIGTERM, to_workers=True)
    assert train(folder / "run", *options, moment=moment).status == 128 + SIGTERM
    assert train(folder / "run", *options).status == 0
    assert result(folder / "run") == result(folder / "whole")


def without_dropout(checkpoint: Path) -> None:
    """Change a checkpoint's configuration so that a forward is always the same."""
    config = json.loads((checkpoint / "config.json").read_text())
    config["vision_config"]["drop_path_rate"] = 0.0
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
        config["text_config"][name] = 0.0
    (checkpoint / "config.json").write_text(json.dumps(config))


def largest_difference(one: dict, other: dict) -> float:
    """Of weights, by name."""
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)
