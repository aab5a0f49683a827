"""The demo's X-VLM: training runs, and the weights in the repository do their part."""

from pathlib import Path

import pytest
import torch

from demo import xvlm_ablation
from demo.render import RenderArguments, render
from demo.training import train_xvlm as training
from information_retrieval.models.checkpoint import load_model, load_tokenizer
from preprocess.base.files import read_json

SHIPPED = Path(__file__).parents[3] / "demo" / "models" / "xvlm"
MOST_BYTES = 6_000_000


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "scenes"
    render(RenderArguments(folder, seed=5, n_train=80, n_restval=0, n_val=0, n_test=10))
    return folder


@pytest.mark.long
def test_a_trained_folder_has_both_heads_and_half_its_weights_bytes(scenes, monkeypatch):
    monkeypatch.setattr(training, "N_STEPS", 6)
    metrics = training.train_xvlm(scenes.parent / "models", scenes)
    assert 0 <= metrics["i2t_r10"] <= 100
    folder = scenes.parent / "models" / "xvlm"
    model = load_model(str(folder))
    assert model.dtype == torch.float32
    assert model.box_head is not None
    assert model.mlm_head is not None
    n_bytes = (folder / "model.safetensors").stat().st_size
    assert n_bytes < 2.2 * model.num_parameters()


@pytest.mark.long
def test_the_ablation_trains_three_models_and_tells_their_recalls(
    scenes, run_main, monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr(xvlm_ablation, "render_training_scenes", lambda folder: None)
    options = ("--output_dir", tmp_path, "--scene_dir", scenes, "--steps", "20")
    assert run_main(xvlm_ablation.main, *options) == 0
    printed = capsys.readouterr().out
    assert "20 steps each:" in printed
    for name in xvlm_ablation.ARMS:
        run = read_json(tmp_path / name.replace(" ", "_") / "training_run.json", "")
        assert run["max_steps"] == 20
        assert f"\n{name} " in printed


def test_the_shipped_model_is_small_and_whole():
    files = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
    model = load_model(str(SHIPPED))
    assert load_tokenizer(str(SHIPPED), model.config.text_config.vocab_size)
