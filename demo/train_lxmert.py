"""Pretraining the demo's LXMERT: matching, from random weights, on what the detector sees."""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import LxmertConfig

from demo.checkpoints import replacing_folder, save_half
from demo.training_scenes import read_test_split, read_training_split
from demo.vocabularies import make_bert_tokenizer, save_slow_files
from information_retrieval.arguments import DataArguments
from information_retrieval.lxmert import LxmertForImageTextMatching
from information_retrieval.train import PaperTrainingArguments, build_trainer
from preprocess.detector_weights import load_detector
from preprocess.extract_features import describe, write_features
from preprocess.features_file import FeaturesWriter
from preprocess.split_file import Split, write_split

N_EPOCHS = 12
N_TRAIN_IMAGES = 6_000
N_MINIVAL_IMAGES = 100
# The demo's captions have up to 40 tokens, real ones, which fall into letters, over 100.
MAX_LENGTH = 256


def train_lxmert(output_dir: Path, scene_dir: Path) -> dict[str, float]:
    """Train on the scenes' split `train` and write `output_dir`/lxmert.

    Like the published checkpoint, it is LXMERT without the matching head, which fine-tuning gives
    anew. Needs `output_dir`/detector. Returns the metrics of the best epoch on the scenes' split
    `test`, with the head it was trained with.
    """
    torch.manual_seed(0)
    splits = {
        "train": read_training_split(scene_dir).first(N_TRAIN_IMAGES),
        "minival": read_test_split(scene_dir).first(N_MINIVAL_IMAGES),
    }
    data = DataArguments(scene_dir / "lxmert")
    for name, split in splits.items():
        write_split(data.split_file(name), split)
        extract(split, scene_dir, output_dir / "detector", data.features_file(name))
    tokenizer = make_bert_tokenizer(list(splits["train"].captions), MAX_LENGTH)
    detector, _ = load_detector(str(output_dir / "detector"))
    with TemporaryDirectory() as start, TemporaryDirectory() as runs:
        config = demo_config(len(tokenizer), detector.config.feature_dim)
        LxmertForImageTextMatching(config).save_pretrained(start)
        tokenizer.save_pretrained(start)
        trainer = build_trainer(start, data, 0.5, demo_training_arguments(runs))
        trainer.train()
    with replacing_folder(output_dir / "lxmert") as folder:
        save_slow_files(tokenizer, folder)
        save_half(trainer.model.lxmert, folder)
    return max(trainer.state.log_history, key=lambda log: log.get("eval_rsum", 0))


def demo_config(vocabulary_size: int, feature_dim: int) -> LxmertConfig:
    """Return the architecture: the published one in small."""
    return LxmertConfig(
        vocab_size=vocabulary_size,
        visual_feat_dim=feature_dim,
        hidden_size=96,
        num_attention_heads=4,
        intermediate_size=192,
        l_layers=2,
        r_layers=1,
        x_layers=2,
        max_position_embeddings=MAX_LENGTH,
        hidden_dropout_prob=0.05,
        attention_probs_dropout_prob=0.05,
        pad_token_id=0,
    )


def demo_training_arguments(output_dir: str) -> PaperTrainingArguments:
    """Return arguments for weights that start from nothing: larger steps, larger batches."""
    return PaperTrainingArguments(
        output_dir=output_dir,
        learning_rate=1.5e-3,
        weight_decay=0.01,
        warmup_steps=200,
        lr_scheduler_type="cosine",
        per_device_train_batch_size=128,
        num_train_epochs=N_EPOCHS,
        save_total_limit=1,
        logging_steps=50,
    )


def extract(split: Split, scene_dir: Path, detector_dir: Path, output: Path) -> None:
    """Write the region features of a split, going on where an earlier run stopped."""
    detector, info = load_detector(str(detector_dir))
    config = detector.config
    paths = [scene_dir / "images" / image.file_name for image in split.images]
    shape = (config.n_regions, config.feature_dim)
    attributes = describe(config, info)
    with FeaturesWriter(output, split.image_ids, *shape, "float32", attributes) as writer:
        write_features(writer, detector, paths, num_workers=1, title=f"{split.split} regions")
        writer.finish()
