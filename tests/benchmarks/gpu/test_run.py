"""The runner of benchmarks/on_gpu.sh: whatever a step does, the others run and gpu.json says so."""

import json
import subprocess
import sys
import time

import pytest
import torch

from benchmarks.gpu import run
from benchmarks.gpu.run import STEPS, TOTAL_SECONDS, Step
from tests.conftest import assert_one_clear_line

PROGRAMS = {
    # Its child would hold the pipe, and go on, were it not killed too.
    "endless": "write({'a': {'x': 3}}); subprocess.Popen(['sleep', '60']); time.sleep(60)",
    "good": "write({'a': {'x': 1}}); print('measured')",
    "bad": "write({'a': {'x': 2}}); print('the reason', file=sys.stderr); sys.exit(3)",
    "broken": "raise ValueError('no such thing')",
    "last": "write({'a': {'x': 4}})",
}
PROLOGUE = """
import json, pathlib, subprocess, sys, time
def write(results): pathlib.Path(sys.argv[1]).write_text(json.dumps(results))
"""


@pytest.fixture
def programs(monkeypatch) -> None:
    """Short programs in place of the steps."""

    def command(step: Step, results, dry_run: bool) -> list[str]:
        return [sys.executable, "-c", PROLOGUE + PROGRAMS[step.name], str(results)]

    monkeypatch.setattr(run, "step_command", command)


def test_what_fails_or_hangs_is_recorded_and_the_others_run(programs, tmp_path, capfd):
    steps = tuple(Step(name, 2 if name == "endless" else 30) for name in PROGRAMS)
    start = time.monotonic()
    content = run.run_all(tmp_path, dry_run=False, steps=steps)
    assert time.monotonic() - start < 30
    assert json.loads((tmp_path / "gpu.json").read_text()) == content
    assert [path.name for path in tmp_path.iterdir()] == ["gpu.json"]
    found = content["steps"]
    statuses = [step["status"] for step in found.values()]
    assert list(found) == list(PROGRAMS)
    assert statuses == ["timed out", "ok", "failed", "failed", "ok"]
    values = [step["results"].get("a", {}).get("x") for step in found.values()]
    assert values == [3, 1, 2, None, 4]
    assert found["bad"]["last_lines"] == ["the reason"]
    assert found["broken"]["last_lines"][-1] == "ValueError: no such thing"
    assert found["good"]["last_lines"] == []
    assert found["endless"]["seconds"] >= 2
    assert content["finished"]
    assert {bar["met"] for bar in content["bars"]} == {None}
    assert "    measured\n" in capfd.readouterr().out


def test_a_killed_run_leaves_what_was_done(programs, tmp_path, monkeypatch):
    class Killed(Exception):
        pass

    def killed_at_second(command, limit, results):
        if "the reason" in command[2]:
            raise Killed
        return run_step(command, limit, results)

    run_step = run.run_step
    monkeypatch.setattr(run, "run_step", killed_at_second)
    with pytest.raises(Killed):
        run.run_all(tmp_path, dry_run=True, steps=(Step("good", 30), Step("bad", 30)))
    content = json.loads((tmp_path / "gpu.json").read_text())
    assert not content["finished"]
    assert content["steps"]["good"]["results"] == {"a": {"x": 1}}


def test_no_step_begins_when_the_time_is_up(programs, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "TOTAL_SECONDS", 0)
    content = run.run_all(tmp_path, dry_run=True, steps=(Step("good", 30),))
    assert content["steps"]["good"]["status"] == "no time left"


def test_what_a_step_leaves_of_its_time_is_the_next_ones(programs, tmp_path):
    content = run.run_all(tmp_path, dry_run=False, steps=(Step("good", 30), Step("last", 2)))
    limits = [step["limit"] for step in content["steps"].values()]
    assert limits[0] <= 30
    assert 2 < limits[1] <= 32


def test_all_steps_fit_in_eight_minutes():
    assert sum(step.seconds for step in STEPS) <= TOTAL_SECONDS < 8 * 60


def test_without_a_gpu_only_a_dry_run_begins(tmp_path, run_main, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    status = run_main(run.main, "--output", tmp_path / "out")
    assert_one_clear_line(status, "no GPU", "--dry_run")
    assert not (tmp_path / "out").exists()


def test_the_script_asks_for_its_folder():
    ended = subprocess.run(
        ["bash", "benchmarks/on_gpu.sh", "--dry_run"], cwd=run.ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("usage: bash benchmarks/on_gpu.sh OUTPUT_DIR")
