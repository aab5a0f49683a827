"""The command that asks whether captions or images make images hard."""

import json

import numpy as np
import pytest

from error_analysis.caption_or_image import main
from error_analysis.statistics.hard_images import KINDS
from preprocess.captions.split_file import Caption, Split, write_split
from tests.conftest import assert_one_clear_line
from tests.error_analysis.scored import make_split, save_rankings, scores_with_ranks
from tests.error_analysis.statistics.test_hard_images import GENERATED, HUMAN, model_of_ranks


def as_generated(split: Split) -> Split:
    """One caption an image, whose id is the image's."""
    images = tuple(
        type(i)(i.image_id, i.file_name, (Caption(i.image_id, f"machine on {i.image_id}"),))
        for i in split.images
    )
    return Split(split.dataset, split.split, "a captioner", images)


@pytest.fixture
def run(tmp_path, run_main):
    human, output = model_of_ranks(HUMAN), tmp_path / "out.json"
    scores = model_of_ranks(GENERATED).rankings.scores
    said = as_generated(human.gallery)
    write_split(tmp_path / "test.json", human.gallery)
    write_split(tmp_path / "generated.json", said)
    paths = [
        save_rankings(tmp_path / "clip" / "test.npz", human.rankings.scores, human.gallery),
        save_rankings(tmp_path / "generated" / "test.npz", scores, said, weights="a"),
    ]

    def run(*options, rankings=paths[:1], generated=paths[1:], said_of="generated.json"):
        arguments = ["--rankings", *rankings, "--generated_rankings", *generated]
        arguments += ["--split_file", tmp_path / "test.json", "--output", output]
        arguments += ["--generated_split_file", tmp_path / said_of]
        return run_main(main, *arguments, *options), output

    return run


def test_the_table_is_written_and_printed_with_examples_of_each_kind(run, capsys):
    status, output = run()
    assert status == 0
    found = json.loads(output.read_text())["models"]["clip"]
    assert found["counts"] == dict(zip(KINDS, (2, 1, 2, 15), strict=True))
    assert found["image_ids"]["by the generated alone"] == [103, 101]
    [example] = found["examples"]["by human captions alone"]
    assert example["image_id"] == 100
    assert [one["rank"] for one in example["human"]] == [12, 11, 0]
    assert [one["caption"] for one in example["human"]] == [f"caption {5000 + i}" for i in range(3)]
    assert example["generated"] == {"caption": "machine on 100", "rank": 3}
    assert example["first"] == {"image_id": 101, "generated": "machine on 101"}
    printed = capsys.readouterr().out
    assert "hard by both             2 (10.0 %" in printed
    assert "; of one human caption 2.5" in printed
    assert sum(found["expected_counts"].values()) == pytest.approx(20)
    assert found["expected_counts"]["by human captions alone"] == pytest.approx(2 / 3)
    assert "3  machine on 100  (generated)" in printed
    assert "first: image 101, machine on 101" in printed


def test_as_many_examples_are_written_as_asked_for_and_all_ids(run):
    _, output = run("--n_examples", 1)
    found = json.loads(output.read_text())["models"]["clip"]
    assert [len(found["examples"][kind]) for kind in KINDS] == [1, 1, 1, 1]
    assert len(found["image_ids"]["by neither"]) == 15


def test_several_models_have_a_table_each(run, tmp_path):
    human = model_of_ranks(HUMAN)
    second = save_rankings(tmp_path / "b" / "test.npz", human.rankings.scores, human.gallery)
    first, generated = tmp_path / "clip" / "test.npz", tmp_path / "generated" / "test.npz"
    status, output = run(rankings=[first, second], generated=[generated, generated])
    assert status == 0
    assert json.loads(output.read_text())["models"].keys() == {"clip", "b"}
    status, _ = run(rankings=[first, second])
    assert_one_clear_line(status, "--generated_rankings: expected 2", "found 1")


def test_rankings_of_another_model_or_split_are_one_line(run, tmp_path):
    human = model_of_ranks(HUMAN)
    other = save_rankings(
        tmp_path / "other" / "test.npz", human.rankings.scores, human.gallery, weights="b"
    )
    assert_one_clear_line(run(rankings=[other])[0], other, "made with other weights")
    assert_one_clear_line(run(said_of="test.json")[0], "test.json: expected one caption an image")
    fewer = as_generated(make_split([1] * 12))
    write_split(tmp_path / "fewer.json", fewer)
    scores = scores_with_ranks([0] * 12).astype(np.float32)
    few = save_rankings(tmp_path / "few" / "test.npz", scores, fewer)
    status, output = run(generated=[few], said_of="fewer.json")
    assert_one_clear_line(status, "expected the 12 images", "found 20")
    assert_one_clear_line(run("--hard_rank", 0)[0], "--hard_rank: expected at least 1")
    assert not output.exists()
