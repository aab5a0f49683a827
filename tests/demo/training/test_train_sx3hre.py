"""The demo's Sx3HRe: training and its ablation run, and the weights in the repository are whole."""

from pathlib import Path

import pytest
import torch

from demo import sx3hre_ablation
from demo.render import RenderArguments, render
from demo.training import label_encoders
from demo.training import train_sx3hre as training
from demo.training.train_sx3hre import ARMS
from demo.training.training_scenes import read_test_split
from information_retrieval.models.checkpoint import load_model, load_tokenizer
from preprocess.base.files import read_json
from preprocess.captions.split_file import write_split
from preprocess.write_images import main as write_images

MODELS = Path(__file__).parents[3] / "demo" / "models"
MOST_BYTES = 3_000_000


@pytest.fixture
def scenes(tmp_path) -> Path:
    folder = tmp_path / "demo" / "scenes"
    render(RenderArguments(folder, seed=5, n_train=80, n_restval=0, n_val=0, n_test=10))
    return folder


@pytest.fixture
def few_steps(monkeypatch) -> None:
    lesson = training.Lesson

    def small(arm, seed=42, steps=6):
        return lesson(arm, seed, steps, batch_size=16)

    for module in (training, sx3hre_ablation):
        monkeypatch.setattr(module, "Lesson", small)
    monkeypatch.setattr(label_encoders, "BATCH", 16)
    monkeypatch.setattr(label_encoders, "TEACHER_EPOCHS", 1)


@pytest.mark.long
def test_training_writes_a_folder_an_arm_of_half_its_weights_bytes(scenes, few_steps):
    models = scenes.parent / "models"
    recalls = training.train_sx3hre(models, scenes)
    assert set(recalls) == {f"{arm}_{name}" for arm in ARMS for name in ("i2t_r1", "t2i_r1")}
    for arm in ARMS:
        folder = models / f"sx3hre_{arm}"
        model = load_model(str(folder))
        assert model.config.alignment == arm
        assert model.dtype == torch.float32
        n_bytes = (folder / "model.safetensors").stat().st_size
        assert n_bytes < 2.2 * model.num_parameters()


@pytest.mark.long
def test_the_ablation_trains_ranks_and_compares_the_arms_of_a_teacher(
    scenes, few_steps, run_main, monkeypatch, capsys, tmp_path
):
    data_dir = tmp_path / "demo"
    write_split(data_dir / "test.json", read_test_split(scenes))
    images = ("--image_root", scenes / "images", "--output", data_dir / "test_images.h5")
    assert run_main(write_images, "--split_file", data_dir / "test.json", *images) == 0
    monkeypatch.setattr(sx3hre_ablation, "render_training_scenes", lambda folder: None)
    options = ("--output_dir", tmp_path / "runs", "--scene_dir", scenes, "--data_dir", data_dir)
    options = (*options, "--steps", 20, "--seeds", 7, "--teachers", "random")
    assert run_main(sx3hre_ablation.main, *options) == 0
    content = read_json(tmp_path / "runs" / "random" / "ablation.json", "")
    (gallery,) = content["galleries"]
    assert list(gallery["arms"]) == list(ARMS)
    assert len(gallery["arms"]["itc"]["metrics"]["i2t_r1"]["seeds"]) == 1
    assert (tmp_path / "runs" / "random" / "ablation.png").exists()
    assert (tmp_path / "runs" / "student_7").is_dir()
    assert "Teacher random, of random weights: the control" in capsys.readouterr().out


@pytest.mark.parametrize("arm", ARMS)
def test_the_shipped_model_is_small_and_whole(arm):
    folder = MODELS / f"sx3hre_{arm}"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
    model = load_model(str(folder))
    assert load_tokenizer(str(folder), model.config.text_config.vocab_size)
    assert model.config.alignment == arm
    assert model.config.teacher.startswith("sha256:")
