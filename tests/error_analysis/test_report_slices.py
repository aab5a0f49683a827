"""The report's groups of queries, and what it says of the caption oracle."""

import json
import sys
from dataclasses import replace

import pytest

from error_analysis import slices as slices_command
from preprocess.base.errors import InputError
from preprocess.captions.split_file import read_split, write_split
from tests.error_analysis.report_folder import A, make_inputs, make_report
from tests.error_analysis.scored import save_rankings, scores_with_ranks


@pytest.fixture
def inputs(tmp_path):
    """Two models that miss kitchens, and none of the rest; the report's arguments."""
    scores = scores_with_ranks([0] * 30 + [20] * 30)
    arguments = make_inputs(tmp_path, scores, scores.T)
    split = read_split(tmp_path / "test.json")
    texts = ["a dog on a beach"] * 30 + ["a cat in a kitchen"] * 30
    images = tuple(
        replace(image, captions=(replace(image.captions[0], caption=text),))
        for image, text in zip(split.images, texts, strict=True)
    )
    split = replace(split, images=images)
    write_split(tmp_path / "test.json", split)
    for name, matrix in (("model0", scores), ("model1", scores.T)):
        save_rankings(tmp_path / name / "test.npz", matrix, split)
    return arguments


@pytest.fixture
def found(inputs, tmp_path, monkeypatch):
    """The file that the command wrote."""
    path = tmp_path / "slices.json"
    options = [*inputs[: inputs.index("--images")], "--output", str(path), "--no_rules"]
    monkeypatch.setattr(sys, "argv", ["slices", *options])
    slices_command.main()
    return path


def test_groups_of_queries_have_a_section_whose_rows_open_them(inputs, found, monkeypatch):
    site = make_report(monkeypatch, inputs, "--slices", str(found))
    [label] = [one for one in site.data("queries")["labels"] if one["name"] == "kitchen (words)"]
    assert sum(label["queries"]) == 119  # the last of images 30 to 59, and of their captions
    assert len(label["queries"]) == 60
    assert "has=group:kitchen%20%28words%29" in site.html["index.html"]
    assert "model0: hard queries, in percent of image queries" in site.text


def test_of_groups_of_more_models_those_of_the_report_are_shown(inputs, found, monkeypatch):
    only = [*inputs[:2], *inputs[3:]]
    site = make_report(monkeypatch, only, "--slices", str(found))
    assert "model0: hard queries, in percent of image queries" in site.text
    assert "model1" not in site.html["index.html"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c["metadata"]["ranks_sha256"].update(model1="x"), "those of other rankings"),
        (lambda c: c.clear(), "not a file of slices"),
        (lambda c: c["findings"][0].pop("p"), "not a file of slices"),
    ],
)
def test_a_file_of_others_or_none_is_one_line(inputs, found, monkeypatch, change, told):
    content = json.loads(found.read_text())
    del content["sha256"]  # else it would be damaged
    change(content)
    found.write_text(json.dumps(content))
    with pytest.raises(InputError, match=told):
        make_report(monkeypatch, inputs, "--slices", str(found))


def test_the_caption_oracle_is_told_for_what_it_is(tmp_path, monkeypatch):
    arguments = make_inputs(tmp_path, scores_with_ranks(A))
    split = read_split(tmp_path / "test.json")
    save_rankings(tmp_path / "model0" / "test.npz", scores_with_ranks(A), split, oracle="TF-IDF")
    site = make_report(monkeypatch, arguments)
    assert "model0 is what captions alone can do" in site.text
