from dataclasses import replace
from pathlib import Path

import nbclient
import nbformat
import pytest

from preprocess.captions.split_file import Caption, Split, write_split
from tests.error_analysis.scored import make_split, save_images, save_rankings, scores_with_ranks

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOK = REPOSITORY / "error_analysis" / "error_exploration.ipynb"
ENGLISH = "This is a photo with the number {}"


def test_the_notebook_is_kept_without_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_the_notebook_only_imports():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert not [source for source in code if "def " in source or "class " in source]


def with_a_typo(split: Split) -> Split:
    """Caption 5001, whose rank is hard for the model that is probed, has a word wrong."""
    typed = Caption(5001, "A large beautifull house near the river")
    images = [replace(i, captions=(typed,)) if i.image_id == 101 else i for i in split.images]
    return replace(split, images=tuple(images))


@pytest.mark.long
@pytest.mark.parametrize("start", ["error_analysis", "."])
def test_the_notebook_runs_from_its_folder_and_from_the_root(start, tmp_path, monkeypatch):
    ranks = [0, 12, 10, 25, 12] + [0] * 25
    split = with_a_typo(make_split([1] * 30, ENGLISH))
    write_split(tmp_path / "test.json", split)
    write_split(tmp_path / "train.json", replace(make_split([1] * 30, ENGLISH), split="train"))
    save_images(tmp_path / "test_images.h5", split)
    save_rankings(tmp_path / "lxmert" / "test.npz", scores_with_ranks(ranks), split)
    save_rankings(tmp_path / "clip" / "test.npz", scores_with_ranks(ranks).T, split)
    monkeypatch.setenv("ERROR_ANALYSIS_DATA", str(tmp_path))
    monkeypatch.setenv("ERROR_ANALYSIS_RUNS", str(tmp_path))

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    place = {"metadata": {"path": str(REPOSITORY / start)}}
    nbclient.NotebookClient(notebook, timeout=120, resources=place).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    data = [output.data for output in outputs if "data" in output]
    html = [content["text/html"] for content in data if "text/html" in content]
    text = "".join(output.get("text", "") for output in outputs) + "".join(html)
    assert any("Hard for lxmert: image queries" in page for page in html)
    assert any("data:image/" in page for page in html)
    assert sum("image/png" in content for content in data) == 3
    assert any("application/vnd.jupyter.widget-view+json" in content for content in data)
    for said in (
        "lxmert i2t: 4 hard, 26 easy of 30",
        "less clip&#39;s",
        "image queries: 4 hard of 30",
        "hard caption queries",
        "intrude most often",
        "1 captions with a typo",
        "edited: “A large beautiful house near the river”",
        "queries are hard",
    ):
        assert said in text, said
