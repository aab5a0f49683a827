"""Several processes, or parts of a batch, train a captioner as one does with the whole batch."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from captioning.train import main
from preprocess.captions.split_file import Split
from tests.captioning.training.small_run import (
    DECODERS,
    SMALL,
    evaluations,
    losses,
    write_data,
)
from tests.conftest import make_split
from tests.information_retrieval.training.training_process import train, train_together

# Sums of float32 are in another order.
LOSS_TOLERANCE = 1e-5  # relative
WEIGHT_TOLERANCE = 1e-5  # absolute


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """8 captions of very different lengths, a multiple of the batch."""
    return write_data(tmp_path_factory.mktemp("distributed") / "data", captions_of(8))


def captions_of(n_images: int) -> Split:
    return make_split(8).first(n_images, captions_per_image=1)


def options_of(data: Path, decoder: str, batch_size: int) -> list:
    options = ["--data_dir", data, "--num_train_epochs", 3, "--logging_steps", 1, *SMALL]
    options += ["--per_device_train_batch_size", batch_size, "--dropout", 0]
    # Unlike AdamW's, steps of plain descent are as large as the gradients.
    options += ["--optim", "sgd", "--max_grad_norm", 0, "--learning_rate", 0.5]
    return [*options, *DECODERS[decoder], "--load_best_model_at_end", "no"]


def assert_same(found: Path, expected: Path) -> None:
    assert len(losses(expected)) == 6
    np.testing.assert_allclose(losses(found), losses(expected), rtol=LOSS_TOLERANCE)
    assert np.ptp(losses(expected)) > 1000 * LOSS_TOLERANCE
    one, other = (load_file(folder / "model.safetensors") for folder in (found, expected))
    for name, weights in one.items():
        assert (weights - other[name]).abs().max() < WEIGHT_TOLERANCE, name


@pytest.mark.long
@pytest.mark.parametrize("decoder", DECODERS)
def test_two_processes_train_as_one_with_twice_the_batch(data, tmp_path, decoder):
    assert train(tmp_path / "one", *options_of(data, decoder, 4), command=main).status == 0
    ended = train_together(tmp_path / "two", 2, *options_of(data, decoder, 2), command=main)
    assert [process.status for process in ended] == [0, 0]
    assert "epoch" not in ended[1].stdout
    assert_same(tmp_path / "two", tmp_path / "one")
    for one, two in zip(*map(evaluations, (tmp_path / "one", tmp_path / "two")), strict=True):
        assert one == pytest.approx(two)


@pytest.mark.long
@pytest.mark.parametrize(("decoder", "n_captions"), [("lstm", 7), ("attention", 5)])
def test_captions_that_fill_no_batch_of_two_processes_are_learnt_once(
    tmp_path, decoder, n_captions
):
    """Of 5 captions, the second process has none in an epoch's last step."""
    data = write_data(tmp_path / "data", captions_of(n_captions))
    paper = ["--paper", "clip_lstm", "--word_width", 8] * (decoder == "lstm")
    one, two = ([*options_of(data, decoder, size), *paper] for size in (4, 2))
    assert train(tmp_path / "one", *one, command=main).status == 0
    ended = train_together(tmp_path / "two", 2, *two, command=main)
    assert [process.status for process in ended] == [0, 0]
    assert_same(tmp_path / "two", tmp_path / "one")


@pytest.mark.long
@pytest.mark.parametrize("paper", [[], ["--paper", "clip_lstm", "--word_width", 8]])
def test_a_batch_in_two_parts_is_the_whole_batch(data, tmp_path, paper):
    options = [*options_of(data, "lstm", 4), *paper]
    assert train(tmp_path / "one", *options, command=main).status == 0
    parts = ["--per_device_train_batch_size", 2, "--gradient_accumulation_steps", 2]
    assert train(tmp_path / "two", *options, *parts, command=main).status == 0
    assert_same(tmp_path / "two", tmp_path / "one")
