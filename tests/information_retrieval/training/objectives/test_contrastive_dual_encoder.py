"""Fine-tuning CLIP: it learns, its result is scored, and a tower may be kept as it is."""

import json
import math
import shutil
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file

from information_retrieval.evaluate import main as evaluate_main
from information_retrieval.models.checkpoint import load_model
from information_retrieval.train import main
from information_retrieval.training.objectives.contrastive_dual_encoder import (
    ScaleLimit,
    freeze_tower,
)
from preprocess.captions.split_file import read_split, write_split
from tests.conftest import save_clip, write_images_of
from tests.image_readers import save_image_reader

IMAGE = ("vision_model.", "visual_projection.")
TEXT = ("text_model.", "text_projection.")


@pytest.fixture
def train(data_dir, tmp_path, run_main):
    """Fine-tune a tiny CLIP on images that minival has too."""
    write_split(data_dir / "minival.json", read_split(data_dir / "train.json"))
    write_images_of(data_dir, "train")
    shutil.copy(data_dir / "train_images.h5", data_dir / "val_images.h5")
    checkpoint, output = save_clip(tmp_path / "clip"), tmp_path / "runs" / "clip"

    def run(*options):
        arguments = ["--model_name_or_path", checkpoint, "--data_dir", data_dir, "--use_cpu"]
        arguments += ["--output_dir", output, "--disable_tqdm", "True", "--learning_rate", 3e-3]
        arguments += ["--per_device_train_batch_size", 9, "--logging_steps", 1, *options]
        return run_main(main, *arguments), checkpoint, output

    return run


def weights(folder) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def changed(before, after) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_it_learns_and_its_result_is_evaluated(train, data_dir, tmp_path, run_main):
    status, _, output = train("--num_train_epochs", 15, "--lr_scheduler_type", "constant")
    assert status == 0
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    losses = [log["loss"] for log in history if "loss" in log]
    assert sum(losses[-4:]) < 0.5 * sum(losses[:4])
    recalls = [log["eval_rsum"] for log in history if "eval_rsum" in log]
    assert max(recalls) > recalls[0] + 100
    rankings = tmp_path / "evaluation" / "train.npz"
    arguments = ["--model_name_or_path", output, "--data_dir", data_dir, "--split", "train"]
    assert run_main(evaluate_main, *arguments, "--protocol", "full", "--output", rankings) == 0
    metrics = json.loads((rankings.parent / "metrics.json").read_text())["metrics"]
    assert metrics["rsum"] == pytest.approx(max(recalls))


@pytest.mark.parametrize(
    ("tower", "frozen", "free"), [("image", IMAGE, TEXT), ("text", TEXT, IMAGE)]
)
def test_a_frozen_tower_stays_exactly_as_it_is(train, tower, frozen, free):
    options = ["--num_train_epochs", 1, "--freeze", tower, "--weight_decay", 0.5]
    status, checkpoint, output = train(*options)
    assert status == 0
    before = weights(checkpoint)
    moved = changed(before, weights(output))
    assert not [name for name in moved if name.startswith(frozen)]
    assert "logit_scale" in moved
    # The attention's key biases cancel in its softmax.
    rest = {name for name in before if name.startswith(free) and "k_proj.bias" not in name}
    assert len(rest) > 20
    assert len(rest - moved) <= 2, rest - moved


def test_a_frozen_towers_batch_norms_count_no_further(tmp_path):
    model = load_model(str(save_image_reader(tmp_path / "align", "align")))
    freeze_tower(model, "image")
    before = {name: value.clone() for name, value in model.vision_model.state_dict().items()}
    model.train()
    pixels = torch.randn(8, 3, 32, 32)
    first, second = (model.vision_model(pixels).pooler_output for _ in range(2))
    assert torch.equal(first, second)  # no dropout
    after = model.vision_model.state_dict()
    assert [name for name in before if not torch.equal(before[name], after[name])] == []
    assert model.text_model.training


def test_without_freezing_both_towers_move(train):
    status, checkpoint, output = train("--num_train_epochs", 1)
    assert status == 0
    moved = changed(weights(checkpoint), weights(output))
    for part in (*IMAGE, *TEXT, "logit_scale"):
        assert any(name.startswith(part) for name in moved)


def test_the_learnt_scale_never_exceeds_100(train, tmp_path):
    folder = tmp_path / "clip"
    content = weights(folder)
    content["logit_scale"].fill_(math.log(200))
    save_file(content, folder / "model.safetensors", metadata={"format": "pt"})
    status, _, output = train("--num_train_epochs", 1)
    assert status == 0
    scales = [
        weights(f)["logit_scale"].exp().item() for f in (output, *output.glob("checkpoint-*"))
    ]
    assert len(scales) == 2
    assert all(90 < scale <= 100.001 for scale in scales)


def test_the_scale_is_clamped_also_where_it_is_a_temperature():
    model = SimpleNamespace(logit_scale=torch.nn.Parameter(torch.tensor(9.0)))
    ScaleLimit(model).on_step_end(None, None, None)
    assert model.logit_scale.item() == pytest.approx(math.log(100))
    model = SimpleNamespace(temperature=torch.nn.Parameter(torch.tensor(0.001)))
    ScaleLimit(model).on_step_end(None, None, None)
    assert model.temperature.item() == pytest.approx(0.01)
