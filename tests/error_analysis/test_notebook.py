from dataclasses import replace
from pathlib import Path

import nbclient
import nbformat
import pytest

from preprocess.captions.split_file import write_split
from tests.error_analysis.scored import make_split, save_images, save_rankings, scores_with_ranks

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOK = REPOSITORY / "error_analysis" / "error_exploration.ipynb"


def test_the_notebook_is_kept_without_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_the_notebook_only_imports():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert not [source for source in code if "def " in source or "class " in source]


@pytest.mark.long
@pytest.mark.parametrize("start", ["error_analysis", "."])
def test_the_notebook_runs_from_its_folder_and_from_the_root(start, tmp_path, monkeypatch):
    ranks = [0, 12, 10, 25, 12] + [0] * 25
    split = make_split([1] * 30)
    write_split(tmp_path / "test.json", split)
    write_split(tmp_path / "train.json", replace(split, split="train"))
    save_images(tmp_path / "test_images.h5", split)
    save_rankings(tmp_path / "lxmert" / "test.npz", scores_with_ranks(ranks), split)
    save_rankings(tmp_path / "clip" / "test.npz", scores_with_ranks(ranks[::-1]).T, split)
    monkeypatch.setenv("ERROR_ANALYSIS_DATA", str(tmp_path))
    monkeypatch.setenv("ERROR_ANALYSIS_RUNS", str(tmp_path))

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    place = {"metadata": {"path": str(REPOSITORY / start)}}
    nbclient.NotebookClient(notebook, timeout=120, resources=place).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(output.get("text", "") for output in outputs)
    assert "lxmert i2t: 4 hard, 26 easy of 30" in text
    html = [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    assert any("Hard for lxmert: image queries" in page for page in html)
    assert any("data:image/jpeg;base64," in page for page in html)
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    for said in ("less clip's", "hard of 30", "hard caption queries", "times each", "hard of 30"):
        assert said in text, said
