"""Training X-VLM by the command: what it learns, writes and refuses."""

import json
import shutil
from dataclasses import replace

import pytest
import torch

from information_retrieval.models.checkpoint import load_model
from information_retrieval.train import main
from preprocess.captions.split_file import read_split, write_split
from tests.conftest import assert_one_clear_line, make_split, write_images_of
from tests.information_retrieval.models.xvlm.tiny import save_xvlm
from tests.information_retrieval.training.regions.small_regions import (
    write_regions_of,
    write_train_regions,
)

ONE_EPOCH = ["--num_train_epochs", 1, "--learning_rate", "1e-3", "--logging_steps", 1]


@pytest.fixture
def train(data_dir, tmp_path, run_main):
    """Train with batches of 4 by the command; return its status and the run's folder."""
    for name in ("train", "val"):
        write_images_of(data_dir, name)
    output = tmp_path / "runs" / "xvlm"

    def run(checkpoint, *options):
        arguments = ["--model_name_or_path", checkpoint, "--data_dir", data_dir]
        arguments += ["--output_dir", output, "--use_cpu", "--disable_tqdm", "True"]
        arguments += ["--per_device_train_batch_size", 4]
        return run_main(main, *arguments, *options), output

    return run


@pytest.fixture
def pretraining(data_dir):
    return ["--formulation", "pretraining", "--regions", write_train_regions(data_dir), *ONE_EPOCH]


def logs(output) -> list[dict]:
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    return [log for log in history if "loss" in log]


def test_pretraining_and_then_fine_tuning_write_what_is_kept_and_said(
    train, pretraining, tmp_path, data_dir
):
    begun = save_xvlm(tmp_path / "begun")
    status, output = train(begun, *pretraining)
    assert status == 0
    # Of 8 images two batches, and a batch of regions.
    assert len(logs(output)) == 3
    parts = {name for log in logs(output) for name in log}
    assert parts >= {"itc", "itm", "mlm", "region_itc", "region_itm", "region_mlm"}
    assert parts >= {"region_box_l1", "region_box_giou"}
    # HF would count batches.
    assert "samples_per_second" not in (output / "trainer_state.json").read_text()
    for log in logs(output):
        summed = sum(v for n, v in log.items() if n.endswith(("itc", "itm", "mlm", "l1", "giou")))
        assert log["loss"] == pytest.approx(summed, rel=1e-4)
    settings = json.loads((output / "training_run.json").read_text())
    assert settings["regions"].startswith("sha256:")
    assert settings["images_per_region_batch"] == 2
    assert (output / "training_curves.png").exists()
    assert "pre-trained for text-image retrieval, pretraining" in (output / "README.md").read_text()
    before, after = (load_model(str(folder)).state_dict() for folder in (begun, output))
    # The text encoder's pooler is none, and nothing learns of the unused positions.
    assert all(not torch.equal(before[n], after[n]) for n in before if n.endswith("dense.weight"))

    pretrained = shutil.move(output, tmp_path / "pretrained")
    status, output = train(pretrained, *ONE_EPOCH)
    assert status == 0
    tuned = load_model(str(output))
    assert tuned.box_head is None
    assert {n for log in logs(output) for n in log} >= {"itc", "itm"}
    assert "train_samples_per_second" in (output / "trainer_state.json").read_text()
    whole, kept = tuned.state_dict(), load_model(_best(output)).state_dict()
    assert all(torch.equal(whole[name], kept[name]) for name in whole)


def test_minival_may_be_ranked_by_cosines(train, tmp_path):
    found = {}
    for score in ("itm", "itc"):
        status, output = train(save_xvlm(tmp_path / "begun"), *ONE_EPOCH, "--score", score)
        assert status == 0
        state = json.loads((output / "trainer_state.json").read_text())
        found[score] = state["best_metric"]
        assert json.loads((output / "training_run.json").read_text())["score"] == score
        shutil.rmtree(output)
    assert found["itm"] != found["itc"]


def _best(output) -> str:
    return json.loads((output / "trainer_state.json").read_text())["best_model_checkpoint"]


def test_the_best_epochs_image_encoder_is_what_is_kept(train, tmp_path):
    status, output = train(save_xvlm(tmp_path / "begun"), *ONE_EPOCH, "--num_train_epochs", 3)
    assert status == 0
    kept, best, begun = (
        load_model(str(folder)).state_dict()
        for folder in (output, _best(output), tmp_path / "begun")
    )
    swin = [n for n in kept if n.startswith("vision_encoder.") and n.endswith("q_proj.weight")]
    assert swin
    for name in swin:
        assert torch.equal(kept[name], best[name])
        assert not torch.equal(kept[name], begun[name])


@pytest.mark.parametrize(
    ("options", "absent"),
    [(["--box_loss", "false"], "region_box_l1"), (["--max_regions", 1], "none")],
)
def test_the_boxes_of_regions_may_be_left_out(train, pretraining, tmp_path, options, absent):
    status, output = train(save_xvlm(tmp_path / "begun"), *pretraining, *options)
    assert status == 0
    parts = {name for log in logs(output) for name in log}
    assert "region_itc" in parts
    assert absent not in parts


def test_pretraining_without_regions_has_image_batches_alone(train, tmp_path):
    options = ["--formulation", "pretraining", *ONE_EPOCH]
    status, output = train(save_xvlm(tmp_path / "begun"), *options)
    assert status == 0
    assert len(logs(output)) == 2
    assert not any(name.startswith("region_") for log in logs(output) for name in log)


def test_captions_without_a_word_are_not_trained_on_and_counted(train, tmp_path, data_dir, capsys):
    split = read_split(data_dir / "train.json")
    first = split.images[0]
    wordless = replace(first, captions=(replace(first.captions[0], caption="?!"),))
    write_split(data_dir / "train.json", replace(split, images=(wordless, *split.images[1:])))
    assert train(save_xvlm(tmp_path / "begun"), *ONE_EPOCH)[0] == 0
    line = f"and they are not trained on: {first.captions[0].caption_id}"
    assert line in capsys.readouterr().err


def refuse(result, *expected) -> None:
    status, output = result
    assert_one_clear_line(status, *expected)
    assert not output.parent.exists()


def test_a_region_file_of_another_split_is_refused(train, pretraining, tmp_path, data_dir):
    other = write_regions_of(tmp_path / "other.json", make_split(4, "other", first_id=7))
    result = train(save_xvlm(tmp_path / "begun"), *pretraining, "--regions", other)
    refuse(result, other, "a region file of another split")


def test_batches_with_nothing_to_compare_are_refused(train, pretraining, tmp_path):
    begun = save_xvlm(tmp_path / "begun")
    refuse(train(begun, "--per_device_train_batch_size", 1), "expected at least 2, found 1")
    one = ["--images_per_region_batch", 1]
    refuse(train(begun, *pretraining, *one), "--images_per_region_batch: expected at least 2")


def test_pretraining_draws_its_own_order(train, pretraining, tmp_path):
    options = ["--train_sampling_strategy", "group_by_length"]
    result = train(save_xvlm(tmp_path / "begun"), *pretraining, *options)
    refuse(result, "--train_sampling_strategy group_by_length", "pretraining")


def test_a_model_without_the_heads_of_pretraining_is_refused(train, pretraining, tmp_path):
    begun = save_xvlm(tmp_path / "begun", has_box_head=False, has_mlm_head=False)
    refuse(train(begun, *pretraining), begun, "without the heads", "init_xvlm")


def test_missing_files_are_named(train, pretraining, tmp_path, data_dir):
    begun = save_xvlm(tmp_path / "begun")
    refuse(train(begun, *pretraining, "--regions", tmp_path / "none.json"), "none.json", "no such")
    none = ["--region_images", tmp_path / "none.h5"]
    refuse(train(begun, *pretraining, *none), "none.h5", "no such file")
    (data_dir / "train_images.h5").unlink()
    refuse(train(begun), "train_images.h5", "preprocess.write_images")


def test_gradient_checkpointing_is_refused_in_one_line(train, tmp_path):
    result = train(save_xvlm(tmp_path / "begun"), "--gradient_checkpointing")
    refuse(result, "--gradient_checkpointing: no option of a xvlm model")
