"""Small models learn 20 real pairs by heart: all of training, from captions to recalls."""

import json
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from transformers import (
    BertTokenizer,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPProcessor,
    CLIPTokenizer,
    set_seed,
)

from information_retrieval.train import main
from preprocess.captions.split_file import Split, read_split, write_split
from preprocess.splits import main as splits_main
from preprocess.storage.images_file import write_images_file
from tests.conftest import make_lxmert, write_features

N_PAIRS = 20
LARGEST_LOSS = 0.05


@pytest.fixture
def pairs(shared_data, tmp_path, run_main) -> Path:
    """A folder of data whose minival is what is trained on; features are random."""
    folder, coco = tmp_path / "data", shared_data / "coco90"
    arguments = ["--karpathy_json", coco / "dataset_coco.json", "--output_dir", folder]
    assert run_main(splits_main, *arguments, "--minival_size", 1) == 0
    split = read_split(folder / "train.json").first(N_PAIRS, captions_per_image=1)
    for name in ("train", "minival"):
        write_split(folder / f"{name}.json", split)
    for name in ("train", "val"):
        write_features(folder / f"{name}_features.h5", split)
        write_images_file(folder / f"{name}_images.h5", split.image_ids, encoded(coco, split))
    return folder


def encoded(coco: Path, split: Split) -> list[bytes]:
    """The real images, as small as the model sees them: each epoch decodes them all."""
    return [thumbnail(coco / "images" / image.file_name) for image in split.images]


def thumbnail(path: Path) -> bytes:
    image, buffer = Image.open(path).convert("RGB"), BytesIO()
    image.thumbnail((64, 64))
    image.save(buffer, "PNG")
    return buffer.getvalue()


def save_lxmert(folder: Path, vocabulary: Path) -> Path:
    """A small LXMERT with the real vocabulary, that has learnt nothing and forgets nothing."""
    tokenizer = BertTokenizer.from_pretrained(vocabulary)
    model = make_lxmert(
        perturb=False,
        vocab_size=len(tokenizer),
        initializer_range=0.2,
        l_layers=1,
        x_layers=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_clip(folder: Path, vocabulary: Path) -> Path:
    """A small CLIP with the real vocabulary, that has learnt nothing."""
    tokenizer = CLIPTokenizer.from_pretrained(vocabulary)
    image_processor = CLIPImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    )
    CLIPProcessor(image_processor, tokenizer).save_pretrained(folder)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4}
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = CLIPConfig(
        text_config={
            **sizes,
            **ids,
            "num_hidden_layers": 1,
            "vocab_size": len(tokenizer),
            "pad_token_id": tokenizer.pad_token_id,
        },
        vision_config={**sizes, "num_hidden_layers": 1, "image_size": 32, "patch_size": 8},
        projection_dim=32,
    )
    set_seed(0)
    CLIPModel(config).save_pretrained(folder)
    return folder


@pytest.mark.long
@pytest.mark.parametrize(
    ("save", "vocabulary", "steps", "options"),
    [
        (save_lxmert, "bert-base-uncased", 300, ["--prob_unaligned", 0.5]),
        # By its worst violation alone, a model that knows nothing learns to score all pairs alike.
        (
            save_lxmert,
            "bert-base-uncased",
            100,
            ["--formulation", "contrastive", "--top_k_violations", 5],
        ),
        (save_clip, "clip", 100, []),
    ],
    ids=["LXMERT binary", "LXMERT contrastive", "CLIP"],
)
def test_real_pairs_are_learnt_by_heart(
    pairs, shared_data, tmp_path, run_main, save, vocabulary, steps, options
):
    checkpoint = save(tmp_path / "model", shared_data / "tokenizers" / vocabulary)
    arguments = ["--model_name_or_path", checkpoint, "--data_dir", pairs, "--use_cpu"]
    arguments += ["--output_dir", tmp_path / "run", "--disable_tqdm", "True", *options]
    arguments += ["--learning_rate", 2e-3, "--lr_scheduler_type", "constant_with_warmup"]
    arguments += ["--warmup_steps", 5, "--logging_steps", 10, "--max_steps", steps]
    arguments += ["--eval_strategy", "steps", "--eval_steps", steps]
    arguments += ["--save_strategy", "no", "--load_best_model_at_end", "no"]
    assert run_main(main, *arguments) == 0
    history = json.loads((tmp_path / "run" / "trainer_state.json").read_text())["log_history"]
    losses = [log["loss"] for log in history if "loss" in log]
    assert losses[0] > 10 * LARGEST_LOSS
    assert losses[-1] < LARGEST_LOSS
    recalls = [log for log in history if "eval_rsum" in log][-1]
    assert recalls["eval_i2t_r1"] == recalls["eval_t2i_r1"] == 100
