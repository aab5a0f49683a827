"""Documents that intrude into the top of queries they are wrong for."""

import json

import numpy as np
import pytest
from scipy.stats import skew

from error_analysis.hubness import main
from error_analysis.queries.hubs import count_intrusions, skewness
from preprocess.captions.split_file import write_split
from tests.conftest import assert_one_clear_line
from tests.error_analysis.scored import FIRST_CAPTION, make_model, make_split, save_rankings


def test_intrusions_by_hand():
    # Captions 0 and 1 are of image 0, caption 2 is of image 1.
    scores = np.array([[1, 0, 9], [5, 6, 2]], np.float32)
    model = make_model(scores, make_split([2, 1]))
    captions = count_intrusions(model, "i2t", k=1)
    assert captions.intrusions.tolist() == [0, 1, 1]
    assert captions.wrong_for.tolist() == [1, 1, 1]
    images = count_intrusions(model, "t2i", k=1)
    assert images.intrusions.tolist() == [1, 2]
    assert images.wrong_for.tolist() == [1, 2]
    assert images.hubs(5).tolist() == [1, 0]
    assert images.largest_share() == pytest.approx(2 / 3)


@pytest.mark.parametrize("k", [1, 3, 10])
def test_intrusions_are_those_of_a_slow_count(k):
    captions_per_image = [1, 3, 2, 5, 1, 2, 4]
    split = make_split(captions_per_image)
    index = split.caption_image_index
    scores = np.random.default_rng(k).integers(0, 6, (7, 18)).astype(np.float32)
    model = make_model(scores, split)
    for direction, rows in (("i2t", scores), ("t2i", scores.T)):
        expected = np.zeros(rows.shape[1], int)
        for query, row in enumerate(rows):
            for document in sorted(range(len(row)), key=lambda d: (-row[d], d))[:k]:
                image, other = (query, index[document]) if direction == "i2t" else (
                    index[query], document)  # fmt: skip
                expected[document] += image != other
        np.testing.assert_array_equal(count_intrusions(model, direction, k).intrusions, expected)


def test_a_model_without_mistakes_has_no_hubs():
    hubness = count_intrusions(
        make_model(np.eye(4, dtype=np.float32), make_split([1] * 4)), "i2t", 1
    )
    assert hubness.intrusions.tolist() == [0, 0, 0, 0]
    assert hubness.hubs(3).tolist() == []
    assert (hubness.skewness, hubness.largest_share()) == (0, 0)


def test_skewness_agrees_with_scipy():
    counts = np.random.default_rng(0).poisson(2, 500)
    assert skewness(counts) == pytest.approx(skew(counts))


def test_the_command_writes_and_prints_the_hubs(tmp_path, run_main, capsys):
    split = make_split([1] * 4)
    scores = np.eye(4, dtype=np.float32)
    scores[:, 2] = 5
    write_split(tmp_path / "test.json", split)
    save_rankings(tmp_path / "r.npz", scores, split)
    given = ("--rankings", tmp_path / "r.npz", "--split_file", tmp_path / "test.json")
    output = tmp_path / "hubs.json"
    assert run_main(main, *given, "--output", output, "--k", 1, "--n_hubs", 2) == 0
    content = json.loads(output.read_text())
    (hub,) = content["i2t"]["hubs"]
    assert hub["caption_id"] == FIRST_CAPTION + 2
    assert (hub["intrusions"], hub["share"]) == (3, 1.0)
    assert content["i2t"]["never"] == 3
    assert content["i2t"]["skewness"] == pytest.approx(skew([0, 0, 3, 0]))
    assert f"caption {FIRST_CAPTION + 2}" in capsys.readouterr().out


def test_bad_input_is_one_clear_line(tmp_path, run_main):
    split = make_split([1] * 4)
    write_split(tmp_path / "other.json", make_split([2] * 4))
    save_rankings(tmp_path / "r.npz", np.eye(4, dtype=np.float32), split)
    given = ("--rankings", tmp_path / "r.npz", "--split_file", tmp_path / "other.json")
    given += ("--output", tmp_path / "hubs.json")
    assert_one_clear_line(run_main(main, *given), "another split")
    assert_one_clear_line(run_main(main, *given, "--k", 0), "--k: expected at least 1")
    assert not (tmp_path / "hubs.json").exists()
