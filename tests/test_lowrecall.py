"""One name for all commands: it lists them, and runs each as `python -m` does."""

import subprocess
import sys
from pathlib import Path

import pytest

import lowrecall

ROOT = Path(__file__).resolve().parents[1]


def run(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "lowrecall.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


def test_every_command_is_listed_with_its_first_sentence(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["lowrecall"])
    lowrecall.main()
    shown = capsys.readouterr().out
    for name, module in lowrecall.commands().items():
        assert f"  {name} " in shown
        assert lowrecall.summary(module) in shown
    assert max(map(len, shown.splitlines())) <= 130


def test_short_names_are_distinct():
    tops = [path for one in lowrecall.PACKAGES for path in (ROOT / one).glob("[!_]*.py")]
    modules = [path for path in tops if path.stem != "arguments"]
    assert len(lowrecall.commands()) == len(modules)


def test_a_command_runs_from_any_folder_and_names_itself(tmp_path):
    shown = run("splits", "--help", folder=tmp_path)
    assert shown.returncode == 0
    assert shown.stdout.startswith("usage: lowrecall splits --output_dir PATH [options]")


def test_bad_input_is_one_line_and_status_one(tmp_path):
    shown = run("splits", "--output_dir", "out", "--karpathy_json", "none.json", folder=tmp_path)
    assert shown.returncode == 1
    assert shown.stderr.startswith("error: none.json: ")


@pytest.mark.parametrize(("typed", "meant"), [("minin", "mining"), ("evalute", "evaluate")])
def test_an_unknown_command_is_told_with_what_was_meant(typed, meant):
    shown = run(typed)
    assert shown.returncode == 1
    assert shown.stderr == f"error: unknown command {typed}; did you mean {meant}?\n"


def test_no_command_imports_torch_before_its_options_are_read():
    imported = ", ".join(lowrecall.commands().values())
    script = f"import sys, {imported}; print([m for m in ('torch', 'sklearn') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert shown.stdout == "[]\n", shown.stderr
