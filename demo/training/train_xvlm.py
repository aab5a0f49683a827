"""Pre-training the demo's X-VLM, from scratch, on drawn scenes, their captions and regions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from transformers import BertTokenizer, BlipImageProcessorPil, BlipProcessor

from demo.training.checkpoints import replacing_folder, save_half
from demo.training.training_scenes import read_training_split
from demo.training.vocabularies import make_bert_tokenizer
from demo.training.xvlm_data import run, write_xvlm_data
from information_retrieval.models.checkpoint import load_model, load_processor
from information_retrieval.models.xvlm.captions import single_sequence_tokenizer
from information_retrieval.models.xvlm.configuration import XvlmConfig
from information_retrieval.models.xvlm.conversion import MEAN, STD
from information_retrieval.models.xvlm.model import XvlmModel
from preprocess.base.files import read_json

# Tokens of 32 pixels, 4 in a row: the fewer there are, the sooner a text finds those of its things.
IMAGE_SIZE, PATCH_SIZE, WINDOW = 128, 8, 4
# The demo's captions have up to 40 tokens, real ones, which fall into letters, over 100.
MAX_TOKENS = 256
N_STEPS = 9_000
SEED = 42


@dataclass(frozen=True)
class Lesson:
    """What a model learns from, and for how long.

    Attributes:
        steps: of three of them two are of images with captions, if there are regions.
        has_regions, has_boxes: whether the phrases of regions are learnt, and their boxes.
    """

    steps: int
    has_regions: bool = True
    has_boxes: bool = True
    batch_size: int = 32
    learning_rate: float = 1e-3


def train_xvlm(output_dir: Path, scene_dir: Path) -> dict[str, float]:
    """Train on the rendered scenes and write `output_dir`/xvlm.

    Returns the metrics on the scenes that were kept apart (see `retrieval_metrics`).
    """
    data_dir = scene_dir.parent / "xvlm_data"
    write_xvlm_data(data_dir, scene_dir)
    make_untrained(scene_dir.parent / "xvlm_untrained", scene_dir)
    run_dir = scene_dir.parent / "xvlm"
    pretrain(scene_dir.parent / "xvlm_untrained", data_dir, run_dir, Lesson(N_STEPS))
    with replacing_folder(output_dir / "xvlm") as folder:
        load_processor(str(run_dir)).save_pretrained(folder)
        save_half(load_model(str(run_dir)), folder)
    return evaluate(output_dir / "xvlm", data_dir, run_dir / "minival.npz")


def make_untrained(folder: Path, scene_dir: Path) -> None:
    """Write a checkpoint of random weights, with a vocabulary of the scenes' words."""
    torch.manual_seed(SEED)
    captions = list(read_training_split(scene_dir).captions)
    tokenizer = make_bert_tokenizer(captions, MAX_TOKENS)
    model = XvlmModel(_configuration(tokenizer))
    square = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    image_processor = BlipImageProcessorPil(size=square, image_mean=list(MEAN), image_std=list(STD))
    with replacing_folder(folder) as partial:
        model.save_pretrained(partial)
        BlipProcessor(image_processor, single_sequence_tokenizer(tokenizer)).save_pretrained(
            partial
        )


def _configuration(tokenizer: BertTokenizer) -> XvlmConfig:
    """Return the architecture: the published one in small, 1.1 million parameters."""
    vision = {
        "image_size": IMAGE_SIZE,
        "patch_size": PATCH_SIZE,
        "embed_dim": 32,
        "depths": [1, 1, 2],
        "num_heads": [2, 4, 4],
        "window_size": WINDOW,
        "drop_path_rate": 0.0,
        # Where a token is, a Swin without them learns from its neighbours alone, which takes long.
        "use_absolute_embeddings": True,
    }
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 96,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "intermediate_size": 288,
        "max_position_embeddings": MAX_TOKENS,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        # About 1 / sqrt(96): from the published 0.02, so narrow a model is slow to begin.
        "initializer_range": 0.1,
    }
    return XvlmConfig(
        vision_config={**vision, "initializer_range": 0.1},
        text_config=text,
        n_text_layers=2,
        embedding_dim=96,
        max_tokens=MAX_TOKENS,
        initializer_range=0.1,
    )


def pretrain(untrained: Path, data_dir: Path, output_dir: Path, lesson: Lesson) -> None:
    """Run `information_retrieval.train` from a folder's weights; goes on where it was killed."""
    regions = ("--regions", data_dir / "train_regions.json", "--box_loss", lesson.has_boxes)
    run(
        *("information_retrieval.train", "--model_name_or_path", untrained),
        *("--data_dir", data_dir, "--output_dir", output_dir, "--formulation", "pretraining"),
        *(regions if lesson.has_regions else ()),
        *("--max_steps", lesson.steps, "--per_device_train_batch_size", lesson.batch_size),
        *("--learning_rate", lesson.learning_rate, "--lr_scheduler_type", "cosine"),
        *("--warmup_steps", lesson.steps // 20, "--weight_decay", 0.05, "--adam_beta2", 0.98),
        *("--new_lr_multiplier", 1, "--seed", SEED, "--dataloader_num_workers", 1),
        *("--eval_strategy", "no", "--save_strategy", "steps", "--save_steps", 500),
        *("--load_best_model_at_end", False, "--save_total_limit", 1),
    )


def evaluate(
    checkpoint: Path, data_dir: Path, output: Path, score: Literal["itm", "itc"] = "itm"
) -> dict[str, float]:
    """Rank the scenes that were kept apart, and return the metrics."""
    run(
        *("information_retrieval.evaluate", "--model_name_or_path", checkpoint),
        *("--data_dir", data_dir, "--split", "minival", "--protocol", "full"),
        *("--score", score, "--output", output),
    )
    return read_json(output.with_name("metrics.json"), "delete it")["metrics"]
