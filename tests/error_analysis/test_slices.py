"""The command: what is planted is found, and nothing else."""

import json

import numpy as np
import pytest

from error_analysis.slices import main
from error_analysis.slicing.slice_json import read_members
from information_retrieval.ranking import protocols
from preprocess.captions.split_file import write_split
from tests.conftest import assert_one_clear_line
from tests.error_analysis.scored import gallery_of, save_rankings, scores_with_ranks

SCENES = ("kitchen", "beach", "street", "forest", "harbour", "office", "garden", "desert")
N_IMAGES = 320


@pytest.fixture(scope="module")
def gallery():
    """Images of eight scenes by turns, with two words more each, which mean nothing."""
    generator = np.random.default_rng(0)
    words = ("dog", "cat", "kite", "boat", "tree", "sign", "clock", "bench")
    captions = []
    for i in range(N_IMAGES):
        one, other = generator.choice(words, 2, replace=False)
        scene = SCENES[i % len(SCENES)]
        captions.append((f"a {one} and a {other} in the {scene}", f"{scene} with {one}, {other}"))
    return gallery_of(*captions)


@pytest.fixture
def run(gallery, tmp_path, run_main):
    """Run the command on a model and on one that is worse in kitchens."""
    generator = np.random.default_rng(1)
    ranks = generator.choice([0, 0, 0, 3, 20], N_IMAGES)
    noisy = np.where(generator.random(N_IMAGES) < 0.2, generator.permutation(ranks), ranks)
    worse = np.where(np.arange(N_IMAGES) % len(SCENES) == 0, noisy + 30, noisy)
    write_split(tmp_path / "test.json", gallery)
    paths = []
    for name, of_images in (("good", ranks), ("worse", worse)):
        square = scores_with_ranks(of_images.tolist())
        scores = square[:, gallery.caption_image_index]
        paths.append(save_rankings(tmp_path / name / "test.npz", scores, gallery))

    def run(*options):
        files = ["--rankings", *paths, "--split_file", tmp_path / "test.json"]
        return run_main(main, *files, "--output", tmp_path / "slices.json", "--no_rules", *options)

    return run


def test_the_scene_on_which_one_model_was_made_worse_is_found_and_nothing_else(
    run, tmp_path, capsys
):
    assert run("--figures", tmp_path / "figures") == 0
    content = json.loads((tmp_path / "slices.json").read_text())
    asked = [f for f in content["findings"] if f["question"] == "difference"]
    found = {(f["kind"], f["group"]) for f in asked if f["fdr"] <= 0.05}
    assert found == {("words", "kitchen")}
    kitchen = next(f for f in asked if f["group"] == "kitchen" and f["direction"] == "i2t")
    assert kitchen["inside"] > 50
    assert abs(kitchen["outside"]) < 10
    assert kitchen["low"] <= kitchen["inside"] <= kitchen["high"]
    assert "good less worse: R@10, in points of image queries: 1 of" in (capsys.readouterr().out)
    assert (tmp_path / "figures" / "slices_0_i2t_good_worse.png").exists()
    recalls = {r["group"]: r["recalls"] for r in content["recalls"]["i2t"]}
    assert recalls["kitchen"]["good"]["r10"] > 50
    assert recalls["kitchen"]["worse"]["r10"] == 0


def test_hard_queries_and_wins_gather_there_too(run, tmp_path):
    run()
    findings = json.loads((tmp_path / "slices.json").read_text())["findings"]
    kitchen = [f for f in findings if f["group"] == "kitchen" and f["fdr"] < 0.05]
    sure = {(f["question"], f["first"]) for f in kitchen}
    assert {("hard", "worse"), ("wins", "good")} <= sure
    assert ("hard", "good") not in sure
    assert [f["fdr"] for f in findings] == sorted(f["fdr"] for f in findings)


def test_the_groups_that_were_found_tell_their_queries(run, tmp_path):
    run()
    members = read_members(tmp_path / "slices.json")
    kitchens = range(0, N_IMAGES, len(SCENES))
    assert members["i2t"][("words", "kitchen")] == tuple(kitchens)
    assert members["t2i"] == {}  # the model is worse in image queries alone
    findings = json.loads((tmp_path / "slices.json").read_text())["findings"]
    for direction, of in members.items():
        found = [f for f in findings if f["direction"] == direction and f["fdr"] <= 0.05]
        assert of.keys() == {(f["kind"], f["group"]) for f in found}
        assert all(len(of[(f["kind"], f["group"])]) == f["queries"] for f in found)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--least_images", "1"), "--least_images: expected at least 2, found 1"),
        (("--fdr", "0"), "--fdr: expected a number between 0 and 1"),
        (("--instances", "none.json"), "none.json: no such file"),
        (("--oracle", "none.npz"), "none.npz: no such file"),
    ],
)
def test_wrong_options_are_one_clear_line(run, options, told):
    assert_one_clear_line(run(*options), told)


def test_a_gallery_too_small_for_groups_finds_nothing(run, tmp_path):
    assert run("--least_images", "400") == 0
    assert json.loads((tmp_path / "slices.json").read_text())["findings"] == []


def test_folds_are_taken_together_and_the_oracle_is_restricted_to_them(run, tmp_path, monkeypatch):
    monkeypatch.setattr(protocols, "FOLD_IMAGES", 64)
    monkeypatch.setattr(protocols, "GALLERY_IMAGES", {"1k": 64, "5fold": 320, "5k": 320})
    oracle = tmp_path / "worse" / "test.npz"  # any scorer that is not always right
    assert run("--protocol", "5fold", "--oracle", oracle) == 0
    content = json.loads((tmp_path / "slices.json").read_text())
    assert [found["protocol"] for found in content["metadata"]["models"]] == ["5fold"] * 2
    groups = {row["group"]: row["queries"] for row in content["recalls"]["i2t"]}
    assert groups["kitchen"] == 40  # of all five folds
    of_kitchens = read_members(tmp_path / "slices.json")["i2t"][("words", "kitchen")]
    assert of_kitchens == tuple(range(0, N_IMAGES, len(SCENES)))
    assert any(name.startswith("log (1 + oracle rank)") for name in groups)
