"""Training the demo's Sx3HRe, from scratch, on drawn scenes: what its ablation is made of."""

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import BertConfig, BertTokenizer, Data2VecVisionConfig

from demo.training.checkpoints import replacing_folder, save_half
from demo.training.label_encoders import (
    IMAGE_SIZE,
    PATCH_SIZE,
    WIDTH,
    train_labels_teacher,
)
from demo.training.sx3hre_data import write_sx3hre_data
from demo.training.training_scenes import read_training_split
from demo.training.vocabularies import make_bert_tokenizer
from demo.training.xvlm_data import run
from information_retrieval.models.checkpoint import load_model, load_processor
from information_retrieval.models.sx3hre.arms import Alignment
from information_retrieval.models.sx3hre.configuration import Sx3hreConfig
from information_retrieval.models.sx3hre.initialisation import processor_of
from information_retrieval.models.sx3hre.model import Sx3hreModel
from preprocess.base.files import read_json

# The demo's captions have up to 40 tokens, real ones, which fall into letters, over 100.
MAX_TOKENS = 256
SEED = 42
ARMS: tuple[Alignment, ...] = ("itc", "cosine", "none")  # in the published order
N_STEPS = 600


@dataclass(frozen=True)
class Lesson:
    """What is trained, and for how long."""

    alignment: Alignment
    seed: int = SEED
    steps: int = N_STEPS
    batch_size: int = 128
    learning_rate: float = 1e-3


def train_sx3hre(output_dir: Path, scene_dir: Path) -> dict[str, float]:
    """Distil a teacher of things, in each arm, into `output_dir`/sx3hre_itc, _cosine and _none.

    Returns the recalls at 1 on the scenes that were kept apart, by arm and direction.
    """
    folder = scene_dir.parent / "sx3hre"
    data_dir, teacher, targets = folder / "data", folder / "teacher", folder / "targets.h5"
    write_sx3hre_data(data_dir, scene_dir)
    make_student(folder / "student", scene_dir)
    make_labels_teacher(teacher, data_dir, scene_dir)
    cache_targets(teacher, data_dir, targets)
    found = {}
    for arm in ARMS:
        run_dir = folder / f"{arm}_{SEED}"
        train_arm(folder / "student", data_dir, targets, run_dir, Lesson(arm))
        with replacing_folder(output_dir / f"sx3hre_{arm}") as partial:
            load_processor(str(run_dir)).save_pretrained(partial)
            save_half(load_model(str(run_dir)), partial)
        metrics = rank(output_dir / f"sx3hre_{arm}", data_dir, "minival", run_dir / "minival.npz")
        found |= {f"{arm}_{name}": metrics[name] for name in ("i2t_r1", "t2i_r1")}
    return found


def make_student(folder: Path, scene_dir: Path, seed: int = SEED) -> None:
    """Write a student of random weights, with a vocabulary of the scenes' words, if absent."""
    if folder.exists():
        return
    torch.manual_seed(seed)
    tokenizer = make_bert_tokenizer(list(read_training_split(scene_dir).captions), MAX_TOKENS)
    processor = processor_of(tokenizer, IMAGE_SIZE)
    model = Sx3hreModel(_configuration(tokenizer))
    with replacing_folder(folder) as partial:
        model.save_pretrained(partial)
        processor.save_pretrained(partial)


def _layers(n: int) -> dict:
    return {
        "hidden_size": WIDTH,
        "num_hidden_layers": n,
        "num_attention_heads": 4,
        "intermediate_size": 2 * WIDTH,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        # About 1 / sqrt(160): from the published 0.02, so narrow a model is slow to begin.
        "initializer_range": 0.08,
    }


def _configuration(tokenizer: BertTokenizer) -> Sx3hreConfig:
    """Return the architecture: the published one in small, 1.3 million parameters."""
    vision = Data2VecVisionConfig(
        **_layers(2),
        image_size=IMAGE_SIZE,
        patch_size=PATCH_SIZE,
        use_mean_pooling=True,
        use_absolute_position_embeddings=True,
        drop_path_rate=0.0,
        layer_scale_init_value=1.0,
        layer_norm_eps=1e-6,
    )
    text = BertConfig(**_layers(2), vocab_size=len(tokenizer), max_position_embeddings=MAX_TOKENS)
    return Sx3hreConfig(
        vision_config=vision,
        text_config=text,
        num_attention_heads=4,
        intermediate_size=2 * WIDTH,
        max_tokens=MAX_TOKENS,
        layer_scale=1.0,
        initializer_range=0.08,
    )


def make_labels_teacher(folder: Path, data_dir: Path, scene_dir: Path) -> None:
    """Write the teacher of things, unless it is there."""
    if not folder.exists():
        instances = scene_dir / "annotations" / "instances_train2014.json"
        loss = train_labels_teacher(folder, data_dir / "train_images.h5", instances)
        print(f"wrote {folder}: a teacher of things, binary cross entropy {loss:.4f}")


def cache_targets(teacher: Path, data_dir: Path, targets: Path) -> None:
    """Run `preprocess.encode_images` for the training scenes; goes on where it was killed."""
    run(
        *("preprocess.encode_images", "--encoder", teacher),
        *("--images", data_dir / "train_images.h5", "--output", targets),
    )


def train_arm(
    student: Path, data_dir: Path, targets: Path, output_dir: Path, lesson: Lesson
) -> None:
    """Run `information_retrieval.train` from a student; goes on where it was killed."""
    run(
        *("information_retrieval.train", "--model_name_or_path", student),
        *("--data_dir", data_dir, "--output_dir", output_dir, "--targets", targets),
        *("--alignment", lesson.alignment, "--seed", lesson.seed),
        *("--max_steps", lesson.steps, "--per_device_train_batch_size", lesson.batch_size),
        *("--learning_rate", lesson.learning_rate, "--lr_scheduler_type", "cosine"),
        *("--warmup_steps", lesson.steps // 10, "--weight_decay", 0.01, "--adam_beta2", 0.98),
        *("--adam_epsilon", 1e-6, "--dataloader_num_workers", 1, "--bf16", True),
        *("--eval_strategy", "no", "--save_strategy", "steps", "--save_steps", 200),
        *("--load_best_model_at_end", False, "--save_total_limit", 1),
    )


def rank(checkpoint: Path, data_dir: Path, split: str, output: Path) -> dict[str, float]:
    """Rank the images of a split, and return the metrics."""
    run(
        *("information_retrieval.evaluate", "--model_name_or_path", checkpoint),
        *("--data_dir", data_dir, "--split", split, "--protocol", "full", "--output", output),
    )
    return read_json(output.with_name("metrics.json"), "delete it")["metrics"]
