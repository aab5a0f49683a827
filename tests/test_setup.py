"""setup.sh says what it does, and what is missing."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def setup(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["bash", ROOT / "setup.sh", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        cwd="/",
    )


def test_help_describes_every_verb():
    shown = setup("--help")
    assert shown.returncode == 0
    for verb in ("demo", "test", "coco"):
        assert f"\n  {verb} " in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["deom"], "unknown verb deom"),
        (["demo", "--fast"], "demo takes no options, found: --fast"),
    ],
)
def test_a_mistake_is_one_line(arguments, line):
    shown = setup(*arguments)
    assert shown.returncode != 0
    assert shown.stderr.startswith("setup.sh: ")
    assert line in shown.stderr
    assert shown.stderr.count("\n") == 1


def test_a_missing_or_old_python_is_named_before_anything_is_made(tmp_path):
    venv = str(tmp_path / "venv")
    shown = setup("test", VENV=venv, PYTHON="python9")
    assert "python9 not found" in shown.stderr
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\ncase $1 in -V) echo Python 3.6.0;; *) exit 1;; esac\n")
    old.chmod(0o755)
    shown = setup("test", VENV=venv, PYTHON=str(old))
    assert "Python 3.11 or newer is needed" in shown.stderr
    assert "Python 3.6.0" in shown.stderr
    assert not Path(venv).exists()
