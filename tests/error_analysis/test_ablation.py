"""The command that compares arms: its file, its lines, its errors."""

import json

import pytest
from PIL import Image

from error_analysis.ablation import main
from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from tests.conftest import assert_one_clear_line
from tests.error_analysis.ablating.small_arms import ARMS, GOOD, POOR, save_arms

FEW = ("--n_resamples", "40", "--n_permutations", "99")


@pytest.fixture
def ablation(tmp_path, run_main):
    """Run the command on rankings of a folder; gives its status, or what it wrote."""

    def run(paths, arms, *options, splits=("test",)):
        output = tmp_path / "ablation.json"
        files = [tmp_path / f"{name}.json" for name in splits]
        words = ["--rankings", *paths, "--arms", *arms, "--split_files", *files]
        status = run_main(main, *words, "--output", output, *FEW, *options)
        return status if status != 0 else read_json(output, "")

    return run


def test_arms_of_two_galleries_are_compared_in_one_file(tmp_path, ablation, capsys):
    paths, names = save_arms(tmp_path)
    others, other_names = save_arms(tmp_path, ARMS, "other")
    content = ablation(
        [*paths, *others], [*names, *other_names], "--order", "poor", "good",
        splits=("test", "other"),
    )  # fmt: skip
    first, second = content["galleries"]
    assert first["split_file"].endswith("test.json")
    assert first["gallery"] == {"images": 12, "captions": 12}
    assert list(first["arms"]) == ["poor", "good"]  # as the order begins
    r1 = first["arms"]["good"]["metrics"]["i2t_r1"]
    assert (r1["value"], r1["seeds"]) == (62.5, [75, 50])
    assert r1["low"] < 62.5 < r1["high"]
    assert first["arms"]["good"]["rankings"][1]["model"] == "runs/good_1"
    [pair] = first["pairs"]
    assert pair["metrics"]["i2t_r1"]["value"] == -25
    assert pair["metrics"]["i2t_r1"]["separated"] is False
    assert second["arms"]["good"]["metrics"] == first["arms"]["good"]["metrics"]
    [step] = first["order"]
    assert (step["better"], step["recalls"]["i2t_r1"]) == ("poor", "not")
    assert content["metadata"]["order"] == ["poor", "good"]
    printed = capsys.readouterr().out
    assert "poor less good on tiny test of" in printed
    assert "poor above good: " in printed


def test_the_file_is_sealed(tmp_path, ablation):
    ablation(*save_arms(tmp_path))
    path = tmp_path / "ablation.json"
    content = json.loads(path.read_text())
    content["galleries"][0]["arms"]["good"]["metrics"]["i2t_r1"]["value"] = 99
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"ablation\.json"):
        read_json(path, "")


def test_the_same_seed_writes_the_same_file_whatever_other_arms_there_are(tmp_path, ablation):
    paths, names = save_arms(tmp_path, {**ARMS, "third": POOR[::-1]})
    whole = ablation(paths, names)
    assert ablation(paths, names) == whole
    two = ablation(paths[:4], names[:4])["galleries"][0]
    assert two["arms"]["good"] == whole["galleries"][0]["arms"]["good"]
    differences = [of["pairs"][0]["metrics"]["rsum"] for of in (two, whole["galleries"][0])]
    assert differences[0] == differences[1]


def test_the_figure_and_the_published_rows_are_written(tmp_path, ablation, capsys):
    paths, names = save_arms(tmp_path)
    content = ablation(
        paths, names, "--figure", str(tmp_path / "ablation.png"), "--published", "sx3hre"
    )
    with Image.open(tmp_path / "ablation.png") as picture:
        assert picture.size[0] == 1200
    published = content["galleries"][0]["published"]
    assert published["recalls"]["none"]["t2i_r1"] == 11.26
    assert published["why_not"].startswith("tiny test is not COCO 5K")
    assert "* not comparable" in capsys.readouterr().out


def test_one_seed_an_arm_is_compared_by_images_alone(tmp_path, ablation, capsys):
    paths, names = save_arms(tmp_path, {"good": GOOD[:1], "poor": POOR[:1]})
    content = ablation(paths, names, "--order", "good", "poor")
    assert content["galleries"][0]["arms"]["good"]["metrics"]["i2t_r1"]["sd"] is None
    assert content["galleries"][0]["order"][0]["recalls"]["i2t_r1"] == "holds"
    assert "3 seeds at least tell noise, not 1" in capsys.readouterr().out


def test_contradictory_options_are_one_line(tmp_path, ablation):
    paths, names = save_arms(tmp_path)
    wrong = [
        (paths, names[:3], (), "--arms: expected 4, one a rankings file, found 3"),
        (paths, [*names[:3], " "], (), "found an empty one"),
        ([*paths[:3], paths[0]], names, (), "good_0/test.npz is given more than once"),
        (paths, names, ("--order", "good", "bad"), "--order good bad: expected two or more arms"),
        (paths, names, ("--figure", "ablation.jpg"), "ends in .png, .pdf, .svg"),
        (paths, names, ("--n_permutations", "0"), "--n_permutations: expected at least 1, found 0"),
        (paths[:3], names[:3], (), "found 2 of good, 1 of poor"),
    ]
    for files, arms, options, line in wrong:
        assert_one_clear_line(ablation(files, arms, *options), line)
    assert not (tmp_path / "ablation.json").exists()


def test_a_file_of_no_gallery_and_too_few_images_for_a_protocol_are_one_line(tmp_path, ablation):
    paths, names = save_arms(tmp_path)
    save_arms(tmp_path, {"x": ([0] * 5,)}, "small")
    status = ablation(paths, names, splits=("small",))
    assert_one_clear_line(status, "good_0/test.npz", "small.json", "another split")
    assert_one_clear_line(ablation(paths, names, "--protocol", "1k"), "takes 1,000 images")
