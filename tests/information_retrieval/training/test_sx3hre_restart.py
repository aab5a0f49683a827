"""Sx3HRe's training, killed or signalled, ends with the same weights; so do two processes."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from preprocess.captions.split_file import read_split
from tests.conftest import write_data_dir, write_images_of
from tests.information_retrieval.models.sx3hre.tiny import save_sx3hre
from tests.information_retrieval.training.restarted_runs import (
    OPTIONS,
    check_killed,
    check_signalled,
    largest_difference,
    without_dropout,
)
from tests.information_retrieval.training.small_distillation import cache_targets
from tests.information_retrieval.training.training_process import train_together
from tests.preprocess.encoders.tiny_beit import save_beit

ARMS = ("itc", "none", "cosine")
BATCH = ["--per_device_train_batch_size", 4]


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


@pytest.mark.long
@pytest.mark.parametrize(
    ("alignment", "source"), [("cosine", "teacher"), ("itc", "targets"), ("none", "teacher")]
)
def test_a_run_killed_in_its_middle_ends_as_an_uninterrupted_one(
    inputs, tmp_path, alignment, source
):
    options = [*inputs(alignment, source), *OPTIONS, *BATCH]
    check_killed(tmp_path, options)


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
    options = [*inputs(alignment, source), *OPTIONS, *BATCH, *more]
    check_signalled(tmp_path, options)


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
