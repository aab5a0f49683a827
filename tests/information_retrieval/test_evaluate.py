"""The evaluation command: rankings, metrics.json, and one clear line on bad input."""

import errno
import json
import os
import re
import shutil
from collections import namedtuple

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from information_retrieval.evaluate import main
from information_retrieval.models.lxmert.model import LxmertForImageTextMatching
from information_retrieval.ranking.metrics import retrieval_metrics
from information_retrieval.ranking.rankings import read_rankings
from information_retrieval.scoring.tile_store import TileStore
from preprocess.base.files import read_json
from preprocess.base.output_lock import lock_output, lock_path
from preprocess.captions.split_file import read_split, write_split
from preprocess.write_images import main as write_images_main
from tests.conftest import (
    assert_one_clear_line,
    make_split,
    named,
    save_clip,
    save_lxmert,
    write_features,
    write_images_of,
)


@pytest.fixture
def evaluate(data_dir, tmp_path, run_main):
    """Evaluate a checkpoint on the tiny test split; gives the status and the output path."""
    output = tmp_path / "runs" / "test.npz"

    def run(checkpoint, *options, split: str = "test"):
        arguments = ["--model_name_or_path", checkpoint, "--data_dir", data_dir]
        arguments += ["--split", split, "--protocol", "full", "--output", output]
        return run_main(main, *arguments, *options), output

    return run


def write_images(data_dir, run_main, split="test"):
    arguments = ["--split_file", data_dir / f"{split}.json", "--image_root", data_dir / "images"]
    assert run_main(write_images_main, *arguments, "--output", data_dir / f"{split}_images.h5") == 0


@pytest.mark.parametrize("model", ["lxmert", "clip"])
def test_a_checkpoint_is_scored_and_its_numbers_are_written(
    evaluate, data_dir, tmp_path, run_main, capsys, model
):
    if model == "clip":
        checkpoint = save_clip(tmp_path / "clip")
        write_images(data_dir, run_main)
    else:
        checkpoint = save_lxmert(tmp_path / "lxmert")
    status, output = evaluate(checkpoint)
    assert status == 0
    rankings = read_rankings(output, read_split(data_dir / "test.json"))
    written = json.loads((output.parent / "metrics.json").read_text())
    assert written["metrics"] == retrieval_metrics(rankings.ranks)
    metadata = rankings.metadata
    assert metadata["model"] == str(checkpoint)
    assert re.fullmatch("sha256:[0-9a-f]{64}", metadata["weights"])
    assert metadata["axes"] == ["image", "caption"]
    assert metadata["ties"] == {"i2t_queries": 0, "t2i_queries": 0}
    printed = capsys.readouterr().out
    assert f"{written['metrics']['i2t_r1']:.2f}" in printed
    assert str(output) in printed


def test_minival_reads_the_features_of_val(evaluate, tmp_path):
    status, output = evaluate(save_lxmert(tmp_path / "lxmert"), split="minival")
    assert status == 0
    assert len(np.load(output)["image_ids"]) == 4


def check_fails(run, *expected):
    status, output = run
    assert_one_clear_line(status, *expected)
    assert not output.exists()


def test_an_unknown_model_type_is_refused(evaluate, tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.json").write_text('{"model_type": "bert"}')
    check_fails(evaluate(tmp_path / "m"), "unknown model type 'bert'", "lxmert, clip")
    check_fails(evaluate(tmp_path / "none"), "expected an HF checkpoint folder")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "training_run.json").write_text("{}")
    check_fails(evaluate(tmp_path / "none"), "training is not finished")


def test_a_checkpoint_without_the_matching_head_is_refused(evaluate, tmp_path):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    LxmertForImageTextMatching.from_pretrained(checkpoint).lxmert.save_pretrained(checkpoint)
    check_fails(evaluate(checkpoint), "matching_head", "fine-tune first")


def test_weights_that_give_nan_are_refused_with_the_pair(evaluate, tmp_path):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    weights = load_file(checkpoint / "model.safetensors")
    weights["lxmert.pooler.dense.bias"][0] = torch.nan
    save_file(weights, checkpoint / "model.safetensors", metadata={"format": "pt"})
    # Of the first tile, which has the shortest captions.
    check_fails(evaluate(checkpoint), "the score of image 3000 and caption 300", "is nan")


def test_a_corrected_model_is_scored_where_one_that_gave_nan_stopped(evaluate, tmp_path):
    broken = save_lxmert(tmp_path / "broken")
    weights = load_file(broken / "model.safetensors")
    weights["lxmert.pooler.dense.bias"][0] = torch.nan
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    status, output = evaluate(broken)
    assert_one_clear_line(status, "is nan")
    assert output.with_name("test.npz.tiles").exists()
    assert evaluate(save_lxmert(tmp_path / "corrected"))[0] == 0
    assert not output.with_name("test.npz.tiles").exists()


def test_an_evaluation_leaves_its_two_files_only(evaluate, tmp_path):
    _, output = evaluate(save_lxmert(tmp_path / "lxmert"))
    assert sorted(path.name for path in output.parent.iterdir()) == ["metrics.json", "test.npz"]


def test_a_lock_that_a_kill_left_after_all_was_written_is_removed(evaluate, tmp_path):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    _, output = evaluate(checkpoint)
    lock_path(output).touch()
    assert evaluate(checkpoint)[0] == 0
    assert sorted(path.name for path in output.parent.iterdir()) == ["metrics.json", "test.npz"]


def test_an_output_that_another_process_writes_is_refused(evaluate, tmp_path):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    with lock_output(tmp_path / "runs" / "test.npz"):
        check_fails(evaluate(checkpoint), "test.npz: another process is writing it")
    assert evaluate(checkpoint)[0] == 0


def test_a_split_of_other_images_than_the_features_is_refused(evaluate, data_dir, tmp_path):
    write_split(data_dir / "test.json", make_split(7, "test", first_id=3000))
    checkpoint = save_lxmert(tmp_path / "lxmert")
    check_fails(evaluate(checkpoint), "test_features.h5", "image 3006 is not in the file")


def test_features_of_another_dimension_are_refused(evaluate, tmp_path):
    checkpoint = save_lxmert(tmp_path / "lxmert", visual_feat_dim=2048)
    check_fails(evaluate(checkpoint), "expected features of 2048 dimensions", "found 16")


@pytest.mark.parametrize("model", ["lxmert", "clip"])
def test_a_checkpoint_that_lost_its_tokenizer_is_refused(evaluate, tmp_path, model):
    save = {"lxmert": save_lxmert, "clip": save_clip}[model]
    checkpoint = save(tmp_path / model)
    for path in checkpoint.iterdir():
        if path.name not in ("config.json", "model.safetensors", "processor_config.json"):
            path.unlink()
    check_fails(evaluate(checkpoint), "expected a tokenizer of the model's", "entries, found")


@pytest.mark.parametrize("keep", [0, 100, 0.5])
def test_damaged_weights_are_refused(evaluate, tmp_path, keep):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    data = (checkpoint / "model.safetensors").read_bytes()
    kept = data[: keep if isinstance(keep, int) else int(keep * len(data))]
    (checkpoint / "model.safetensors").write_bytes(kept)
    check_fails(evaluate(checkpoint), "the weights cannot be loaded")
    (checkpoint / "config.json").write_text('{"model_type": "lxmert", "hidden_size": "wide"}')
    check_fails(evaluate(checkpoint), "expected an HF checkpoint folder")


def test_the_metrics_of_other_rankings_are_not_overwritten(evaluate, tmp_path):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    status, output = evaluate(checkpoint)
    assert status == 0
    assert evaluate(checkpoint)[0] == 0
    before = (output.parent / "metrics.json").read_bytes()
    status, _ = evaluate(checkpoint, "--output", output.with_name("val.npz"))
    assert_one_clear_line(status, "holds the metrics of test.npz", "a folder of its own")
    status, _ = evaluate(checkpoint, "--output", output.with_name("metrics.json"))
    assert_one_clear_line(status, "ends in .npz")
    assert (output.parent / "metrics.json").read_bytes() == before
    (output.parent / "metrics.json").write_text("[]")
    assert_one_clear_line(evaluate(checkpoint)[0], "metrics.json", "holds the metrics of None")


def test_a_finished_evaluation_is_not_scored_again(evaluate, tmp_path, capsys, monkeypatch):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    _, output = evaluate(checkpoint)
    rankings, metrics = output.read_bytes(), (output.parent / "metrics.json").read_text()
    # As a kill between the two files leaves it, and before the tiles are removed.
    (output.parent / "metrics.json").unlink()
    (tiles := output.with_name("test.npz.tiles")).mkdir()
    (tiles / "scores.f32").touch()
    monkeypatch.setattr("information_retrieval.scoring.evaluation.score_in_store", None)
    assert evaluate(checkpoint, "--batch_size", "5") == (0, output)
    assert "these scores are there already" in capsys.readouterr().out
    assert output.read_bytes() == rankings
    assert (output.parent / "metrics.json").read_text() == metrics
    assert not tiles.exists()


def test_a_finished_evaluation_of_another_user_is_shown_and_nothing_written(
    evaluate, tmp_path, monkeypatch, capsys
):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    assert evaluate(checkpoint)[0] == 0
    output = tmp_path / "runs" / "test.npz"
    before = {path.name: path.read_bytes() for path in output.parent.iterdir()}
    table = capsys.readouterr().out.splitlines()[:4]

    # The tests may run as root, whom no permission stops.
    def refuse(*arguments, **options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    for function in (
        "preprocess.base.files.take_lock",
        "preprocess.base.files.tempfile.TemporaryFile",
    ):
        monkeypatch.setattr(function, refuse)
    monkeypatch.setattr("preprocess.base.output_lock.take_lock", refuse)
    assert evaluate(checkpoint)[0] == 0
    assert capsys.readouterr().out.splitlines()[1:5] == table
    assert {path.name: path.read_bytes() for path in output.parent.iterdir()} == before


def test_an_output_that_is_a_link_grows_and_lies_where_it_points(evaluate, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "scratch").mkdir()
    (tmp_path / "runs" / "test.npz").symlink_to(tmp_path / "scratch" / "scores.npz")
    assert evaluate(save_lxmert(tmp_path / "lxmert"))[0] == 0
    assert (tmp_path / "runs" / "test.npz").is_symlink()
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == ["scores.npz"]


def test_the_rankings_of_another_run_are_not_overwritten(evaluate, data_dir, tmp_path):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    _, output = evaluate(checkpoint)
    before = output.read_bytes()
    status, _ = evaluate(save_lxmert(tmp_path / "other", seed=1))
    assert_one_clear_line(status, output, "weights (found sha256:", "choose another --output")
    status, _ = evaluate(checkpoint, "--dtype", "bfloat16")
    assert_one_clear_line(status, output, "dtype (found float32, expected bfloat16)")
    write_features(data_dir / "test_features.h5", read_split(data_dir / "test.json"), seed=9)
    status, _ = evaluate(checkpoint)
    assert_one_clear_line(status, output, "features_sha256 (found")
    assert output.read_bytes() == before
    output.write_bytes(b"mine")
    assert_one_clear_line(evaluate(checkpoint)[0], output, "damaged or foreign", "delete it")
    assert output.read_bytes() == b"mine"


def interrupt(monkeypatch):
    """Let the next evaluation stop before its last tile."""
    write = TileStore.write

    def write_or_stop(store, band, block, scores):
        if len(store.missing()) == 1 or (band, block) == tuple(store.missing()[-1]):
            raise KeyboardInterrupt
        write(store, band, block, scores)

    monkeypatch.setattr(TileStore, "write", write_or_stop)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--dtype", "bfloat16"], "dtype (found float32, expected bfloat16)"),
        (["--batch_size", "4"], "rows a tile (found 2, expected 4)"),
        (["--split", "val"], "gallery_sha256 (found"),
        (["--model_name_or_path", "other"], "weights (found sha256:"),
    ],
)
def test_the_unfinished_scores_of_another_run_are_refused(
    evaluate, tmp_path, monkeypatch, options, line
):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    save_lxmert(tmp_path / "other", seed=1)
    with monkeypatch.context() as patch:
        interrupt(patch)
        status, output = evaluate(checkpoint, "--batch_size", "2")
    assert status == 130
    options = [str(tmp_path / "other") if word == "other" else word for word in options]
    check_fails(evaluate(checkpoint, "--batch_size", "2", *options), ".npz.tiles", line, "delete")
    assert evaluate(checkpoint, "--batch_size", "2")[0] == 0
    assert not output.with_name("test.npz.tiles").exists()


def test_a_disk_too_small_for_the_scores_is_refused_before_the_model_is_loaded(
    evaluate, tmp_path, monkeypatch
):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 0))
    check_fails(evaluate(tmp_path / "no checkpoint"), "test.npz.tiles", "GB free; make room")


def change_split(data_dir, change) -> None:
    content = read_json(data_dir / "test.json", "")
    change(content["images"][2]["captions"])
    (data_dir / "test.json").write_text(json.dumps(content))


def test_an_image_without_captions_is_named(evaluate, data_dir, tmp_path):
    change_split(data_dir, lambda captions: captions.clear())
    check_fails(evaluate(tmp_path / "lxmert"), "image 3002 has an empty caption list")


def test_a_caption_longer_than_the_position_table_is_cut_and_named_or_refused(
    evaluate, data_dir, tmp_path, capsys
):
    change_split(data_dir, lambda captions: captions[0].update(caption="a cat " * 60))
    checkpoint = save_lxmert(tmp_path / "lxmert")
    asked = ("--long_captions", "error")
    line = "tokens, the model has 80 positions"
    check_fails(evaluate(checkpoint, *asked), "caption 300", "122", line)
    status, output = evaluate(checkpoint)
    assert status == 0
    cut = read_json(output.with_name("metrics.json"), "")["metadata"]["captions_cut"]
    assert cut["tokens"] == 80
    [caption_id] = cut["caption_ids"]
    assert f"more than the model's 80 tokens, and are cut: {caption_id}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [["--batch_size", "0"], ["--num_workers", "-1"], ["--device", "bogus"], ["--device", "cuda:9"]],
)
def test_impossible_options_are_refused(evaluate, tmp_path, options):
    check_fails(evaluate(save_lxmert(tmp_path / "lxmert"), *options), options[1])


def test_an_output_that_cannot_be_written_is_refused_before_scoring(evaluate, tmp_path):
    (tmp_path / "file").touch()
    output = tmp_path / "file" / "test.npz"
    status, _ = evaluate(tmp_path / "no checkpoint", "--output", output)
    assert_one_clear_line(status, output)


def test_a_split_smaller_than_the_protocol_is_refused(evaluate, tmp_path):
    checkpoint = save_lxmert(tmp_path / "lxmert")
    check_fails(evaluate(checkpoint, "--protocol", "1k"), "takes 1,000 images")


def test_missing_files_say_which_command_makes_them(evaluate, data_dir, tmp_path):
    checkpoint = save_clip(tmp_path / "clip")
    check_fails(evaluate(checkpoint), "test_images.h5", "preprocess.write_images")
    (data_dir / "test.json").unlink()
    check_fails(evaluate(checkpoint), "test.json", "preprocess.splits")


@pytest.mark.parametrize("model", ["lxmert", "clip"])
def test_files_of_another_split_by_the_same_ids_are_refused(evaluate, data_dir, tmp_path, model):
    """Names for ids are numbered anew in each split file."""
    train, test = (named(read_split(data_dir / f"{n}.json"), n) for n in ("train", "test"))
    write_split(data_dir / "test.json", test)
    if model == "lxmert":
        checkpoint = save_lxmert(tmp_path / "lxmert")
        (data_dir / "test_features.h5").unlink()
        write_features(data_dir / "test_features.h5", train)
    else:
        checkpoint = save_clip(tmp_path / "clip")
        write_split(data_dir / "train.json", train)
        write_images_of(data_dir, "train")
        (data_dir / "train_images.h5").rename(data_dir / "test_images.h5")
    check_fails(evaluate(checkpoint), "test_", ".h5", "image 1 is 'train_0', in the split 'test_0'")
