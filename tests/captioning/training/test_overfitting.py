"""Each of the paper's captioners learns 20 real images by heart: from pixels to captions said."""

import json
from pathlib import Path

import pytest
import torch
from torch.nn import BatchNorm2d
from transformers import ResNetForImageClassification

import captioning.caption
import captioning.evaluate
import captioning.train
import preprocess.encode_images
import preprocess.splits
from captioning.metrics.words import caption_words
from preprocess.captions.split_file import Split, read_split, write_split
from preprocess.encoders.image_encoder import load_image_encoder
from preprocess.storage.images_file import ImagesFile, write_images_file
from tests.information_retrieval.training.test_overfitting import encoded
from tests.preprocess.encoders.tiny_resnet import save_resnet

N_IMAGES = 20
CLIP = Path(__file__).resolve().parents[3] / "demo" / "models" / "clip"
STEPS = 150
# What each reads, and how it is made: as the paper, without its defects, with a norm.
CAPTIONERS = {
    "CNN+LSTM": ("vector", ["--num_layers", 2]),
    "CLIP+LSTM": ("embedding", ["--num_layers", 2]),
    "CLIP and attention": ("tokens", ["--attention_width", 64]),
}


@pytest.fixture
def images(shared_data, tmp_path, run_main) -> tuple[Path, Split]:
    """A folder of 20 images with a caption each; minival is what is trained on."""
    folder, coco = tmp_path / "data", shared_data / "coco90"
    arguments = ["--karpathy_json", coco / "dataset_coco.json", "--output_dir", folder]
    assert run_main(preprocess.splits.main, *arguments, "--minival_size", 1) == 0
    split = read_split(folder / "train.json").first(N_IMAGES, captions_per_image=1)
    for name in ("train", "minival"):
        write_split(folder / f"{name}.json", split)
    write_images_file(folder / "train_images.h5", split.image_ids, encoded(coco, split))
    return folder, split


def save_cnn(folder: Path, images_file: Path) -> Path:
    """A random ResNet whose batch norms know these images; by others' its vectors hardly differ."""
    encoder = load_image_encoder(str(save_resnet(folder, side=64, hidden_sizes=[32, 256])))
    model = ResNetForImageClassification.from_pretrained(folder).train()
    for module in model.modules():
        if isinstance(module, BatchNorm2d):
            module.momentum = 1.0
    file = ImagesFile(images_file)
    images = [file.read(image_id) for image_id in file.image_ids]
    with torch.no_grad():
        model(**encoder.image_processor(images, return_tensors="pt"))
    model.save_pretrained(folder)
    return folder


@pytest.mark.long
@pytest.mark.parametrize("name", CAPTIONERS)
def test_real_captions_are_learnt_by_heart_and_said(images, tmp_path, run_main, name):
    folder, split = images
    kind, options = CAPTIONERS[name]
    file = folder / f"train_{kind}.h5"
    images_file = folder / "train_images.h5"
    encoder = save_cnn(tmp_path / "cnn", images_file) if name == "CNN+LSTM" else CLIP

    def run(command, *arguments) -> None:
        assert run_main(command.main, *arguments) == 0

    encoding = ["--encoder", encoder, "--kind", kind, "--images", images_file]
    run(preprocess.encode_images, *encoding, "--output", file, "--num_workers", 0)
    training = ["--data_dir", folder, "--encodings", kind, "--output_dir", tmp_path / "run"]
    training += ["--min_count", 1]
    training += ["--word_width", 96, "--hidden_size", 96, "--dropout", 0, "--use_cpu", *options]
    training += ["--learning_rate", 0.01, "--max_steps", STEPS, "--disable_tqdm", "True"]
    training += ["--eval_strategy", "steps", "--eval_steps", STEPS, "--save_strategy", "no"]
    run(captioning.train, *training, "--load_best_model_at_end", "no")
    captions = tmp_path / "captions.json"
    asked = ["--model_name_or_path", tmp_path / "run", "--encodings", file, "--output", captions]
    run(captioning.caption, *asked)
    scored = ["--captions", captions, "--split_file", folder / "train.json", "--n_resamples", 9]
    run(captioning.evaluate, *scored, "--output", tmp_path / "metrics.json")
    said = {one["image_id"]: one["caption"] for one in json.loads(captions.read_text("utf-8"))}
    right = [
        caption_words(image.captions[0].caption) == said[image.image_id].split()
        for image in split.images
    ]
    assert sum(right) >= N_IMAGES - 1
    metrics = json.loads((tmp_path / "metrics.json").read_text("utf-8"))["metrics"]
    assert metrics["CIDEr"]["value"] > 9
