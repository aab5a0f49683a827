"""A sweep: every setting is trained once, judged on minival, and put in one table."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from captioning import sweep
from captioning.sweep import main, train_point
from preprocess.base.files import read_json
from tests.captioning.models.tiny import save_captioner
from tests.captioning.training.small_run import SMALL, write_data
from tests.conftest import assert_one_clear_line

ROOT = Path(__file__).resolve().parents[2]
STATE = {"log_history": [{"eval_CIDEr": 0.5, "step": 3, "epoch": 1.0}], "global_step": 3}


@pytest.fixture
def data(tmp_path):
    return write_data(tmp_path / "data")


@pytest.fixture
def run(data, tmp_path, run_main):
    def run(*options):
        arguments = ["--data_dir", data, "--output_dir", tmp_path / "sweep", *options]
        return run_main(main, *arguments), tmp_path / "sweep"

    return run


def stand_in(failing: dict[str, str]):
    """What writes a captioner in place of training, or fails; and what it was called for."""
    called = []

    def train(options: list[str], log: Path) -> str | None:
        folder = Path(options[options.index("--output_dir") + 1])
        called.append(folder.name)
        if folder.name in failing:
            return failing[folder.name]
        save_captioner(folder, seed=len(called), image_width=8)
        (folder / "trainer_state.json").write_text(json.dumps(STATE))
        return None

    return train, called


def test_settings_stand_in_one_table_with_what_failed(run, monkeypatch, capsys):
    train, called = stand_in({"batch2_lr0.5_layers1": "error: training has diverged"})
    monkeypatch.setattr(sweep, "train_point", train)
    options = ["--batch_sizes", 2, 4, "--learning_rates", 0.01, 0.5, "--layers", 1, 2]
    status, output = run(*options)
    assert status == 0
    names = ["batch2_lr0.01_layers1", "batch4_lr0.01_layers1", "batch2_lr0.5_layers1"]
    assert called == [*names, "batch2_lr0.01_layers2"]
    content = read_json(output / "sweep.json", "a test")
    assert [point["failed"] for point in content["points"]] == [
        None,
        None,
        "training has diverged",
        None,
    ]
    assert content["points"][0]["counts"]["captions"] == 4
    assert content["points"][0]["epoch"] == 1.0
    assert content["constant_caption"]["metrics"]["CIDEr"] > 0
    scores = content["points"][0]["metrics"]
    assert scores["CIDEr_low"] <= scores["CIDEr"] <= scores["CIDEr_high"]
    assert (output / "sweep.png").stat().st_size > 1000
    assert (output / "sweep.md").read_text("utf-8") in capsys.readouterr().out
    captions = json.loads((output / names[0] / "minival_captions.json").read_text())
    assert [one["image_id"] for one in captions] == [900, 901, 902, 903]


def test_a_base_that_fails_ends_the_sweep_in_its_line(run, monkeypatch):
    train, _ = stand_in({"batch2_lr0.01_layers1": "error: --dropout: expected something"})
    monkeypatch.setattr(sweep, "train_point", train)
    status, output = run("--batch_sizes", 2, "--learning_rates", 0.01, "--layers", 1)
    assert_one_clear_line(status, "batch2_lr0.01_layers1: --dropout: expected something")
    assert not (output / "sweep.json").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--batch_sizes", 0], "--batch_sizes: expected at least 1"),
        (["--train_options", "load_best_model_at_end=no"], "compared by their best epoch"),
        (["--train_options", "load-best-model-at-end=no"], "compared by their best epoch"),
        (["--train_options", "use_cpu"], "expected name=value, found 'use_cpu'"),
        (["--layers", 0], "--layers: expected at least 1"),
        (["--learning_rates", 0.1, 0], "--learning_rates: expected values above 0"),
    ],
)
def test_options_that_cannot_be_are_refused(run, options, told):
    assert_one_clear_line(run(*options)[0], told)


def test_a_signal_is_passed_on_and_ends_the_sweep(tmp_path, monkeypatch):
    """The run in place of training exits as training does after a signal."""
    program = "import signal, sys, time\n"
    program += "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
    program += "signal.raise_signal(signal.SIGTERM) if 'now' in sys.argv else time.sleep(30)\n"
    (tmp_path / "program.py").write_text(program)
    started = subprocess.Popen

    def start(command, **options):
        return started([sys.executable, str(tmp_path / "program.py"), *command[3:]], **options)

    monkeypatch.setattr(subprocess, "Popen", start)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        train_point(["now"], tmp_path / "point.log")
    assert ended.value.code == 143
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.long
def test_real_runs_are_trained_once_and_compared(run, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    small = [
        f"{name}={value}".strip("-") for name, value in zip(SMALL[::2], SMALL[1::2], strict=True)
    ]
    options = ["--batch_sizes", 4, "--learning_rates", 0.01, "--layers", 1, 2]
    options += ["--train_options", *small, "use_cpu=true", "max_steps=2"]
    status, output = run(*options)
    assert status == 0
    table = (output / "sweep.md").read_text("utf-8")
    weights = {f: (f / "model.safetensors").stat().st_mtime_ns for f in output.glob("batch*s?")}
    assert len(weights) == 2
    assert run(*options)[0] == 0
    assert (output / "sweep.md").read_text("utf-8") == table
    assert weights == {f: (f / "model.safetensors").stat().st_mtime_ns for f in weights}
    assert "nothing to do" in (output / "batch4_lr0.01_layers2.log").read_text("utf-8")
