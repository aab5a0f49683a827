"""A captioner's training that was killed or signalled goes on and ends as one that was not."""

import json
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals

import pytest

from captioning.train import main
from information_retrieval.training.run_folder import last_whole_checkpoint
from tests.captioning.training.small_run import DECODERS, SMALL, losses, write_data
from tests.conftest import make_split
from tests.information_retrieval.training.training_process import Moment, train

# Several steps an epoch, and a checkpoint within one; dropout draws.
OPTIONS = ["--num_train_epochs", 3, "--per_device_train_batch_size", 4, "--logging_steps", 1]
OPTIONS += ["--save_strategy", "steps", "--save_steps", 4, "--save_total_limit", 3]
OPTIONS += ["--eval_strategy", "steps", "--eval_steps", 4, "--learning_rate", 0.01, *SMALL]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    minival = make_split(12).first(6)  # what is trained on, so that its scores move
    return write_data(tmp_path_factory.mktemp("restart") / "data", minival=minival)


def result(output: Path) -> tuple[bytes, bytes, list[dict]]:
    """The kept and the last weights, and what was logged of steps and evaluations."""
    logs = json.loads((output / "trainer_state.json").read_text())["log_history"]
    logs = [log for log in logs if "loss" in log or "eval_CIDEr" in log]
    last = max(output.glob("checkpoint-*"), key=lambda f: int(f.name.removeprefix("checkpoint-")))
    return *((f / "model.safetensors").read_bytes() for f in (output, last)), logs


def run(output: Path, data: Path, decoder: str, *options, moment: Moment | None = None):
    arguments = ["--data_dir", data, *OPTIONS, *DECODERS[decoder], *options]
    return train(output, *arguments, moment=moment, command=main)


@pytest.mark.long
@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("signal", [SIGKILL, SIGTERM])
def test_a_run_goes_on_bit_for_bit(data, tmp_path, decoder: str, signal: Signals):
    assert run(tmp_path / "whole", data, decoder).status == 0
    moment = Moment("checkpoint-8/optimizer.pt", signal)
    stopped = run(tmp_path / "run", data, decoder, moment=moment)
    assert stopped.status == (-SIGKILL if signal == SIGKILL else 128 + SIGTERM)
    step = 4 if signal == SIGKILL else 9
    assert Path(last_whole_checkpoint(tmp_path / "run")).name == f"checkpoint-{step}"
    assert run(tmp_path / "run", data, decoder).status == 0
    assert result(tmp_path / "run") == result(tmp_path / "whole")
    assert run(tmp_path / "other", data, decoder, "--seed", 7).status == 0
    assert losses(tmp_path / "other") != losses(tmp_path / "whole")


@pytest.mark.long
def test_an_order_by_length_depends_on_seed_and_epoch_alone(data, tmp_path):
    options = ["--train_sampling_strategy", "group_by_length", "--dataloader_num_workers", 1]
    assert run(tmp_path / "whole", data, "lstm", *options).status == 0
    moment = Moment("checkpoint-8/optimizer.pt")
    assert run(tmp_path / "run", data, "lstm", *options, moment=moment).status == -SIGKILL
    assert run(tmp_path / "run", data, "lstm", *options).status == 0
    assert result(tmp_path / "run") == result(tmp_path / "whole")
