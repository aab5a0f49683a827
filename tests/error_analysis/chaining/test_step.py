"""Steps are shown as one would type them, and the first that fails is the last."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from error_analysis.chaining.step import Step, options_of, run_steps


def test_options_are_those_that_have_a_value():
    values = {"rankings": [Path("a.npz"), Path("b.npz")], "names": None, "noise": [], "k": 0}
    assert options_of(**values) == ("--rankings", "a.npz", "b.npz", "--k", "0")


def test_a_step_is_shown_so_that_a_shell_reads_it_as_it_is_run(monkeypatch, capsys):
    run = []
    done = subprocess.CompletedProcess([], 0)
    monkeypatch.setattr(subprocess, "run", lambda words, **_: run.append(words) or done)
    run_steps([Step("mining", ("--rankings", "my models/it's.npz"), Path("out.json"))])
    shown, seconds = [line for line in capsys.readouterr().out.splitlines() if line]
    assert seconds == "seconds: mining 0"
    assert shown.startswith("$ python -m error_analysis.mining ")
    assert run == [[sys.executable, *shlex.split(shown)[2:]]]


def test_the_first_step_that_fails_is_named_and_the_last(tmp_path, capfd):
    options = ("--rankings", "none.npz", "--split_file", "none.json")
    steps = [Step("mining", options, tmp_path / name) for name in ("one.json", "two.json")]
    with pytest.raises(SystemExit) as stop:
        run_steps(steps)
    assert stop.value.code == 1
    own, ours = capfd.readouterr().err.splitlines()
    assert own.startswith("error: none.json: no such file")
    assert ours.startswith("error: step 1 of 2, error_analysis.mining, failed")


def test_a_step_that_is_killed_is_told_with_the_status_of_a_shell(monkeypatch, capsys):
    def kill_itself(words, **options):
        script = f"import os; os.kill(os.getpid(), {signal.SIGKILL})"
        return run([sys.executable, "-c", script], **options)

    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", kill_itself)
    with pytest.raises(SystemExit) as stop:
        run_steps([Step("mining", (), Path(os.devnull))])
    assert stop.value.code == 128 + signal.SIGKILL
    assert "killed by signal 9" in capsys.readouterr().err
