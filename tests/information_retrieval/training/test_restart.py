"""A run that was killed, signalled or damaged goes on and ends bitwise as one that was not."""

import json
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from signal import SIGKILL, SIGTERM, SIGUSR1, Signals

import numpy as np
import pytest

from information_retrieval.training.run_folder import last_whole_checkpoint
from preprocess.base.output_lock import lock_output
from preprocess.captions.split_file import read_split, write_split
from tests.conftest import save_lxmert, write_data_dir
from tests.information_retrieval.training.training_process import Ended, Moment, train

# 5 steps an epoch and a checkpoint every 3: it lies within an epoch. Dropout is LXMERT's own.
OPTIONS = ["--num_train_epochs", 3, "--per_device_train_batch_size", 4, "--learning_rate", 1e-3]
OPTIONS += ["--lr_scheduler_type", "constant", "--prob_unaligned", 0.5, "--logging_steps", 1]
OPTIONS += ["--save_strategy", "steps", "--save_steps", 3, "--save_total_limit", 3]
OPTIONS += ["--eval_strategy", "steps", "--eval_steps", 3]
# With which the best is neither the first nor the last.
OPTIONS += ["--seed", 3]
VARIANTS = {
    "plain": [],
    "grouped by length": ["--train_sampling_strategy", "group_by_length"],
    "a worker": ["--dataloader_num_workers", 1],
    "accumulated": ["--gradient_accumulation_steps", 2, "--per_device_train_batch_size", 2],
}


@dataclass(frozen=True)
class Result:
    """What a finished run leaves: the kept and the last weights as bytes, and its history."""

    kept: bytes
    last: bytes
    history: list[dict]


def result(output: Path) -> Result:
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    history = [log for log in history if "loss" in log or "eval_rsum" in log]
    last = max(output.glob("checkpoint-*"), key=step_of)
    return Result(*((f / "model.safetensors").read_bytes() for f in (output, last)), history)


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix("checkpoint-"))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """What every run here reads; minival is what is trained on, so that its recalls move."""
    folder = tmp_path_factory.mktemp("restart")
    data = write_data_dir(folder / "data")
    write_split(data / "minival.json", read_split(data / "train.json"))
    shutil.copy(data / "train_features.h5", data / "val_features.h5")
    checkpoint = save_lxmert(
        folder / "lxmert", perturb=False, initializer_range=0.3, l_layers=1, x_layers=1
    )
    return ["--model_name_or_path", checkpoint, "--data_dir", data, *OPTIONS]


@pytest.fixture(scope="module")
def uninterrupted(inputs, tmp_path_factory):
    """Gives the result of a variant that nothing interrupted."""

    @cache
    def run(variant: str) -> Result:
        output = tmp_path_factory.mktemp("uninterrupted") / "run"
        assert train(output, *inputs, *VARIANTS[variant]).status == 0
        found = result(output)
        recalls = [log["eval_rsum"] for log in found.history if "eval_rsum" in log]
        assert len(recalls) == 5
        assert len(set(recalls)) > 2
        assert found.kept != found.last
        return found

    return run


@pytest.mark.long
def test_a_run_of_another_seed_ends_otherwise(inputs, uninterrupted, tmp_path):
    assert train(tmp_path / "other", *inputs, "--seed", 1).status == 0
    other = result(tmp_path / "other")
    assert other.kept != uninterrupted("plain").kept
    assert other.last != uninterrupted("plain").last


@pytest.mark.long
def test_a_run_killed_again_and_again_ends_as_an_uninterrupted_one(inputs, uninterrupted, tmp_path):
    # A checkpoint is some 20 changes: at times a run gets no further than the one before it.
    for n_changes in np.random.default_rng(0).integers(1, 50, size=6):
        moment = Moment(int(n_changes))
        assert train(tmp_path / "run", *inputs, moment=moment).status == -SIGKILL
    assert train(tmp_path / "run", *inputs).status == 0
    assert result(tmp_path / "run") == uninterrupted("plain")


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "goes_on_from"),
    [
        # model.safetensors is there by then.
        ("checkpoint-6/optimizer.pt", 3),
        ("checkpoint-6/.complete.json.partial", 3),
        # The oldest but the best is deleted once the newest is whole.
        ("checkpoint-3/model.safetensors", 12),
        (".README.md.partial", 15),
        (".trainer_state.json.partial", 15),
    ],
)
def test_a_run_killed_at_a_bad_moment_ends_as_an_uninterrupted_one(
    inputs, uninterrupted, tmp_path, change, goes_on_from
):
    output = tmp_path / "run"
    assert train(output, *inputs, moment=Moment(change)).status == -SIGKILL
    assert Path(last_whole_checkpoint(output)).name == f"checkpoint-{goes_on_from}"
    assert train(output, *inputs).status == 0
    assert result(output) == uninterrupted("plain")


@pytest.mark.long
def test_a_second_run_with_the_same_folder_stops_and_changes_nothing(inputs, tmp_path):
    output = tmp_path / "run"
    assert train(output, *inputs, moment=Moment("checkpoint-6/optimizer.pt")).status == -SIGKILL
    before = sorted(path for path in output.rglob("*"))
    with lock_output(output):
        second = train(output, *inputs)
    assert second.status == 1
    [line] = [line for line in second.stderr.splitlines() if line.startswith("error: ")]
    assert f"{output}: another process is writing it" in line
    assert sorted(path for path in output.rglob("*")) == before


def stop(output: Path, options, signal: Signals) -> Ended:
    """Signal a run while it writes its checkpoint of step 6, so that it stops after step 7."""
    moment = Moment("checkpoint-6/optimizer.pt", signal, to_workers=True)
    stopped = train(output, *options, moment=moment)
    assert stopped.status == 128 + signal
    lines = [line for line in stopped.stdout.splitlines() if not line.startswith("epoch ")]
    assert lines == [f"{output}: stopped by {signal.name}; the same command goes on"]
    assert "Traceback" not in stopped.stderr
    assert Path(last_whole_checkpoint(output)).name == "checkpoint-7"
    assert not (output / "trainer_state.json").exists()
    return stopped


@pytest.mark.long
@pytest.mark.parametrize(
    ("variant", "signal"),
    [
        ("plain", SIGTERM),
        ("plain", SIGUSR1),
        ("grouped by length", SIGUSR1),
        ("a worker", SIGTERM),
        ("accumulated", SIGUSR1),
    ],
)
def test_a_signalled_run_saves_stops_and_goes_on_to_the_same_end(
    inputs, uninterrupted, tmp_path, variant, signal
):
    options = [*inputs, *VARIANTS[variant]]
    stop(tmp_path / "run", options, signal)
    assert train(tmp_path / "run", *options).status == 0
    assert result(tmp_path / "run") == uninterrupted(variant)


@pytest.mark.long
def test_what_a_signalled_run_saved_is_kept_also_where_one_checkpoint_is_to_be(
    inputs, uninterrupted, tmp_path
):
    options = [*inputs, "--save_total_limit", 1]
    stop(tmp_path / "run", options, SIGTERM)
    assert train(tmp_path / "run", *options).status == 0
    assert result(tmp_path / "run").kept == uninterrupted("plain").kept


@pytest.mark.long
def test_a_signal_after_the_last_step_does_not_stop_a_run(inputs, uninterrupted, tmp_path):
    moment = Moment("checkpoint-15/optimizer.pt", SIGTERM)
    assert train(tmp_path / "run", *inputs, moment=moment).status == 0
    assert result(tmp_path / "run") == uninterrupted("plain")


@pytest.fixture(scope="module")
def stopped(inputs, tmp_path_factory):
    """The folder of a run that was stopped, with checkpoints of steps 6 and 7."""
    output = tmp_path_factory.mktemp("stopped") / "run"
    stop(output, inputs, SIGTERM)
    return output


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "optimizer.pt is not what was written": lambda f: flip_a_byte(f / "optimizer.pt"),
    "model.safetensors is not what was written": lambda f: flip_a_byte(f / "model.safetensors"),
    "config.json is not what was written": lambda f: (f / "config.json").write_text("{}"),
    "rng_state.pth is missing": lambda f: (f / "rng_state.pth").unlink(),
    "complete.json does not read": lambda f: (f / "complete.json").write_bytes(b"{\xff"),
    "an interrupted save": lambda f: (f / "complete.json").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(stopped, tmp_path, capsys, damage):
    output = shutil.copytree(stopped, tmp_path / "run")
    DAMAGES[damage](output / "checkpoint-7")
    assert last_whole_checkpoint(output) == str(output / "checkpoint-6")
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"warning: {output / 'checkpoint-7'}: ")
    assert damage in line


@pytest.mark.parametrize(
    ("damage", "checkpoints"),
    [
        ("optimizer.pt is not what was written", [7]),
        ("complete.json does not read", [7]),
        ("model.safetensors is not what was written", [3, 6, 7]),
    ],
)
def test_a_run_goes_on_from_what_is_whole_to_the_same_end(
    inputs, uninterrupted, stopped, tmp_path, damage, checkpoints
):
    output = shutil.copytree(stopped, tmp_path / "run")
    damaged = [output / f"checkpoint-{step}" for step in checkpoints]
    damaged = [folder for folder in damaged if folder.exists()]
    for folder in damaged:
        DAMAGES[damage](folder)
    ended = train(output, *inputs)
    assert ended.status == 0
    warnings = [line for line in ended.stdout.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == len(damaged)
    assert all(f"{f}: " in "\n".join(warnings) for f in damaged)
    assert result(output) == uninterrupted("plain")
