"""One command makes everything from rankings: which others it runs, with what, in what order."""

import importlib
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from error_analysis.all import AllArguments, left_out, main, steps_of
from error_analysis.chaining.told import Told
from preprocess.captions.split_file import write_split
from tests.conftest import assert_one_clear_line, write_features
from tests.error_analysis.scored import make_split, save_images, save_rankings
from tests.error_analysis.small_folds import N_IMAGES, folds_scores

METADATA = {"model": "demo/models/clip", "dtype": "float16"}
ORACLE = "out/oracle/test.npz"


def told(*names: str, oracle: str | None = "full", asked: tuple[int, ...] = ()) -> Told:
    return Told(names, (METADATA,) * len(names), np.arange(1), oracle, asked)


def arguments(*names: str, **options) -> AllArguments:
    """Those of models in folders of their names."""
    rankings = [Path(name) / "test.npz" for name in names]
    return AllArguments(
        rankings=rankings, split_file=Path("data/test.json"), output=Path("out"), **options
    )


def everything() -> AllArguments:
    """Every option given."""
    single = ("images", "features", "object_labels", "generated_captions", "surprise")
    single += ("generated_split_file",)
    files = {name: Path(f"data/{name}") for name in single}
    lists = ("instances", "keypoints", "labels", "noise", "generated_rankings", "cascades")
    files |= {name: [Path(f"data/{name}{i}") for i in (1, 2)] for name in lists}
    return arguments(
        "lxmert",
        "clip",
        names=["l", "c"],
        train_split_file=Path("data/train.json"),
        region_models=["l"],
        probe_models=["c"],
        **files,
    )


def steps(args: AllArguments, told: Told) -> dict[str, dict[str, list[str]]]:
    """The options of each step by what it writes, each with its values."""
    found = {}
    for step in steps_of(args, told):
        options: dict[str, list[str]] = {}
        for word in step.options:
            if word.startswith("--"):
                options[word] = []
            else:
                options[list(options)[-1]].append(word)
        found[f"{step.name} {step.output}"] = options
    return found


def test_all_commands_are_run_and_each_writes_where_it_is_said():
    assert list(steps(everything(), told("l", "c"))) == [
        "mining out/l/hard_queries.json",
        "mining out/c/hard_queries.json",
        "hubness out/l/hubs.json",
        "hubness out/c/hubs.json",
        f"caption_oracle {ORACLE}",
        "comparison out/comparison.json",
        "significance out/significance.json",
        "explain out/reasons.json",
        "slices out/slices.json",
        "false_negatives out/false_negatives.json",
        "difficulty out/difficulty.json",
        "probe out/c/repairs.json",
        "report out/report",
    ]


@pytest.mark.parametrize(
    "step", steps_of(everything(), told("l", "c", asked=(1, 0))), ids=lambda s: s.name
)
def test_a_command_has_the_options_that_it_is_run_with(step, run_main, capsys):
    module = importlib.import_module(f"error_analysis.{step.name}")
    assert run_main(module.main, "--help") == 0
    known = set(re.findall(r"--\w+", capsys.readouterr().out))
    assert {word for word in step.words if word.startswith("--")} <= known


def test_every_option_is_some_commands():
    args = everything()
    words = {word for step in steps_of(args, told("l", "c", asked=(1, 0))) for word in step.words}
    for name, value in vars(args).items():
        for one in value if isinstance(value, list) else [value]:
            if name not in ("split_file", "output", "oracle", "probe_models"):
                assert str(one) in words, name


def test_what_a_step_reads_of_the_output_was_written_before_it():
    written = set()
    for step in steps_of(everything(), told("l", "c")):
        assert {word for word in step.options if word.startswith("out/")} <= written, step.name
        written.add(str(step.output))


def test_the_oracle_is_a_model_for_reasons_slices_and_report_and_a_feature_for_difficulty():
    found = steps(everything(), told("l", "c", oracle="1k"))
    assert found[f"caption_oracle {ORACLE}"]["--protocol"] == ["1k"]
    among = {key.partition(" ")[0] for key, o in found.items() if ORACLE in o.get("--rankings", [])}
    assert among == {"explain", "slices", "report"}
    reasons = found["explain out/reasons.json"]
    assert reasons["--names"] == ["l", "c", "oracle"]
    assert reasons["--region_models"] == ["l"]
    assert found["difficulty out/difficulty.json"]["--oracle"] == [ORACLE]
    assert found["difficulty out/difficulty.json"]["--names"] == ["l", "c"]


def test_the_oracle_sees_no_regions_where_nobody_says_who_does():
    args = arguments("l", "c", features=Path("data/features.h5"))
    assert steps(args, told("l", "c"))["explain out/reasons.json"]["--region_models"] == ["l", "c"]
    alone = steps(args, told("l", "c", oracle=None))["explain out/reasons.json"]
    assert "--region_models" not in alone


def test_a_probe_asks_the_checkpoint_that_made_the_rankings_as_they_were_made():
    assert steps(everything(), told("l", "c"))["probe out/c/repairs.json"] == {
        "--model_name_or_path": ["demo/models/clip"],
        "--data_dir": ["data"],
        "--split": ["test"],
        "--repair_typos": [],
        "--rankings": ["clip/test.npz"],
        "--dtype": ["float16"],
        "--train_split_file": ["data/train.json"],
    }


def test_a_model_with_a_box_head_is_asked_for_its_boxes_too(tmp_path):
    config = {"model_type": "xvlm", "has_box_head": True}
    (tmp_path / "config.json").write_text(json.dumps(config))
    metadata = ({**METADATA, "model": str(tmp_path)},) * 2
    found = steps(everything(), Told(("l", "c"), metadata, np.arange(1), "full"))
    assert found["probe out/c/boxes.json"] == {
        "--model_name_or_path": [str(tmp_path)],
        "--data_dir": ["data"],
        "--split": ["test"],
        "--predict_boxes": [],
        "--rankings": ["clip/test.npz"],
        "--dtype": ["float16"],
    }
    assert found["report out/report"]["--probes"] == ["out/c/repairs.json", "out/c/boxes.json"]


def test_models_that_were_asked_by_generated_captions_are_asked_what_is_hard():
    args = everything()
    found = steps(args, told("l", "c", asked=(1, 0)))
    assert found["caption_or_image out/caption_or_image.json"] == {
        "--rankings": ["clip/test.npz", "lxmert/test.npz"],
        "--names": ["c", "l"],
        "--split_file": ["data/test.json"],
        "--generated_rankings": list(map(str, args.generated_rankings)),
        "--generated_split_file": ["data/generated_split_file"],
    }
    assert found["report out/report"]["--caption_or_image"] == ["out/caption_or_image.json"]


def test_of_many_models_some_wins_are_listed():
    names = ("a", "b", "c", "d", "e")
    found = steps(arguments(*names), told(*names))["comparison out/comparison.json"]
    assert found["--most_wins"] == ["100"]
    few = steps(arguments(*names[:4]), told(*names[:4]))["comparison out/comparison.json"]
    assert "--most_wins" not in few


def test_the_report_shows_all_that_is_written():
    report = steps(everything(), told("l", "c"))["report out/report"]
    for option in ("comparison", "reasons", "slices", "false_negatives", "difficulty"):
        assert report[f"--{option}"] == [f"out/{option}.json"]
    assert report["--probes"] == ["out/c/repairs.json"]
    assert report["--cascades"] == ["data/cascades1", "data/cascades2"]


def test_wins_that_are_counted_in_folds_are_not_those_of_the_report():
    folds = Told(("l", "c"), ({**METADATA, "protocol": "5fold"},) * 2, np.arange(1), "5fold")
    found = steps(everything(), folds)
    assert "comparison out/comparison.json" in found
    assert "--comparison" not in found["report out/report"]


def test_what_is_not_given_leaves_out_what_needs_it_and_that_is_said():
    args = arguments("clip")
    found = steps(args, told("clip"))
    assert [key.partition(" ")[0] for key in found] == [
        *("mining", "hubness", "caption_oracle", "significance", "explain", "slices"),
        *("false_negatives", "difficulty"),
    ]
    assert list(found["explain out/reasons.json"]) == ["--rankings", "--split_file"]
    lines = left_out(args, told("clip"))
    assert [line.partition(":")[0] for line in lines] == ["no comparison", "no probe", "no report"]
    lines = left_out(everything(), told("l", "c", oracle=None))
    assert [line.partition(":")[0] for line in lines] == ["no caption oracle"]
    assert left_out(everything(), told("l", "c")) == []


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
