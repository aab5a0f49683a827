"""Pretraining the demo's LXMERT, from scratch, on drawn scenes as the detector sees them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import trange
from transformers import (
    BertTokenizer,
    LxmertConfig,
    LxmertForPreTraining,
    get_cosine_schedule_with_warmup,
)

from demo.training.checkpoints import replacing_folder, save_half
from demo.training.training_scenes import read_training_split
from demo.training.vocabularies import make_bert_tokenizer, save_slow_files
from information_retrieval.models.tokenization import pad_tokens
from preprocess.captions.split_file import Split
from preprocess.detector.weights import load_detector
from preprocess.extracting.extraction import describe, write_features
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.features_writer import FeaturesWriter

# The demo's captions have up to 40 tokens, real ones, which fall into letters, over 100.
MAX_TOKENS = 256
N_STEPS = 9_000
WARMUP_STEPS = 100
BATCH_PAIRS = 64
LEARNING_RATE = 1.5e-3
SHARE_UNALIGNED = 0.5
SHARE_MASKED = 0.2
IGNORED = -100  # a label that HF's losses pass over
LAST_STEPS = 200  # over which the returned metrics are averaged


@dataclass(frozen=True)
class Examples:
    """Regions of the images, (n_images, n_regions, feature_dim) and (..., 4), and captions."""

    visual_feats: Tensor
    visual_pos: Tensor
    token_ids: list[list[int]]
    caption_image_index: np.ndarray


def train_lxmert(output_dir: Path, scene_dir: Path) -> dict[str, float]:
    """Train on the rendered scenes and write `output_dir`/lxmert. Needs `output_dir`/detector.

    Masked words and matching, two of the tasks that the published checkpoint was made by; like
    that, it is written without the matching head, which fine-tuning gives anew.

    Returns the mean matching accuracy and masked-word loss of the last batches.
    """
    torch.manual_seed(0)
    split = read_training_split(scene_dir)
    tokenizer = make_bert_tokenizer(list(split.captions), MAX_TOKENS)
    features = _extract(split, scene_dir, output_dir / "detector")
    regions = [features.read(image_id) for image_id in split.image_ids]
    examples = Examples(
        torch.from_numpy(np.stack([r["visual_feats"] for r in regions])),
        torch.from_numpy(np.stack([r["visual_pos"] for r in regions])),
        tokenizer(list(split.captions))["input_ids"],
        split.caption_image_index,
    )
    model = LxmertForPreTraining(_configuration(len(tokenizer), features.feature_dim))
    metrics = _fit(model, examples, tokenizer)
    with replacing_folder(output_dir / "lxmert") as folder:
        save_half(model.lxmert, folder)
        save_slow_files(tokenizer, folder)
    return metrics


def _configuration(vocabulary_size: int, feature_dim: int) -> LxmertConfig:
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
        max_position_embeddings=MAX_TOKENS,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        # About 1 / sqrt(96): from the published 0.02, which suits 768, so narrow a model is slow
        # to begin.
        initializer_range=0.1,
        task_obj_predict=False,
        task_qa=False,
        pad_token_id=0,
    )


def _extract(split: Split, scene_dir: Path, detector_dir: Path) -> FeaturesFile:
    """Write the region features of the scenes, going on where an earlier run stopped."""
    detector, info = load_detector(str(detector_dir))
    config = detector.config
    # A file for each detector: after another training, its features are new.
    path = scene_dir / f"train_features_{info.sha256[:12]}.h5"
    paths = [scene_dir / "images" / image.file_name for image in split.images]
    shape = (config.n_regions, config.feature_dim)
    with FeaturesWriter(path, split.image_ids, *shape, "float32", describe(config, info)) as writer:
        write_features(writer, detector, paths, num_workers=1, title="scene regions")
        writer.finish()
    return FeaturesFile(path)


def _fit(
    model: LxmertForPreTraining, examples: Examples, tokenizer: BertTokenizer
) -> dict[str, float]:
    """Minimise the sum of the two losses over random captions with their own or other images."""
    generator = np.random.default_rng(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    schedule = get_cosine_schedule_with_warmup(optimizer, WARMUP_STEPS, N_STEPS)
    history = []
    model.train()
    progress = trange(N_STEPS, desc="training lxmert", unit="batch")
    for _ in progress:
        batch = _batch(examples, tokenizer, generator)
        with torch.autocast("cpu", torch.bfloat16):
            output = model(**batch)
        output.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        matched = output.cross_relationship_score.argmax(dim=1)  # (batch,)
        accuracy = (matched == batch["matched_label"]).float().mean().item()
        history.append((output.loss.item(), accuracy))
        progress.set_postfix(loss=f"{output.loss.item():.2f}", refresh=False)
    model.eval()
    loss, accuracy = np.mean(history[-LAST_STEPS:], axis=0)
    return {"loss": float(loss), "matching_accuracy": float(accuracy)}


def _batch(
    examples: Examples, tokenizer: BertTokenizer, generator: np.random.Generator
) -> dict[str, Tensor]:
    """Return the arguments of the model's forward for BATCH_PAIRS captions.

    A share of the images is another image's; words are masked in all captions, and to be guessed
    in the aligned ones.
    """
    captions = generator.choice(len(examples.token_ids), BATCH_PAIRS, replace=False)
    images = examples.caption_image_index[captions].copy()
    n_unaligned = int(SHARE_UNALIGNED * BATCH_PAIRS)
    images[:n_unaligned] = np.roll(images[:n_unaligned], 1)
    aligned = torch.from_numpy(images == examples.caption_image_index[captions])  # (batch,)
    tokens = pad_tokens([examples.token_ids[caption] for caption in captions], pad_id=0)
    input_ids = tokens["input_ids"]  # (batch, length)
    masked = torch.from_numpy(generator.random(input_ids.shape) < SHARE_MASKED)
    masked &= ~torch.isin(input_ids, torch.tensor(tokenizer.all_special_ids))
    return {
        "input_ids": input_ids.masked_fill(masked, tokenizer.mask_token_id),
        "attention_mask": tokens["attention_mask"],
        "visual_feats": examples.visual_feats[images],
        "visual_pos": examples.visual_pos[images],
        "labels": input_ids.masked_fill(~(masked & aligned[:, None]), IGNORED),
        "matched_label": aligned.long(),
    }
