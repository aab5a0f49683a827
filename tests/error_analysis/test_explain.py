import json
import sys
from pathlib import Path

import numpy as np
import pytest

from error_analysis.explain import main
from error_analysis.explaining.explanations import (
    Explanations,
    explanations_of,
    explanations_to_json,
    ranks_sha256,
    read_explanations,
)
from error_analysis.explaining.query_reasons import (
    Evidence,
    explain_model,
)
from error_analysis.reasons.images.plausible import NAME as PLAUSIBLE
from error_analysis.reasons.reason import Reason
from preprocess.base.errors import InputError
from preprocess.base.files import write_json
from preprocess.captions.split_file import write_split
from tests.conftest import assert_one_clear_line
from tests.error_analysis.explained import RANKS, TYPO, caption_model, objects_of, write_keypoints
from tests.error_analysis.labels import write_eccv
from tests.error_analysis.scored import (
    make_model,
    make_split,
    save_images,
    save_rankings,
    scores_with_ranks,
)


def test_what_is_written_is_read(tmp_path):
    of_caption = ((TYPO, Reason("long modifier", '<b> "é" \u2028')), *[()] * 29)
    objects = objects_of(tmp_path, {100 + i: ["cat"] for i in range(30)})
    models = [caption_model([30 - i for i in range(1, 31)], name) for name in "ab"]
    evidence = Evidence(of_caption, {}, objects, objects)
    whole = Explanations(tuple(explain_model(m, evidence) for m in models), {"hard_rank": 10})
    write_json(tmp_path / "reasons.json", explanations_to_json(whole))
    assert read_explanations(tmp_path / "reasons.json") == whole


def test_reasons_are_found_by_the_ranks_whatever_the_name():
    evidence = Evidence(((),) * 30, {}, None, None)
    whole = Explanations((explain_model(caption_model(name="old"), evidence),), {})
    found = explanations_of("reasons.json", whole, [caption_model(name="new")])
    assert found["new"].name == "old"


def test_reasons_of_other_rankings_are_refused():
    evidence = Evidence(((),) * 30, {}, None, None)
    whole = Explanations((explain_model(caption_model(name="old"), evidence),), {})
    other = caption_model([3, *RANKS[1:]])
    with pytest.raises(InputError, match=r"reasons\.json: expected the reasons of .* \(old\)"):
        explanations_of("reasons.json", whole, [other])
    renumbered = make_model(scores_with_ranks(RANKS).T, make_split([1] * 30, "other {}"))
    assert ranks_sha256(renumbered) == ranks_sha256(caption_model())  # ids and ranks are the same


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"models": [{}], "metadata": {}}', '{"models": 3}']
)
def test_a_file_of_something_else_is_one_line(tmp_path, content):
    (tmp_path / "reasons.json").write_text(content)
    with pytest.raises(InputError, match="not a file of reasons"):
        read_explanations(tmp_path / "reasons.json")


@pytest.fixture
def command(tmp_path) -> list[str]:
    """Arguments of the command over 30 captions, of which four are hard."""
    split = make_split([1] * 30, "a giraffe and a zebra, number {}")
    write_split(tmp_path / "test.json", split)
    write_split(tmp_path / "train.json", split)
    rankings = save_rankings(tmp_path / "a" / "test.npz", scores_with_ranks(RANKS).T, split)
    return [*map(str, ["--rankings", rankings, "--split_file", tmp_path / "test.json",
             "--train_split_file", tmp_path / "train.json",
             "--output", tmp_path / "reasons.json"])]  # fmt: skip


def test_the_command_writes_what_the_report_reads(command, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["explain", *command])
    main()
    content = json.loads(Path(command[-1]).read_text())
    assert [len(content["models"][0][d]["hard"]) for d in ("i2t", "t2i")] == [
        content["models"][0][d]["n_hard"] for d in ("i2t", "t2i")
    ]
    assert content["metadata"]["hard_rank"] == 10
    assert "a, caption queries: 4 hard of 30" in capsys.readouterr().out


def test_no_hard_query_is_told_honestly(tmp_path, run_main, capsys):
    split = make_split([1] * 12)
    write_split(tmp_path / "test.json", split)
    rankings = save_rankings(tmp_path / "a" / "test.npz", np.eye(12, dtype=np.float32), split)
    arguments = ["--rankings", rankings, "--split_file", tmp_path / "test.json"]
    arguments += ["--train_split_file", tmp_path / "test.json", "--output", tmp_path / "r.json"]
    assert run_main(main, *arguments) == 0
    assert "0 hard of 12, 0 with a reason" in capsys.readouterr().out
    [model] = read_explanations(tmp_path / "r.json").models
    assert all(found.hard == () for found in model.directions.values())


def test_a_model_without_a_query_is_one_line(command, tmp_path, run_main):
    other = make_split([1] * 29, "a giraffe and a zebra, number {}")
    rankings = save_rankings(tmp_path / "b" / "test.npz", scores_with_ranks(RANKS[:-1]).T, other)
    status = run_main(main, "--rankings", command[1], rankings, *command[2:])
    assert_one_clear_line(status, "b/test.npz", "the rankings belong to another split")


def test_images_that_lack_one_are_one_line_before_anything_is_written(command, tmp_path, run_main):
    images = save_images(tmp_path / "images.h5", make_split([1] * 29))
    status = run_main(main, *command, "--images", images)
    assert_one_clear_line(status, "image 129 is not in the file")
    assert not (tmp_path / "reasons.json").exists()


def test_labels_of_another_split_are_one_line(command, tmp_path, run_main):
    other = write_eccv(tmp_path, {900: [9000]}, {9000: [900]})
    status = run_main(main, *command, "--labels", other)
    assert_one_clear_line(status, other, "not in split")


def test_labels_and_several_instances_are_recorded(command, tmp_path, run_main):
    eccv = write_eccv(tmp_path, {101: [5001, 5002]}, {5001: [101, 102]})
    halves = []
    for name, ids in (("train", range(100, 115)), ("val", range(115, 130))):
        content = {"categories": [{"id": 1, "name": "cat"}], "annotations": []}
        content["images"] = [{"id": i, "width": 9, "height": 9} for i in ids]
        halves.append(tmp_path / f"instances_{name}.json")
        halves[-1].write_text(json.dumps(content))
    assert run_main(main, *command, "--labels", eccv, "--instances", *halves) == 0
    inputs = read_explanations(tmp_path / "reasons.json").metadata["inputs"]
    assert inputs["labels"] == [str(eccv)]
    assert inputs["instances"] == [str(path) for path in halves]
    status = run_main(main, *command, "--instances", halves[0], halves[0])
    assert_one_clear_line(status, "has 15 images, such as 100")


def test_keypoints_are_read_and_recorded(command, tmp_path, run_main):
    halves = [
        write_keypoints(tmp_path / f"keypoints_{name}.json", list(ids), hidden=103)
        for name, ids in (("train", range(100, 115)), ("val", range(115, 130)))
    ]
    status = run_main(main, *command, "--keypoints", halves[1])
    assert_one_clear_line(status, halves[1], "found 15 of them (not image 100)")
    assert not (tmp_path / "reasons.json").exists()
    assert run_main(main, *command, "--keypoints", *halves) == 0
    inputs = read_explanations(tmp_path / "reasons.json").metadata["inputs"]
    assert inputs["keypoints"] == [str(path) for path in halves]


def test_a_model_that_is_not_there_is_one_line(command, run_main):
    status = run_main(main, *command, "--region_models", "lxmert")
    assert_one_clear_line(status, "--region_models: expected names among a, found 'lxmert'")


def test_captions_in_another_language_or_one_an_image_are_told(command, tmp_path, run_main, capsys):
    assert run_main(main, *command) == 0
    assert "each image has one caption" in capsys.readouterr().err
    split = make_split([1] * 30, "ein Mann sitzt auf einer Bank neben dem Haus {}")
    write_split(tmp_path / "deutsch.json", split)
    rankings = save_rankings(tmp_path / "d" / "test.npz", scores_with_ranks([12] + [0] * 29), split)
    options = ["--rankings", rankings, "--split_file", tmp_path / "deutsch.json"]
    assert run_main(main, *options, "--output", tmp_path / "d.json") == 0
    assert "the rules of captions do not apply" in capsys.readouterr().err
    found = read_explanations(tmp_path / "d.json").models[0].directions["t2i"]
    assert [reason.name for query in found.hard for reason in query.reasons] in ([], [PLAUSIBLE])
