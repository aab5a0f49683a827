"""setup.sh says what it does, and what is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def setup(
    *arguments: str, script: Path = ROOT / "setup.sh", **environment: str
) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["bash", script, *arguments],
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


def this_environment(folder: Path) -> str:
    """A virtual environment's folder in which this interpreter counts as installed."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (folder / "bin" / "python").chmod(0o755)
    shutil.copy(ROOT / "requirements.txt", folder / "requirements.installed")
    return str(folder)


def test_coco_writes_the_splits_and_names_the_next_command(tmp_path, shared_data):
    copy = tmp_path / "project"
    for name in ("setup.sh", "requirements.txt"):
        copy.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, copy)
    (copy / "preprocess").symlink_to(ROOT / "preprocess")
    venv = this_environment(tmp_path / "venv")

    def coco(*arguments):
        return setup("coco", *arguments, script=copy / "setup.sh", VENV=venv)

    missing = coco()
    assert missing.returncode == 1
    assert "datasets/coco/dataset_coco.json not found" in missing.stderr
    shown = coco("--karpathy_json", str(shared_data / "coco90" / "dataset_coco.json"))
    assert shown.returncode == 0, shown.stderr
    assert "preprocess.extract_features" in shown.stdout
    splits = sorted(path.name for path in (copy / "datasets" / "coco").iterdir())
    assert splits == ["minival.json", "test.json", "train.json", "val.json"]
