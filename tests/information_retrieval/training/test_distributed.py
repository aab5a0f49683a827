"""Several processes train as one does with the batch of all of them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import distributed

from information_retrieval.models.sx3hre.shared_block import BlockOutput
from information_retrieval.training.objectives.losses import gather, symmetric_cross_entropy
from information_retrieval.training.objectives.sx3hre_in_training import Sx3hreInTraining
from information_retrieval.training.run_folder import last_whole_checkpoint
from preprocess.captions.split_file import read_split, write_split
from tests.conftest import save_clip, save_lxmert, write_data_dir, write_images_of
from tests.information_retrieval.models.sx3hre.tiny import HIDDEN, WIDTH, make_config
from tests.information_retrieval.training.training_process import (
    FORKING,
    train,
    train_together,
)

ROOT = Path(__file__).resolve().parents[3]
# Sums of float32 are in another order.
LOSS_TOLERANCE = 1e-4  # relative
WEIGHT_TOLERANCE = 1e-5  # absolute


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """8 pairs to train on, a multiple of the batch, one an image."""
    folder = write_data_dir(tmp_path_factory.mktemp("distributed") / "data")
    train_split = read_split(folder / "train.json")
    write_split(folder / "train.json", train_split.first(8, captions_per_image=1))
    for name in ("train", "val"):
        write_images_of(folder, name)
    return folder


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("checkpoints")
    without_dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return {
        "lxmert": save_lxmert(folder / "lxmert", **without_dropout),
        "clip": save_clip(folder / "clip"),
    }


def options_of(checkpoint: Path, data: Path, batch_size: int) -> list:
    options = ["--model_name_or_path", checkpoint, "--data_dir", data, "--num_train_epochs", 3]
    options += ["--per_device_train_batch_size", batch_size, "--learning_rate", 0.02]
    # Unlike AdamW's, steps of plain descent are as large as the gradients.
    options += ["--optim", "sgd", "--max_grad_norm", 0]
    return [*options, "--logging_steps", 1, "--load_best_model_at_end", "no"]


def history(output: Path) -> list[dict]:
    return json.loads((output / "trainer_state.json").read_text())["log_history"]


@pytest.mark.long
@pytest.mark.parametrize("kind", ["lxmert", "clip"])
def test_two_processes_train_as_one_with_twice_the_batch(data, checkpoints, tmp_path, kind):
    one, two = tmp_path / "one", tmp_path / "two"
    assert train(one, *options_of(checkpoints[kind], data, 4)).status == 0
    ended = train_together(two, 2, *options_of(checkpoints[kind], data, 2))
    assert [process.status for process in ended] == [0, 0]
    losses, expected = ([log["loss"] for log in history(f) if "loss" in log] for f in (two, one))
    assert len(expected) == 6
    np.testing.assert_allclose(losses, expected, rtol=LOSS_TOLERANCE)
    before, found, expected = (
        load_file(folder / "model.safetensors") for folder in (checkpoints[kind], two, one)
    )
    assert largest_difference(found, expected) < WEIGHT_TOLERANCE
    assert largest_difference(found, before) > 100 * WEIGHT_TOLERANCE


def largest_difference(one: dict, other: dict) -> float:
    return max(float((one[name] - other[name]).abs().max()) for name in one)


@pytest.mark.long
def test_three_processes_count_each_pair_of_a_gallery_once(data, checkpoints, tmp_path):
    assert len(read_split(data / "minival.json").images) == 4  # no multiple of 3
    evaluations = []
    for folder, world_size in (("one", 1), ("three", 3)):
        options = options_of(checkpoints["lxmert"], data, 2)
        options += ["--max_steps", 1, "--learning_rate", 0, "--weight_decay", 0]
        ended = train_together(tmp_path / folder, world_size, *options)
        assert [process.status for process in ended] == [0] * world_size
        assert "epoch" not in "".join(process.stdout for process in ended[1:])
        evaluations += [log for log in history(tmp_path / folder) if "eval_rsum" in log]
    one, three = ({k: v for k, v in e.items() if k.startswith("eval_")} for e in evaluations)
    assert one == three


@pytest.mark.long
def test_sigterm_to_torchrun_ends_all_processes_with_a_whole_checkpoint(
    data, checkpoints, tmp_path
):
    output = tmp_path / "run"
    options = ["--nproc_per_node", 2, "-m", "information_retrieval.train", "--use_cpu"]
    options += ["--output_dir", output, "--disable_tqdm", "True", "--save_steps", 5]
    options += [*options_of(checkpoints["lxmert"], data, 2), "--max_steps", 5000]
    options += ["--eval_strategy", "no", "--save_strategy", "steps"]
    process = subprocess.Popen(
        list(map(str, [sys.executable, "-m", "torch.distributed.run", *options])),
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        while not (output / "checkpoint-5" / "complete.json").exists():
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode != 0
    assert f"{output}: stopped by SIGTERM; the same command goes on" in printed
    newest = max(int(f.name.removeprefix("checkpoint-")) for f in output.glob("checkpoint-*"))
    whole = Path(last_whole_checkpoint(output))
    assert whole.name == f"checkpoint-{newest}"
    assert json.loads((whole / "trainer_state.json").read_text())["global_step"] == newest


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Embeddings of 6 images and captions, and the images' numbers, two of one image."""
    generator = torch.Generator().manual_seed(0)
    images, captions = torch.randn(2, 6, 5, generator=generator)
    return images, captions, torch.tensor([0, 1, 2, 0, 3, 4])


def loss_and_gradients(part: slice) -> tuple[torch.Tensor, torch.Tensor]:
    images, captions, index = (x[part] for x in batch())
    embeds = torch.stack([images, captions]).requires_grad_()
    scale = torch.tensor(3.0)
    loss = symmetric_cross_entropy(embeds[0], embeds[1], scale, index)
    (gradient,) = torch.autograd.grad(loss, embeds)
    return loss.detach(), gradient


ARMS = ("itc", "none", "cosine")


def distil(alignment: str, part: slice) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The loss of a part of 6 pairs, two of them of one image, and its gradients."""
    torch.manual_seed(0)
    model = Sx3hreInTraining(make_config(alignment=alignment)).double()
    generator = torch.Generator().manual_seed(0)
    outputs, middles = (
        torch.randn(2, 6, width, generator=generator, dtype=torch.float64)
        for width in (WIDTH, HIDDEN)
    )
    targets = torch.randn(6, WIDTH, generator=generator, dtype=torch.float64)
    draws = torch.rand(6, generator=generator)
    index = batch()[2]
    given = [x[:, part].clone().requires_grad_() for x in (outputs, middles)]
    images, texts = (BlockOutput(given[1][kind], given[0][kind]) for kind in (0, 1))
    losses = model.losses(images, texts, targets[part], index[part], draws[part])
    learnt = [p for n, p in model.named_parameters() if "scale" in n or n.startswith("norm.")]
    gradients = torch.autograd.grad(losses.loss, [*given, *learnt], allow_unused=True)
    return losses.loss.detach(), [g for g in gradients if g is not None]


def in_process(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2
    )
    part = slice(3 * rank, 3 * rank + 3)
    gathered = gather(batch()[2][part])
    torch.save((gathered, *loss_and_gradients(part)), f"{folder}/{rank}.pt")
    torch.save({arm: distil(arm, part) for arm in ARMS}, f"{folder}/distilled.{rank}.pt")
    distributed.barrier()
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> Path:
    """What each of two processes found."""
    folder = tmp_path_factory.mktemp("both")
    processes = [FORKING.Process(target=in_process, args=(r, str(folder))) for r in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    return folder


def test_gathered_embeddings_have_the_gradient_of_one_process(both):
    expected_loss, expected = loss_and_gradients(slice(None))
    assert expected.abs().max() > 0.01
    for rank in (0, 1):
        gathered, loss, gradient = torch.load(both / f"{rank}.pt")
        assert torch.equal(gathered, batch()[2])
        torch.testing.assert_close(loss, expected_loss)
        # The processes' gradients come back summed; DistributedDataParallel takes the mean.
        own = expected[:, 3 * rank : 3 * rank + 3]
        torch.testing.assert_close(gradient / 2, own)


@pytest.mark.parametrize("arm", ARMS)
def test_a_student_learns_in_two_processes_as_in_one(both, arm):
    """The wrong captions of the cosine loss are drawn from all of the batch."""
    expected_loss, expected = distil(arm, slice(None))
    found = [torch.load(both / f"distilled.{rank}.pt")[arm] for rank in (0, 1)]
    torch.testing.assert_close(sum(loss for loss, _ in found) / 2, expected_loss)
    n_given = 2 if arm == "itc" else 1
    for place, gradient in enumerate(expected):
        parts = [gradients[place] for _, gradients in found]
        of_both = torch.cat(parts, dim=1) if place < n_given else sum(parts)
        torch.testing.assert_close(of_both / 2, gradient)
        assert gradient.abs().max() > 1e-4
