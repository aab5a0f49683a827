"""Sx3HRe's training, killed or signalled, ends with the same weights; so do two processes."""

import json
from pathlib import Path
from signal import SIGKILL, SIGTERM

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from preprocess.captions.split_file import read_split
from tests.conftest import write_data_dir, write_images_of
from tests.information_retrieval.models.sx3hre.tiny import save_sx3hre
from tests.information_retrieval.training.small_distillation import cache_targets
from tests.information_retrieval.training.training_process import Moment, train, train_together
from tests.preprocess.encoders.tiny_beit import save_beit

ARMS = ("itc", "none", "cosine")
# Dropout is BERT's own; a checkpoint lies within an epoch.
OPTIONS = ["--num_train_epochs", 3, "--learning_rate", 1e-3, "--logging_steps", 1]
OPTIONS += ["--save_strategy", "steps", "--save_steps", 2, "--save_total_limit", 9]
OPTIONS += ["--eval_strategy", "steps", "--eval_steps", 2, "--per_device_train_batch_size", 4]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Gives the options of an arm, with its teacher or with cached targets."""
    folder = tmp_path_factory.mktemp("sx3hre")
    data = write_data_dir(folder / "data")
    for name in ("train", "val"):
        write_images_of(data, name)
    student, teacher = save_sx3hre(folder / "student"), save_beit(folder / "teacher")
    cached = cache_targets(teacher, data / "train_images.h5", data / "train_targets.h5")
    sources = {"teacher": ["--teacher", teacher], "targets": ["--targets", cached]}

    def options(alignment: str, source: str) -> list:
        begun = ["--model_name_or_path", student, "--data_dir", data, "--alignment", alignment]
        return [*begun, *sources[source]]

    return options


def result(output: Path) -> tuple[bytes, list[dict]]:
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    history = [log for log in history if "loss" in log or "eval_rsum" in log]
    last = max(output.glob("checkpoint-*"), key=lambda folder: int(folder.name[11:]))
    return (last / "model.safetensors").read_bytes(), history


@pytest.mark.parametrize(
    ("alignment", "source"),
    [
        ("cosine", "teacher"),
        pytest.param("itc", "targets", marks=pytest.mark.long),
        pytest.param("none", "teacher", marks=pytest.mark.long),
    ],
)
def test_a_run_killed_in_its_middle_ends_as_an_uninterrupted_one(
    inputs, tmp_path, alignment, source
):
    options = [*inputs(alignment, source), *OPTIONS]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert train(whole, *options).status == 0
    moment = Moment("checkpoint-4/optimizer.pt")
    assert train(killed, *options, moment=moment).status == -SIGKILL
    assert train(killed, *options).status == 0
    (weights, history), (expected, whole_history) = result(killed), result(whole)
    assert history == whole_history
    assert weights == expected


@pytest.mark.long
@pytest.mark.parametrize(
    ("alignment", "source", "more"),
    [
        ("cosine", "targets", ["--dataloader_num_workers", 1, "--image_views", "random"]),
        ("cosine", "teacher", ["--gradient_accumulation_steps", 2]),
        ("itc", "teacher", ["--train_sampling_strategy", "group_by_length"]),
    ],
)
def test_a_signalled_run_goes_on_to_the_same_end(inputs, tmp_path, alignment, source, more):
    options = [*inputs(alignment, source), *OPTIONS, *more]
    assert train(tmp_path / "whole", *options).status == 0
    moment = Moment("checkpoint-2/optimizer.pt", SIGTERM, to_workers=True)
    assert train(tmp_path / "run", *options, moment=moment).status == 128 + SIGTERM
    assert train(tmp_path / "run", *options).status == 0
    assert result(tmp_path / "run") == result(tmp_path / "whole")


def without_dropout(checkpoint: Path) -> None:
    """Change a checkpoint's configuration so that a forward is always the same."""
    config = json.loads((checkpoint / "config.json").read_text())
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
        config["text_config"][name] = 0.0
    (checkpoint / "config.json").write_text(json.dumps(config))


def largest_difference(one: dict, other: dict) -> float:
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


@pytest.mark.long
@pytest.mark.parametrize("alignment", ARMS)
def test_two_processes_train_as_one_with_twice_the_batch(inputs, tmp_path, alignment):
    begun = inputs(alignment, "teacher")
    without_dropout(begun[1])
    split = read_split(begun[3] / "train.json")
    assert max(len(image.captions) for image in split.images) > 1  # some of a batch are of an image
    # Steps of plain descent are as large as the gradients, which AdamW's are not.
    plain = ["--optim", "sgd", "--learning_rate", 0.05, "--max_grad_norm", 0, "--max_steps", 6]
    plain += ["--eval_strategy", "no", "--save_strategy", "no", "--load_best_model_at_end", "no"]
    found, losses = [], []
    for world_size, batch in ((1, 4), (2, 2)):
        output = tmp_path / str(world_size)
        options = [*begun, *OPTIONS, *plain, "--per_device_train_batch_size", batch]
        ended = train_together(output, world_size, *options)
        assert [process.status for process in ended] == [0] * world_size
        found.append(load_file(output / "model.safetensors"))
        history = json.loads((output / "trainer_state.json").read_text())["log_history"]
        names = ("loss", "mse_image", "cosine_wrong", "itc_output")
        losses.append([log[n] for log in history for n in names if n in log])
    assert len(losses[0]) == 6 * (2 if alignment == "none" else 3)
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
    assert largest_difference(*found) < 1e-5
    before = load_file(begun[1] / "model.safetensors")
    moved = {name: found[0][name] for name in before}
    assert largest_difference(moved, before) > 1e-3
    assert all(torch.isfinite(value).all() for value in found[0].values())
