"""X-VLM's training, killed, goes on to the same weights; and runs in two processes."""

import json
import os
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest
import torch
from safetensors.torch import load_file

from information_retrieval.training.objectives.xvlm_in_training import XvlmInTraining
from information_retrieval.training.trainer import RetrievalTrainer
from tests.conftest import write_data_dir, write_images_of
from tests.information_retrieval.models.xvlm.tiny import save_xvlm
from tests.information_retrieval.training.regions.small_regions import write_train_regions
from tests.information_retrieval.training.training_process import Moment, train, train_together

# Dropout and drop path are X-VLM's own; a checkpoint lies within an epoch.
OPTIONS = ["--num_train_epochs", 3, "--learning_rate", 1e-3, "--logging_steps", 1]
OPTIONS += ["--save_strategy", "steps", "--save_steps", 2, "--save_total_limit", 9]
OPTIONS += ["--eval_strategy", "steps", "--eval_steps", 2]


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


def result(output: Path) -> tuple[bytes, list[dict]]:
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    history = [log for log in history if "loss" in log or "eval_rsum" in log]
    last = max(output.glob("checkpoint-*"), key=lambda folder: int(folder.name[11:]))
    return (last / "model.safetensors").read_bytes(), history


@pytest.mark.parametrize(
    "formulation", [pytest.param("matching", marks=pytest.mark.long), "pretraining"]
)
def test_a_run_killed_in_its_middle_ends_as_an_uninterrupted_one(inputs, tmp_path, formulation):
    options = [*inputs(formulation), *OPTIONS, "--per_device_train_batch_size", 4]
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
    ("formulation", "more"),
    [
        ("pretraining", ["--dataloader_num_workers", 1]),
        ("pretraining", ["--gradient_accumulation_steps", 2]),
        ("matching", ["--train_sampling_strategy", "group_by_length"]),
    ],
)
def test_a_signalled_run_goes_on_to_the_same_end(inputs, tmp_path, formulation, more):
    options = [*inputs(formulation), *OPTIONS, "--per_device_train_batch_size", 2, *more]
    assert train(tmp_path / "whole", *options).status == 0
    moment = Moment("checkpoint-2/optimizer.pt", SIGTERM, to_workers=True)
    assert train(tmp_path / "run", *options, moment=moment).status == 128 + SIGTERM
    assert train(tmp_path / "run", *options).status == 0
    assert result(tmp_path / "run") == result(tmp_path / "whole")


def without_dropout(checkpoint: Path) -> None:
    """Change a checkpoint's configuration so that a forward is always the same."""
    config = json.loads((checkpoint / "config.json").read_text())
    config["vision_config"]["drop_path_rate"] = 0.0
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
        config["text_config"][name] = 0.0
    (checkpoint / "config.json").write_text(json.dumps(config))


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


def largest_difference(one: dict, other: dict) -> float:
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


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
