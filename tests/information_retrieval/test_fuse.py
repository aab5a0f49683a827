"""The fusing command: rankings that read like any model's, and one clear line on bad input."""

import json

import numpy as np
import pytest

from information_retrieval.evaluate import main as evaluate
from information_retrieval.fuse import main
from information_retrieval.ranking.rankings import rank_scores, read_rankings, write_rankings
from preprocess.captions.split_file import read_split, write_split
from tests.conftest import assert_one_clear_line, make_split, save_clip, write_images_of
from tests.information_retrieval.models.sx3hre.tiny import save_sx3hre

MODELS = ("lxmert", "clip")


def save(folder, split, **changed):
    """Rankings of both models, each a signal with noise of its own; returns their paths."""
    generator = np.random.default_rng(len(split.images))
    own = split.caption_image_index == np.arange(len(split.images))[:, None]
    paths = []
    for model, scale in zip(MODELS, (1, 30), strict=True):
        scores = scale * (1.5 * own + generator.normal(size=own.shape))
        metadata = {"model": model, "weights": f"sha256:{model}", "dtype": "float32"}
        metadata |= {"split_sha256": split.sha256, "protocol": "full", **changed}
        paths.append(folder / f"{split.split}_{model}.npz")
        write_rankings(paths[-1], rank_scores(scores.astype(np.float32), split, metadata))
    return paths


@pytest.fixture
def fuse(tmp_path, run_main):
    """Fuse tiny rankings, some of the options replaced; gives the status and the output path."""
    val, test = make_split(30, "val", first_id=100), make_split(40, "test", first_id=500)
    options = {"--output": [tmp_path / "fused" / "test.npz"]}
    for split in (val, test):
        write_split(tmp_path / f"{split.split}.json", split)
        options[f"--{split.split}_rankings"] = save(tmp_path, split)
        options[f"--{split.split}_split_file"] = [tmp_path / f"{split.split}.json"]

    def run(**replaced):
        chosen = options | {f"--{name}": value for name, value in replaced.items()}
        words = [word for name, values in chosen.items() for word in (name, *values)]
        return run_main(main, *words), options["--output"][0], test

    return run


def test_fused_rankings_read_like_a_models_and_stand_beside_both(fuse, capsys, tmp_path):
    status, output, split = fuse()
    assert status == 0
    rankings = read_rankings(output, split)
    fusion = rankings.metadata["fusion"]
    assert rankings.metadata["model"] == "lxmert + clip"
    assert [m["model"] for m in fusion["test_rankings"]] == ["lxmert", "clip"]
    assert [trial["weight"] for trial in fusion["grid"]] == [step / 20 for step in range(21)]
    best = max(trial["rsum"] for trial in fusion["grid"])
    assert {"weight": fusion["weight"], "rsum": best} in fusion["grid"]

    written = json.loads((output.parent / "metrics.json").read_text())
    alone = [model["metrics"]["rsum"] for model in written["fused_from"]]
    assert len(alone) == 2
    assert written["metrics"]["rsum"] > max(alone)
    printed = capsys.readouterr().out
    for rsum in (*alone, written["metrics"]["rsum"]):
        assert f"rsum {rsum:.2f}" in printed
    assert f"{fusion['weight']:g} z({tmp_path / 'test_clip.npz'})" in printed


def test_the_weight_does_not_depend_on_the_test_rankings(fuse, tmp_path):
    _, output, split = fuse()
    chosen = read_rankings(output, split).metadata["fusion"]
    lxmert, clip = (tmp_path / f"test_{model}.npz" for model in MODELS)
    rankings = read_rankings(clip, split)
    write_rankings(clip, rank_scores(-rankings.scores, split, rankings.metadata))
    assert fuse(test_rankings=[lxmert, clip])[0] == 0
    again = read_rankings(output, split).metadata["fusion"]
    assert (again["weight"], again["grid"]) == (chosen["weight"], chosen["grid"])


def check_fails(run, *expected):
    status, output, _ = run
    assert_one_clear_line(status, *expected)
    assert not output.exists()


def test_a_weight_chosen_on_the_test_images_is_refused(fuse, tmp_path):
    test = [tmp_path / f"test_{model}.npz" for model in MODELS]
    run = fuse(val_rankings=test, val_split_file=[tmp_path / "test.json"])
    check_fails(run, "share 40 images (such as 500)", "not tested on")


def test_models_in_another_order_on_test_are_refused(fuse, tmp_path):
    paths = [tmp_path / f"test_{model}.npz" for model in reversed(MODELS)]
    check_fails(fuse(test_rankings=paths), "expected weights sha256:lxmert", "same order")


@pytest.mark.parametrize("changed", [{"dtype": "float16"}, {"negative_images": "True"}])
def test_models_that_were_run_otherwise_on_test_are_refused(fuse, tmp_path, changed):
    save(tmp_path, make_split(40, "test", first_id=500), **changed)
    check_fails(fuse(), f"expected {next(iter(changed))}", "test_lxmert.npz")


def test_other_numbers_of_models_than_two_are_refused(fuse, tmp_path):
    check_fails(fuse(val_rankings=[tmp_path / "val_clip.npz"]), "2 models, found 1")


def test_one_model_twice_is_refused(fuse, tmp_path):
    val = tmp_path / "val_clip.npz"
    check_fails(fuse(val_rankings=[val, val]), "val_clip.npz", "another model", "the same model")


def test_one_model_scored_twice_is_refused_though_last_bits_and_names_differ(fuse, tmp_path):
    val = make_split(30, "val", first_id=100)
    first = read_rankings(tmp_path / "val_lxmert.npz", val)
    again = first.scores + np.float32(1e-6)
    metadata = {**first.metadata, "model": "a copy", "command": ["another"]}
    write_rankings(tmp_path / "val_clip.npz", rank_scores(again, val, metadata))
    check_fails(fuse(), "val_clip.npz", "the same model on the same data")


def test_one_model_on_other_features_is_another_to_fuse(fuse, tmp_path):
    for first_id, (name, n_images) in ((100, ("val", 30)), (500, ("test", 40))):
        split = make_split(n_images, name, first_id=first_id)
        first = read_rankings(tmp_path / f"{name}_lxmert.npz", split)
        other = read_rankings(tmp_path / f"{name}_clip.npz", split)
        metadata = {**first.metadata, "features_sha256": "others"}
        path = tmp_path / f"{name}_clip.npz"
        write_rankings(path, rank_scores(other.scores, split, metadata))
    assert fuse()[0] == 0


def test_copies_of_rankings_that_do_not_tell_their_model_are_refused(fuse, tmp_path):
    val = make_split(30, "val", first_id=100)
    scores = read_rankings(tmp_path / "val_lxmert.npz", val).scores
    for model in MODELS:
        write_rankings(tmp_path / f"val_{model}.npz", rank_scores(scores, val, {"model": model}))
    check_fails(fuse(), "val_clip.npz", "the same model")


def test_rankings_of_different_galleries_are_refused(fuse, tmp_path):
    test = make_split(40, "test", first_id=500)
    part = test.first(30)
    scores = np.random.default_rng(0).normal(size=(30, len(part.captions))).astype(np.float32)
    metadata = {"weights": "sha256:clip", "split_sha256": test.sha256}
    write_rankings(tmp_path / "test_clip.npz", rank_scores(scores, part, metadata))
    check_fails(fuse(), "test_clip.npz: expected the image_ids of", "one --protocol")


def test_constant_scores_are_refused(fuse, tmp_path):
    val = make_split(30, "val", first_id=100)
    scores = np.zeros((30, len(val.captions)), np.float32)
    write_rankings(tmp_path / "val_clip.npz", rank_scores(scores, val, {}))
    check_fails(fuse(), "val_clip.npz", "all scores are 0.0")


def test_impossible_options_are_refused(fuse, tmp_path):
    check_fails(fuse(weight_steps=["0"]), "--weight_steps: expected at least 1")
    check_fails(fuse(val_rankings=[tmp_path / "none.npz"] * 2), "no such file")
    status = fuse(output=[tmp_path / "val_clip.npz"])[0]
    assert_one_clear_line(status, "val_clip.npz: is one of the rankings to read")
    status, output, _ = fuse(output=[tmp_path / "fused.txt"])
    assert_one_clear_line(status, "ends in .npz")
    assert not output.exists()


def test_what_another_command_wrote_is_not_replaced(fuse, tmp_path):
    val = tmp_path / "val_clip.npz"
    before = val.read_bytes()
    (tmp_path / "fused").mkdir()
    (tmp_path / "fused" / "test.npz").write_bytes(before)
    status, output, _ = fuse()
    assert_one_clear_line(status, output, "another command wrote it")
    assert output.read_bytes() == before


def test_an_sx3hre_is_fused_as_any_other_model(data_dir, tmp_path, run_main):
    for name in ("val", "test"):
        write_images_of(data_dir, name)
    options: list = ["--output", tmp_path / "fused" / "test.npz"]
    for name in ("val", "test"):
        options += [f"--{name}_split_file", data_dir / f"{name}.json", f"--{name}_rankings"]
        for save in (save_sx3hre, save_clip):
            checkpoint = save(tmp_path / save.__name__)
            output = tmp_path / f"{name}_{save.__name__}" / "rankings.npz"
            arguments = ["--model_name_or_path", checkpoint, "--data_dir", data_dir]
            arguments += ["--split", name, "--protocol", "full", "--device", "cpu"]
            assert run_main(evaluate, *arguments, "--output", output) == 0
            options.append(output)
    assert run_main(main, *options) == 0
    fused = read_rankings(tmp_path / "fused" / "test.npz", read_split(data_dir / "test.json"))
    assert "save_sx3hre" in fused.metadata["fusion"]["test_rankings"][0]["model"]
