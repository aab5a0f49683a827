"""The demo's CLIP: training runs, and the weights in the repository do their part."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch.nn import functional
from transformers import AutoProcessor, AutoTokenizer, CLIPModel

from demo.render import RenderArguments, render
from demo.training import train_clip as training
from demo.training.training_scenes import SEED, read_training_split
from information_retrieval.ranking.metrics import retrieval_metrics
from information_retrieval.ranking.rank_counter import count_ranks
from preprocess.captions.annotations import read_karpathy

SHIPPED = Path(__file__).parents[3] / "demo" / "models" / "clip"


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    render(RenderArguments(folder, seed=5, n_train=80, n_restval=0, n_val=0, n_test=10))
    return folder


@pytest.fixture(scope="module")
def trained(scenes, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "EPOCHS", 2)
        patch.setattr(training, "BATCH_IMAGES", 32)
        metrics = training.train_clip(folder, scenes)
    assert 0 <= metrics["i2t_r10"] <= 100
    return folder / "clip"


def test_the_models_learn_from_captions_that_are_spelt_correctly(scenes):
    written = read_karpathy(scenes / "dataset_coco.json").splits["train"]
    read = read_training_split(scenes)
    assert read.caption_ids.tolist() == written.caption_ids.tolist()
    changed = sum(a != b for a, b in zip(read.captions, written.captions, strict=True))
    assert 0 < changed < 0.1 * len(written.captions)


def test_a_trained_folder_loads_offline_as_float32_though_its_weights_are_half(trained):
    model = CLIPModel.from_pretrained(trained)
    assert model.dtype == torch.float32
    processor = AutoProcessor.from_pretrained(trained)
    inputs = processor(text=["a red dog"], images=Image.new("RGB", (200, 100)), return_tensors="pt")
    assert inputs["pixel_values"].shape == (1, 3, training.IMAGE_SIZE, training.IMAGE_SIZE)
    assert model(**inputs).logits_per_image.shape == (1, 1)
    assert AutoTokenizer.from_pretrained(trained)("a dog")["input_ids"][-1] == (
        model.config.text_config.eos_token_id
    )


def test_training_sees_the_pixels_that_the_saved_processor_makes(scenes, trained):
    processor = AutoProcessor.from_pretrained(trained).image_processor
    split = read_karpathy(scenes / "dataset_coco.json").splits["test"]
    tokenizer = AutoTokenizer.from_pretrained(trained)
    examples = training._load(split, scenes, tokenizer, processor)
    picture = Image.open(scenes / "images" / split.images[3].file_name)
    expected = processor(picture, return_tensors="pt")["pixel_values"][0]
    assert torch.allclose(examples.images(slice(3, 4))[0], expected, atol=1e-5)


def test_a_batch_has_two_captions_of_each_of_its_images(scenes, trained):
    split = read_karpathy(scenes / "dataset_coco.json").splits["train"]
    processor = AutoProcessor.from_pretrained(trained).image_processor
    examples = training._load(split, scenes, AutoTokenizer.from_pretrained(trained), processor)
    generator = training.np.random.default_rng(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "BATCH_IMAGES", 16)
        rows, columns = next(training._batches(examples, generator))
    assert len(set(rows.tolist())) == 16
    assert len(set(columns)) == 32
    owners = split.caption_image_index[columns].reshape(2, 16)
    assert (owners == rows).all()


@pytest.fixture(scope="module")
def demo_data(tmp_path_factory) -> Path:
    settings = RenderArguments(tmp_path_factory.mktemp("demo"), n_train=400, n_restval=40, n_val=60)
    assert settings.seed != SEED
    render(settings)
    return settings.output_dir


@pytest.mark.long
@pytest.mark.skipif(not SHIPPED.exists(), reason="demo/models/clip has not been trained")
def test_the_shipped_clip_finds_most_of_the_demos_test_images_but_not_all(demo_data):
    model, processor = CLIPModel.from_pretrained(SHIPPED), AutoProcessor.from_pretrained(SHIPPED)
    split = read_karpathy(demo_data / "dataset_coco.json").splits["test"]
    pictures = [Image.open(demo_data / "images" / image.file_name) for image in split.images]
    with torch.inference_mode():
        pixels = processor.image_processor(pictures, return_tensors="pt")
        image = model.get_image_features(**pixels).pooler_output
        tokens = processor.tokenizer(list(split.captions), padding=True, return_tensors="pt")
        text = model.get_text_features(**tokens).pooler_output
    scores = functional.normalize(image, dim=-1) @ functional.normalize(text, dim=-1).T
    metrics = retrieval_metrics(count_ranks(scores.numpy(), split.caption_image_index))
    assert 60 < metrics["i2t_r10"] < 99
    assert 60 < metrics["t2i_r10"] < 95


@pytest.mark.skipif(not SHIPPED.exists(), reason="demo/models/clip has not been trained")
def test_the_shipped_clip_is_at_most_four_megabytes():
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) <= 4_000_000
