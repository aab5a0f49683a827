"""The page on use from Python runs as it stands, and what it uses says that it is public."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from information_retrieval.evaluate import main as evaluate
from preprocess.captions.split_file import read_split, write_split
from tests.conftest import make_split, write_image_files, write_images_of

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "python.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def demo(tmp_path, run_main, monkeypatch):
    """A folder with the files of the demo that the page reads, of few images."""
    data = tmp_path / "datasets" / "demo"
    split = make_split(30, "test")
    write_split(data / "test.json", split)
    write_image_files(data / "images", split)
    write_images_of(data, "test")
    (tmp_path / "demo").symlink_to(ROOT / "demo")
    monkeypatch.chdir(tmp_path)
    options = ["--model_name_or_path", "demo/models/clip", "--data_dir", data, "--device", "cpu"]
    assert run_main(evaluate, *options, "--output", tmp_path / "runs/demo/clip/test.npz") == 0
    return tmp_path


def test_the_page_runs_from_top_to_bottom(demo, capsys):
    capsys.readouterr()
    names: dict[str, object] = {}
    for block in BLOCKS:
        if "import pandas" in block and importlib.util.find_spec("pandas") is None:
            continue
        exec(compile(block, "docs/python.md", "exec"), names)
    shown = capsys.readouterr().out
    split = read_split(demo / "datasets" / "demo" / "test.json")
    assert f"30 images, {len(split.captions)} captions" in shown
    assert "[0. 1. 0.]" in shown
    assert (demo / "runs" / "mine" / "test.npz").exists()
    table = names["table"]
    ranks = names["clip"].query_ranks("t2i").ranks()
    assert len(table["rank"]) == np.count_nonzero(ranks >= 10) > 0
    assert table["rank"] == sorted(table["rank"], reverse=True)
    assert table["query"][0] in split.captions


def test_what_it_uses_says_that_it_is_public():
    imported = re.findall(r"^from (\S+) import (.*)$", "\n".join(BLOCKS), flags=re.MULTILINE)
    pairs = [(module, name) for module, names in imported for name in names.split(", ")]
    ours = [(module, name) for module, name in pairs if module != "pathlib"]
    assert len(ours) > 8
    for module, name in ours:
        docstring = getattr(importlib.import_module(module), name).__doc__
        assert "docs/python.md" in docstring, f"{module}.{name}"
