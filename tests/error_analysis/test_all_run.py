"""The command as it is run: mistakes are told before any step; a small gallery has everything."""

import json
import subprocess

import pytest

from error_analysis.all import main
from preprocess.captions.split_file import write_split
from tests.conftest import assert_one_clear_line, write_features
from tests.error_analysis.scored import make_split, save_images, save_rankings
from tests.error_analysis.small_folds import N_IMAGES, folds_scores


@pytest.fixture
def given(tmp_path):
    """The options of a gallery of 60 images, two captions each, that two models scored."""
    split = make_split([2] * N_IMAGES, "a dog on a wall, {}")
    write_split(tmp_path / "test.json", split)
    write_features(tmp_path / "test_features.h5", split)
    save_images(tmp_path / "images.h5", split)
    paths = [
        save_rankings(tmp_path / name / "test.npz", folds_scores(seed, 2), split)
        for seed, name in enumerate(("one", "two"))
    ]
    files = ["--split_file", tmp_path / "test.json", "--images", tmp_path / "images.h5"]
    return ["--rankings", *paths, *files, "--output", tmp_path / "out"]


@pytest.fixture
def no_step(monkeypatch):
    """Nothing may be run."""

    def refuse(*words, **_):
        raise AssertionError(f"{words} was run")

    monkeypatch.setattr(subprocess, "run", refuse)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--instances", "none.json"], ["--instances none.json: no such file"]),
        (["--train_split_file", "none.json"], ["--train_split_file none.json: no such file"]),
        (["--labels", "a.csv"], ["--labels a.csv: no such file"]),
        (["--noise", "a.npz", "b.npz"], ["--noise a.npz: no such file"]),
        (["--features", "none.h5"], ["none.h5: no such file"]),
        (["--cascades", "none.npz"], ["none.npz: no such file", "information_retrieval.cascade"]),
        (["--region_models", "three"], ["--region_models", "one, two", "'three'"]),
        (["--probe_models", "three"], ["--probe_models", "one, two", "'three'"]),
        (["--probe_models", "one"], ["--probe_models one", "test_images.h5"]),
        (["--names", "a/b", "c"], ["--names: 'a/b' cannot name a folder"]),
        (["--names", "..", "c"], ["--names: '..' cannot name a folder"]),
        (["--names", "report", "c"], ["--names: 'report'", "choose another"]),
        (["--names", "oracle", "c"], ["'oracle'", "leave it out of --rankings"]),
    ],
    ids=" ".join,
)
def test_a_mistake_is_told_before_anything_is_run(
    options, parts, given, tmp_path, run_main, no_step
):
    assert_one_clear_line(run_main(main, *given, *options), *parts)
    assert not (tmp_path / "out").exists()


def test_features_whose_objects_nothing_names_are_told_before_anything_is_run(
    given, tmp_path, run_main, no_step
):
    status = run_main(main, *given, "--features", tmp_path / "test_features.h5")
    assert_one_clear_line(status, "test_features.h5", "objects_vocab.txt")


def test_an_output_that_cannot_be_written_is_told_before_anything_is_run(
    given, tmp_path, run_main, no_step
):
    (tmp_path / "out" / "slices.json").mkdir(parents=True)
    assert_one_clear_line(run_main(main, *given), "slices.json", "cannot be written")
    (tmp_path / "out" / "slices.json").rmdir()
    (tmp_path / "out" / "report").mkdir()
    (tmp_path / "out" / "report" / "mine.txt").touch()
    assert_one_clear_line(run_main(main, *given), "report", "mine.txt")


def test_rankings_that_would_be_replaced_are_told(given, tmp_path, run_main, no_step):
    oracle = tmp_path / "out" / "oracle" / "test.npz"
    oracle.parent.mkdir(parents=True)
    given[1].rename(oracle)
    given[1] = oracle
    status = run_main(main, *given, "--names", "one", "two")
    assert_one_clear_line(status, str(oracle), "one of the rankings to read")


@pytest.mark.long
def test_a_small_gallery_has_everything(given, tmp_path, run_main, capsys):
    labels = tmp_path / "objects_vocab.txt"
    labels.write_text("\n".join(f"thing {i}" for i in range(10)))
    given += ["--features", tmp_path / "test_features.h5", "--object_labels", labels]
    assert run_main(main, *given) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("12 commands, one after another\nno probe: ")
    assert shown.count("\n$ python -m error_analysis.") == 12
    assert "\nseconds: " in shown
    assert shown.endswith("index.html\n")
    out = tmp_path / "out"
    made = {str(path.relative_to(out)) for path in out.rglob("*.json")} - {"report/report.json"}
    assert made == {
        *(f"{name}/{file}.json" for name in ("one", "two") for file in ("hard_queries", "hubs")),
        *(f"{name}.json" for name in ("comparison", "significance", "reasons", "slices")),
        *("false_negatives.json", "difficulty.json", "oracle/metrics.json"),
    }
    assert (out / "report" / "index.html").exists()
    reasons = json.loads((out / "reasons.json").read_text())
    assert [model["name"] for model in reasons["metadata"]["models"]] == ["one", "two", "oracle"]
