"""X-VLM's training, killed, goes on to the same weights; and runs in two processes."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from information_retrieval.training.objectives.xvlm_in_training import XvlmInTraining
from information_retrieval.training.trainer import RetrievalTrainer
from tests.conftest import write_data_dir, write_images_of
from tests.information_retrieval.models.xvlm.tiny import save_xvlm
from tests.information_retrieval.training.regions.small_regions import write_train_regions
from tests.information_retrieval.training.restarted_runs import (
    OPTIONS,
    check_killed,
    check_signalled,
    largest_difference,
    result,
    without_dropout,
)
from tests.information_retrieval.training.training_process import train_together


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Gives the options of a formulation."""
    folder = tmp_path_factory.mktemp("xvlm")
    data = write_data_dir(folder / "data")
    for name in ("train", "val"):
        write_images_of(data, name)
    of = {"matching": [], "pretraining": ["--regions", write_train_regions(data)]}

    def options(formulation: str) -> list:
        begun = ["--model_name_or_path", save_xvlm(folder / "xvlm"), "--data_dir", data]
        return [*begun, "--formulation", formulation, *of[formulation]]

    return options


@pytest.mark.long
@pytest.mark.parametrize("formulation", ["matching", "pretraining"])
def test_a_run_killed_in_its_middle_ends_as_an_uninterrupted_one(inputs, tmp_path, formulation):
    options = [*inputs(formulation), *OPTIONS, "--per_device_train_batch_size", 4]
    check_killed(tmp_path, options)


@pytest.mark.long
@pytest.mark.parametrize(
    ("formulation", "more"),
    [
        ("pretraining", ["--dataloader_num_workers", 1]),
        ("pretraining", ["--gradient_accumulation_steps", 2]),
        ("matching", ["--train_sampling_strategy", "group_by_length"]),
    ],
)
def test_a_signalled_run_goes_on_to_the_same_end(inputs, tmp_path, formulation, more):
    options = [*inputs(formulation), *OPTIONS, "--per_device_train_batch_size", 2, *more]
    check_signalled(tmp_path, options)


def logged(output: Path, name: str) -> list[float]:
    return [log[name] for log in result(output)[1] if name in log]


def without_matching_loss() -> None:
    """Leave out the one loss that depends on the number of processes: its negatives are a batch's.

    What is left is compared over the pairs of all processes.
    """
    XvlmInTraining._matching = lambda self, pairs: 0 * pairs.image_embeds.sum()


def keep_own_weights() -> None:
    """Write beside the output folder what each process ends with, of which one alone is saved."""

    def save_model(self, *args, **kwargs) -> None:
        rank = os.environ["RANK"]
        torch.save(self.model.state_dict(), f"{self.args.output_dir}.weights.{rank}")
        saved(self, *args, **kwargs)

    saved, RetrievalTrainer.save_model = RetrievalTrainer.save_model, save_model


@pytest.mark.long
def test_two_processes_compare_the_pairs_of_both(inputs, tmp_path):
    """Without the matching loss they end as one process with twice the batch."""
    begun = inputs("matching")
    without_dropout(begun[1])
    # Steps of plain descent are as large as the gradients, which AdamW's are not.
    plain = ["--optim", "sgd", "--learning_rate", 0.02, "--max_grad_norm", 0, "--max_steps", 4]
    plain += ["--eval_strategy", "no", "--save_strategy", "no", "--load_best_model_at_end", "no"]
    plain += ["--logging_steps", 1, "--dataloader_drop_last", "True"]
    found = []
    for world_size, batch in ((1, 4), (2, 2)):
        output = tmp_path / str(world_size)
        options = [*begun, *plain, "--per_device_train_batch_size", batch]
        ended = train_together(output, world_size, *options, before=without_matching_loss)
        assert [process.status for process in ended] == [0] * world_size
        found.append(load_file(output / "model.safetensors"))
    before = load_file(begun[1] / "model.safetensors")
    assert largest_difference(*found) < 1e-5
    moved = {name: before[name] for name in found[0]}  # without the heads of pre-training
    assert largest_difference(found[0], moved) > 1e-3


@pytest.mark.long
def test_two_processes_train_on_regions_and_end_with_one_model(inputs, tmp_path):
    options = [*inputs("pretraining"), *OPTIONS, "--per_device_train_batch_size", 4]
    # Else both would end with what one of them has written.
    options += ["--load_best_model_at_end", "no"]
    ended = train_together(tmp_path / "run", 2, *options, before=keep_own_weights)
    assert [process.status for process in ended] == [0, 0]
    own, other = (torch.load(tmp_path / f"run.weights.{rank}") for rank in (0, 1))
    assert all(torch.isfinite(value).all() for value in own.values())
    assert largest_difference(own, other) == 0
    assert len(logged(tmp_path / "run", "region_itc")) == 3
