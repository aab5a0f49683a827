"""X-VLM's training, killed, goes on to the same weights; and runs in two processes."""

import json
from pathlib import Path
from signal import SIGKILL, SIGTERM

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

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


def losses(output: Path, name: str) -> list[float]:
    return [log[name] for log in result(output)[1] if name in log]


@pytest.mark.long
def test_two_processes_compare_the_pairs_of_both(inputs, tmp_path):
    """The first step's contrastive loss is that of one process with twice the batch.

    The other losses are means of both processes, whose hard negatives are their own.
    """
    found = []
    begun = inputs("pretraining")[:-2]  # without regions
    without_dropout(begun[1])
    for world_size, batch in ((1, 8), (2, 4)):
        options = [*begun, *OPTIONS, "--max_steps", 2]
        options += ["--per_device_train_batch_size", batch]
        output = tmp_path / str(world_size)
        ended = train_together(output, world_size, *options)
        assert [process.status for process in ended] == [0] * world_size
        found.append(losses(output, "itc"))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-5)


@pytest.mark.long
def test_two_processes_train_on_regions_and_end_with_one_model(inputs, tmp_path):
    options = [*inputs("pretraining"), *OPTIONS, "--per_device_train_batch_size", 4]
    ended = train_together(tmp_path / "run", 2, *options)
    assert [process.status for process in ended] == [0, 0]
    weights = load_file(tmp_path / "run" / "model.safetensors")
    assert all(torch.isfinite(value).all() for value in weights.values())
    assert len(losses(tmp_path / "run", "region_itc")) == 3
