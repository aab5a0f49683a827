"""Speed of training Sx3HRe: its teacher asked for each batch, its targets cached, and without one.

All three train the same pairs by one loop: forward, backward, gradients clipped, AdamW as of HF's
`Trainer`. The teacher that is asked reads random views, cached targets are of the fixed view (also
measured: the teacher asked for that). Without a teacher the target is a constant.

    python -m benchmarks.sx3hre_training --folder runs/benchmarks

Student and teacher have the published sizes (6 layers of Data2Vec's image encoder and of BERT, the
shared block; BEiT-2 base) and random weights; images are of noise, 640 x 480, captions random, of
COCO's lengths. Uses a GPU where there is one; 2 CPU cores take about 8 minutes. The files are in a
folder of their own below --folder, which is deleted at the end.
"""

import io
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader
from transformers import (
    BeitConfig,
    BeitModel,
    BertConfig,
    BertTokenizer,
    Data2VecVisionConfig,
)

from benchmarks.lxmert_pairs import random_captions
from benchmarks.timing import compare, hardware
from benchmarks.training_steps import Steps, take_steps, train_on
from information_retrieval.models.arguments import InputArguments
from information_retrieval.models.sx3hre.encoders import build
from information_retrieval.models.sx3hre.initialisation import (
    Encoders,
    initialised,
    make_processor,
)
from information_retrieval.training.examples.distilled_pairs import DistilledPairs
from information_retrieval.training.recipes.objective_arguments import ObjectiveArguments
from information_retrieval.training.recipes.recipe import Recipe
from information_retrieval.training.recipes.sx3hre import sx3hre_recipe
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.captions.split_file import Caption, CaptionedImage, Split
from preprocess.encoders import beit_conversion
from preprocess.storage.images_file import ImagesFile, write_images_file

ASKED, ASKED_FIXED = "teacher asked, random views", "teacher asked, fixed view"
CACHED, WITHOUT = "targets cached, fixed view", "without a teacher"
DEPTH = 6
VOCABULARY = 30_523  # one more than BERT's, whose tokenizer is known and asked for its words
Sizes = dict[str, int]
PUBLISHED: Sizes = {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}


@dataclass
class Sx3hreTrainingArguments:
    folder: Path = field(metadata={"help": "where the files are written to, for the while"})
    n_images: int = field(default=64, metadata={"help": "images, of a caption each"})
    batch_size: int = field(default=16, metadata={"help": "pairs of a step (published: 256)"})
    steps: int = field(default=2, metadata={"help": "steps of a round, after one beforehand"})
    repeats: int = field(default=2, metadata={"help": "rounds, of which the fastest counts"})
    num_workers: int = field(default=1, metadata={"help": "processes that load"})

    def __post_init__(self) -> None:
        for option, least in (("batch_size", 2), ("steps", 1), ("repeats", 1), ("num_workers", 0)):
            check_at_least(f"--{option}", getattr(self, option), least)
        check_at_least("--n_images", self.n_images, 2 * self.batch_size)


def save_models(folder: Path, sizes: Sizes) -> None:
    """Save a student and a teacher of random weights."""
    beit = {"use_shared_relative_position_bias": True, "use_mean_pooling": False}
    teacher = BeitModel(BeitConfig(**sizes, **beit, layer_norm_eps=1e-6))
    teacher.save_pretrained(folder / "teacher")
    beit_conversion.make_processor(224).save_pretrained(folder / "teacher")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces += [f"w{number}" for number in range(VOCABULARY - len(pieces))]
    tokenizer = BertTokenizer(vocab={piece: index for index, piece in enumerate(pieces)})
    tokenizer.save_pretrained(folder / "student")
    sizes = {**sizes, "num_hidden_layers": DEPTH}
    vision = Data2VecVisionConfig(**sizes, use_mean_pooling=True, drop_path_rate=0.0)
    text = BertConfig(**sizes, vocab_size=VOCABULARY)
    student = initialised(Encoders(build(vision), build(text)), seed=0)
    processor = make_processor(str(folder / "student"), student.config)
    student.save_pretrained(folder / "student")
    processor.save_pretrained(folder / "student")


def write_data(folder: Path, n_images: int, n_captions: int = 1) -> Split:
    """Write images of noise, and return their split with captions of COCO's lengths.

    Args:
        n_captions: of each image.
    """
    generator = np.random.default_rng(0)
    encoded = []
    for _ in range(n_images):
        small = generator.integers(0, 256, (48, 64, 3), np.uint8)
        file = io.BytesIO()
        Image.fromarray(small).resize((640, 480)).save(file, "jpeg")
        encoded.append(file.getvalue())
    write_images_file(folder / "images.h5", np.arange(n_images), encoded)
    ids = random_captions(VOCABULARY - 5, n_images * n_captions)
    captions = [Caption(n, " ".join(f"w{i}" for i in one[2:])) for n, one in enumerate(ids)]
    images = (
        CaptionedImage(image, f"{image}.jpg", tuple(captions[image::n_images]))
        for image in range(n_images)
    )
    return Split("random", "train", __name__, tuple(images))


def make_recipe(folder: Path, split: Split, **options) -> Recipe:
    """Return what the student trains with.

    Args:
        options: of `ObjectiveArguments`, which say what teaches it.
    """
    objective = ObjectiveArguments(alignment="itc", **options)
    images = ImagesFile(folder / "images.h5")
    student = str(folder / "student")
    return sx3hre_recipe(student, objective, split, images, seed=0, odd=InputArguments())


def make_recipes(folder: Path, split: Split) -> dict[str, Recipe]:
    """Return what each way trains with."""
    teacher, targets = folder / "teacher", folder / "targets.h5"
    encode = (sys.executable, "-m", "preprocess.encode_images", "--encoder", teacher)
    subprocess.run([*encode, "--images", folder / "images.h5", "--output", targets], check=True)
    told: dict[str, dict] = {
        ASKED: {"teacher": str(teacher)},
        ASKED_FIXED: {"teacher": str(teacher), "image_views": "fixed"},
        CACHED: {"targets": targets},
    }
    recipes = {name: make_recipe(folder, split, **options) for name, options in told.items()}
    return {**recipes, WITHOUT: without_teacher(recipes[CACHED])}


def without_teacher(recipe: Recipe) -> Recipe:
    """Return a recipe whose target is a constant."""
    pairs = recipe.pairs
    assert isinstance(pairs, DistilledPairs)
    images, processor = pairs.fixed.images, pairs.fixed.image_processor
    untaught = DistilledPairs(
        pairs.split, recipe.tokens, images, processor, pairs.pixels, "fixed", None, seed=0
    )
    width = recipe.model.config.hidden_size

    def add_targets(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        pixels = batch["pixel_values"]
        return {**batch, "targets": pixels.new_ones(len(pixels), width)}

    return replace(recipe, pairs=untaught, add_targets=add_targets)


def measure(
    recipes: dict[str, Recipe], args: Sx3hreTrainingArguments, device: torch.device
) -> None:
    """Train each way in turns, and print the fastest rounds."""
    taken: dict[str, list[Steps]] = {name: [] for name in recipes}

    def train(name: str, recipe: Recipe) -> None:
        model = recipe.model.to(device).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
        step = partial(train_on, model=model, optimizer=optimizer, dtype=torch.float32)

        def train_batch(batch: dict[str, torch.Tensor]) -> None:
            batch = {key: value.to(device) for key, value in batch.items()}
            step(recipe.add_targets(batch) if recipe.add_targets else batch)

        loader = DataLoader(
            recipe.pairs,
            args.batch_size,
            shuffle=True,
            drop_last=True,
            num_workers=args.num_workers,
            collate_fn=recipe.collator,
        )
        taken[name].append(take_steps(loader, args.steps, train_batch, device))

    compare({name: partial(train, name, recipe) for name, recipe in recipes.items()}, args.repeats)
    fast = {name: min(rounds, key=lambda steps: steps.seconds) for name, rounds in taken.items()}
    print(f"{'training':32}{'pairs/s':>9}{'ratio':>7}{'waiting':>9}")
    for name, steps in fast.items():
        rate, ratio = args.batch_size / steps.seconds, fast[ASKED].seconds / steps.seconds
        waiting = steps.waiting / steps.seconds
        print(f"{name:32}{rate:9.2f}{ratio:7.2f}{waiting:9.1%}")
    print("ratio: to the teacher asked; waiting: share of the time in the loader's `next`")


def main() -> None:
    args = parse_arguments(Sx3hreTrainingArguments, description=__doc__)
    # The tokenizer's own threads do not survive the workers' fork, of which it warns each time.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.manual_seed(0)
    args.folder.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with tempfile.TemporaryDirectory(prefix="sx3hre-", dir=args.folder) as name:
        folder = Path(name)
        save_models(folder, PUBLISHED)
        split = write_data(folder, args.n_images)
        recipes = make_recipes(folder, split)
        print(
            f"{args.batch_size} pairs a step, {args.steps} steps, fastest of {args.repeats} "
            f"rounds, {args.num_workers} workers; {hardware(device)}\n"
        )
        measure(recipes, args, device)


if __name__ == "__main__":
    run_command(main)
