"""Each of the paper's captioners learns 20 real images by heart: from pixels to captions said."""

import json
from pathlib import Path

import pytest

import captioning.caption
import captioning.evaluate
import captioning.train
import preprocess.encode_images
import preprocess.splits
from captioning.metrics.words import caption_words
from preprocess.captions.split_file import Split, read_split, write_split
from preprocess.storage.images_file import write_images_file
from tests.information_retrieval.training.test_overfitting import encoded

N_IMAGES = 20
CLIP = Path(__file__).resolve().parents[3] / "demo" / "models" / "clip"
STEPS = 150
# What each reads, and how it is made: as the paper, without its defects. No trained CNN is at hand,
# and a random one's vectors hardly differ: the first reads the vector of CLIP's image tower.
CAPTIONERS = {
    "CNN+LSTM": ("vector", ["--num_layers", 2, "--projection", "linear"]),
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


@pytest.mark.long
@pytest.mark.parametrize("name", CAPTIONERS)
def test_real_captions_are_learnt_by_heart_and_said(images, tmp_path, run_main, name):
    folder, split = images
    kind, options = CAPTIONERS[name]
    file = folder / "train_encodings.h5"

    def run(command, *arguments) -> None:
        assert run_main(command.main, *arguments) == 0

    encoding = ["--encoder", CLIP, "--kind", kind, "--images", folder / "train_images.h5"]
    run(preprocess.encode_images, *encoding, "--output", file, "--num_workers", 0)
    training = ["--data_dir", folder, "--output_dir", tmp_path / "run", "--min_count", 1]
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
