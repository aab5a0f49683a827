"""One command makes everything from rankings: which others it runs, with what, in what order."""

import importlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from error_analysis.all import AllArguments, left_out, steps_of
from error_analysis.chaining.told import Told

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
    lists += ("self_retrieval",)
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
    for option in ("cascades", "self_retrieval"):
        assert report[f"--{option}"] == [f"data/{option}1", f"data/{option}2"]


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
