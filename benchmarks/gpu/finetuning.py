"""Step: fine-tuning steps of LXMERT and of CLIP, and the share of them that waits for data.

LXMERT by its binary head on batches of 32 as the paper, CLIP ViT-B/32 by comparing the pairs of a
batch; both as information_retrieval.train loads and computes them. Steps take captions of COCO's
lengths, spread over an epoch.
"""

import os
import string
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPProcessor,
    CLIPTokenizer,
    LxmertConfig,
)

from benchmarks.dual_scoring import DEVIATION, LENGTHS, MEAN_LENGTH, random_jpeg
from benchmarks.feature_reads import write_files
from benchmarks.gpu.clip import TINY as TINY_CLIP
from benchmarks.gpu.record import Record
from benchmarks.gpu.types import computing_in
from benchmarks.training import VOCABULARY, random_split, save_random
from benchmarks.training_steps import take_steps, train_on
from information_retrieval.models.arguments import InputArguments
from information_retrieval.training.recipes.dual_encoder import dual_encoder_recipe
from information_retrieval.training.recipes.lxmert import lxmert_recipe
from information_retrieval.training.recipes.objective_arguments import ObjectiveArguments
from information_retrieval.training.recipes.recipe import Recipe
from preprocess.captions.split_file import Caption, CaptionedImage, Split
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile, write_images_file

TINY_LXMERT = LxmertConfig(
    vocab_size=400,
    hidden_size=32,
    num_attention_heads=4,
    intermediate_size=48,
    l_layers=1,
    r_layers=1,
    x_layers=1,
)


@dataclass(frozen=True)
class Sizes:
    """Of what each model is trained on; `steps` are timed after one more."""

    lxmert: LxmertConfig
    clip: CLIPConfig
    images: int
    clip_captions: int
    lxmert_batch: int
    clip_batch: int
    steps: int


# The published sizes, with vocabularies of their own: the published words are asked for.
LXMERT = LxmertConfig(vocab_size=VOCABULARY)
CLIP = CLIPConfig(
    text_config={"vocab_size": 49_410, "bos_token_id": 49_408, "eos_token_id": 49_409}
)
FULL = Sizes(LXMERT, CLIP, 64, 40, 32, 64, steps=25)
DRY = Sizes(TINY_LXMERT, TINY_CLIP, 4, 4, 4, 4, steps=2)


def lxmert(folder: Path, sizes: Sizes) -> Recipe:
    """Write a random LXMERT and random features, and return what trains it."""
    name, tokenizer = save_random(folder / "lxmert", sizes.lxmert)
    write_files(folder, sizes.images)
    features = FeaturesFile(folder / "ours.h5")
    split = random_split(tokenizer, sizes.images)
    return lxmert_recipe(
        name, "binary", ObjectiveArguments(), split, features, seed=0, odd=InputArguments()
    )


def save_random_clip(folder: Path, config: CLIPConfig) -> str:
    """Save a CLIP of random weights; the words of its tokenizer are single letters."""
    vocabulary = [f"{letter}</w>" for letter in string.ascii_lowercase]
    n_others = config.text_config.vocab_size - len(vocabulary) - 2
    vocabulary += [f"w{number}" for number in range(n_others)]
    vocabulary += ["<|startoftext|>", "<|endoftext|>"]
    size = config.vision_config.image_size
    edge = {"height": size, "width": size}
    CLIPProcessor(
        CLIPImageProcessor(size={"shortest_edge": size}, crop_size=edge),
        CLIPTokenizer(vocab={piece: index for index, piece in enumerate(vocabulary)}, merges=[]),
    ).save_pretrained(folder)
    CLIPModel(config).save_pretrained(folder)
    return str(folder)


def clip(folder: Path, sizes: Sizes) -> Recipe:
    """Write a random CLIP and random images, and return what trains it."""
    name = save_random_clip(folder / "clip", sizes.clip)
    generator = np.random.default_rng(0)
    images = []
    for image_id in range(sizes.images):
        lengths = np.clip(generator.normal(MEAN_LENGTH, DEVIATION, sizes.clip_captions), *LENGTHS)
        captions = (
            Caption(
                image_id * sizes.clip_captions + number,
                " ".join(generator.choice(list(string.ascii_lowercase), int(length) - 2)),
            )
            for number, length in enumerate(lengths)
        )
        images.append(CaptionedImage(image_id, f"{image_id}.jpg", tuple(captions)))
    split = Split("random", "train", __name__, tuple(images))
    path = folder / "images.h5"
    write_images_file(path, split.image_ids, [random_jpeg(generator) for _ in images])
    return dual_encoder_recipe(
        name, ObjectiveArguments(), split, ImagesFile(path), seed=0, odd=InputArguments()
    )


class Steps:
    """What one model is trained with, and its steps in each type."""

    def __init__(self, record: Record, recipe: Recipe, batch_size: int, n_steps: int):
        self.device, self.recipe = record.device, recipe
        self.batch_size, self.n_steps = batch_size, n_steps
        self.workers = 0 if record.dry_run else max(1, min(8, (os.cpu_count() or 2) - 1))
        self.model = recipe.model.to(self.device).train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-5, fused=True)

    def loader(self) -> DataLoader:
        """Load batches of an epoch, of captions in a random order."""
        return DataLoader(
            self.recipe.pairs,
            self.batch_size,
            shuffle=True,
            generator=torch.Generator().manual_seed(0),
            collate_fn=self.recipe.collator,
            num_workers=self.workers,
            pin_memory=self.device.type == "cuda",
            drop_last=True,
        )

    def take(self, kind: str) -> dict:
        """Train for some steps; float16 without scaling its loss, which costs nothing."""
        on_card = self.device.type == "cuda"
        if on_card:
            torch.cuda.reset_peak_memory_stats(self.device)
        with computing_in(kind, self.device, autocast=False) as dtype:
            step = partial(
                train_on,
                model=self.model,
                optimizer=self.optimizer,
                dtype=dtype,
                loss=self.recipe.loss,
            )
            taken = take_steps(self.loader(), self.n_steps, step, self.device)
        return {
            "steps_per_second": 1 / taken.seconds,
            "pairs_per_second": self.batch_size / taken.seconds,
            "waiting": taken.waiting / taken.seconds,
            "tokens": taken.tokens,
            "workers": self.workers,
            "peak_gb": torch.cuda.max_memory_allocated(self.device) / 1e9 if on_card else None,
        }


def measure(record: Record) -> None:
    sizes = DRY if record.dry_run else FULL

    def all_types(name: str, make: Callable[[Path, Sizes], Recipe], batch_size: int) -> None:
        steps = Steps(record, make(record.folder, sizes), batch_size, sizes.steps)
        for kind in ("float16", "bfloat16", "tf32", "float32"):
            record.add(f"{name}, {kind}, batches of {batch_size}", partial(steps.take, kind))

    all_types("LXMERT", lxmert, sizes.lxmert_batch)
    all_types("CLIP ViT-B/32", clip, sizes.clip_batch)
