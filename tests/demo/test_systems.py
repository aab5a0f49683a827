"""`setup.sh demo --all` asks for no file that none of its commands has made."""

import os
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OUTPUTS = ("--output", "--output_dir")


@pytest.fixture
def commands(tmp_path) -> list[list[str]]:
    """The words of each command of `setup.sh demo --all`, none of which is run."""
    log, python = tmp_path / "log", tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nprintf "%s\\t" "$@" >>{log}\necho >>{log}\n')
    python.chmod(0o755)
    shutil.copy(ROOT / "requirements.txt", tmp_path / "venv" / "requirements.installed")
    ran = subprocess.run(
        ["bash", ROOT / "setup.sh", "demo", "--all"],
        env={**os.environ, "VENV": str(tmp_path / "venv")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "5 minutes more" in ran.stdout
    lines = [line.rstrip("\t").split("\t") for line in log.read_text().splitlines()]
    return [words for words in lines if words[:1] == ["-m"]]


def is_made(path: str, outputs: list[str]) -> bool:
    """Tell whether a command's output is the path, lies in it, or has its folder's name."""
    return any(
        path == output
        or output.startswith(f"{path}/")
        or path.startswith(f"{output.removesuffix('.json')}/")
        for output in outputs
    )


def test_what_is_read_was_written_before(commands):
    written: list[str] = []
    for words in commands:
        outputs = [after for word, after in pairwise(words) if word in OUTPUTS]
        read = [word for word in words if word.startswith(("runs/", "datasets/"))]
        for path in set(read) - set(outputs):
            assert is_made(path, written), (path, words)
        written += outputs


def test_every_system_is_in_the_one_report(commands):
    (report,) = [words for words in commands if words[1] == "error_analysis.all"]
    ranked = [Path(word).parent.name for word in report if word.endswith("/test.npz")]
    assert ranked[:9] == [
        *("lxmert", "clip", "xvlm", "clip_finetuned", "xvlm_contrastive"),
        *("sx3hre_itc", "sx3hre_cosine", "sx3hre_none", "fusion"),
    ]
    assert ranked[9] == "cascade"
    assert ranked[10:] == ["generated"] * 3
