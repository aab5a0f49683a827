"""The demo's captioners: their training runs from scenes to folders."""

import shutil
from pathlib import Path

import pytest
import torch

from captioning.models.loading import load_captioner
from demo.render import RenderArguments, render
from demo.training import label_encoders
from demo.training import train_captioners as training

MODELS = Path(__file__).parents[3] / "demo" / "models"


@pytest.mark.long
def test_training_writes_a_resnet_and_three_captioners_in_half_their_weights_bytes(
    tmp_path, monkeypatch
):
    scenes, models = tmp_path / "demo" / "scenes", tmp_path / "models"
    render(RenderArguments(scenes, seed=5, n_train=80, n_restval=0, n_val=0, n_test=10))
    shutil.copytree(MODELS / "clip", models / "clip")
    monkeypatch.setattr(label_encoders, "BATCH", 16)
    monkeypatch.setattr(label_encoders, "RESNET_EPOCHS", 1)
    monkeypatch.setattr(training, "EPOCHS", 1)
    found = training.train_captioners(models, scenes)
    assert set(found) == {f"{name}_CIDEr" for name in training.CAPTIONERS}
    for name in training.CAPTIONERS:
        folder = models / f"captioner_{name}"
        captioner = load_captioner(str(folder))
        assert captioner.model.dtype == torch.float32
        n_bytes = (folder / "model.safetensors").stat().st_size
        assert n_bytes < 2.2 * captioner.model.num_parameters()
