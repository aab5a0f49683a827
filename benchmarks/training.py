"""Speed of fine-tuning LXMERT against the plain way, and the share of it that waits for data.

The plain way is a dataset whose `__getitem__` tokenises the caption, padded to 70, and opens the
image's HDF5 group, as the original's does. Ours is that of information_retrieval/train.py: captions
tokenised once and padded to the longest of the batch, mapped features; and the same with batches
grouped by length. All train on the same pairs by one loop: forward, backward, gradients clipped,
AdamW as of HF's `Trainer`.

A row's steps are the same in each round, and spread over an epoch by padded length, so that a few
stand for it; one of the longest batch runs beforehand. The arithmetic of a backward is counted as
twice the forward's. Each way also loads an epoch while nothing else runs.

    python -m benchmarks.training --folder runs/benchmarks

The model has the published size and random weights; regions and captions are random, the captions
of COCO's lengths. Uses a GPU where there is one; 2 busy CPU cores take about 10 minutes. The files
(1 GB, within the system's cache) are in a folder training-* of their own below --folder, which is
deleted at the end; after a kill delete it by hand.
"""

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset
from transformers import BertTokenizer, LxmertConfig

from benchmarks.feature_reads import write_files
from benchmarks.lxmert_pairs import FIXED_LENGTH, flop_of_pair, random_captions
from benchmarks.timing import MATRIX, compare, fastest, hardware, matrix_product
from benchmarks.training_steps import Steps, spread, take_steps, train_on
from information_retrieval.models.arguments import InputArguments
from information_retrieval.models.lxmert.model import LxmertForImageTextMatching
from information_retrieval.training.examples.pairs import PairSampler
from information_retrieval.training.recipes.lxmert import lxmert_recipe
from information_retrieval.training.recipes.objective_arguments import ObjectiveArguments
from information_retrieval.training.recipes.recipe import Recipe
from information_retrieval.training.resumable_trainer import GroupedByLength
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.captions.split_file import Caption, CaptionedImage, Split
from preprocess.storage.features_file import FeaturesFile

PLAIN, OURS, GROUPED = f"plain, padded to {FIXED_LENGTH}", "ours", "ours, grouped by length"
TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
# One more than BERT's, whose tokenizer is known and asked for its words (known_answers.py).
VOCABULARY = 30_523
# COCO has 5. HF's sampler groups within 50 batches: so few images need more captions to fill them.
CAPTIONS_PER_IMAGE = 32


@dataclass
class TrainingBenchmarkArguments:
    folder: Path = field(metadata={"help": "where the files are written to, for the while"})
    n_images: int = field(default=200, metadata={"help": "images, of 32 captions each"})
    batch_size: int = field(default=16, metadata={"help": "pairs of a step (the paper: 32)"})
    steps: int = field(default=3, metadata={"help": "steps of a round, after one beforehand"})
    repeats: int = field(default=2, metadata={"help": "rounds, of which the fastest counts"})
    num_workers: int = field(default=2, metadata={"help": "processes that load"})


class PlainPairs(Dataset):
    """The pairs of a `PairSampler`, everything done again for each item.

    `groups` is an HDF5 file with a group for each image, of `features` and `boxes`.
    """

    def __init__(self, split: Split, tokenizer, groups: Path, sampler: PairSampler):
        self.split, self.tokenizer, self.groups, self.sampler = split, tokenizer, groups, sampler
        self.file: h5py.File | None = None  # workers cannot share an open one

    def __getitem__(self, caption: int) -> dict[str, torch.Tensor]:
        pair = self.sampler.draw(caption, epoch=0)
        text, padding = self.split.captions[pair.caption], {"padding": "max_length"}
        padding |= {"max_length": FIXED_LENGTH, "truncation": True}
        tokens = self.tokenizer(text, return_tensors="pt", **padding)
        if self.file is None:
            self.file = h5py.File(self.groups)
        group = self.file[str(self.split.image_ids[pair.image])]
        return {
            "input_ids": tokens["input_ids"].squeeze(0),  # (FIXED_LENGTH,)
            "attention_mask": tokens["attention_mask"].squeeze(0),
            "visual_feats": torch.from_numpy(group["features"][:]),
            "visual_pos": torch.from_numpy(group["boxes"][:]),
            "labels": torch.tensor(float(pair.aligned)),
        }


@dataclass(frozen=True)
class Way:
    """A way to load pairs: the batches of an epoch, all of one size, and a loader of any batches.

    Attributes:
        batches: positions of captions.
        loader: makes one, of its argument `batch_sampler`.
    """

    batches: list[list[int]]
    loader: Callable[..., DataLoader]

    def load_epoch(self) -> tuple[float, list[int]]:
        """Return pairs a second, without the workers' start, and each batch's padded length."""
        batches = iter(self.loader(batch_sampler=self.batches))
        lengths = [next(batches)["input_ids"].shape[1]]
        start = time.perf_counter()
        lengths += [batch["input_ids"].shape[1] for batch in batches]
        n_pairs = (len(self.batches) - 1) * len(self.batches[0])
        return n_pairs / (time.perf_counter() - start), lengths


def save_random(folder: Path, config: LxmertConfig | None = None) -> tuple[str, BertTokenizer]:
    """Save an LXMERT of random weights, of the published size or another, and a tokenizer."""
    config = config or LxmertConfig(vocab_size=VOCABULARY)
    LxmertForImageTextMatching(config).save_pretrained(folder)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces += [f"w{number}" for number in range(config.vocab_size - len(pieces))]
    tokenizer = BertTokenizer(vocab={piece: index for index, piece in enumerate(pieces)})
    tokenizer.save_pretrained(folder)
    return str(folder), tokenizer


def random_split(tokenizer, n_images: int) -> Split:
    """Make captions of the tokenizer's whole words, of COCO's lengths in tokens."""
    words = sorted(word for word in tokenizer.get_vocab() if word.isalnum() and word.islower())
    ids = random_captions(len(words), n_images * CAPTIONS_PER_IMAGE)
    texts = (" ".join(words[i] for i in of_caption[2:]) for of_caption in ids)  # [CLS], [SEP]
    captions = itertools.starmap(Caption, enumerate(texts))
    of_images = (tuple(itertools.islice(captions, CAPTIONS_PER_IMAGE)) for _ in range(n_images))
    images = (CaptionedImage(i, f"{i}.jpg", of_image) for i, of_image in enumerate(of_images))
    return Split("random", "train", __name__, tuple(images))


def make_ways(
    recipe: Recipe, split: Split, groups: Path, batch_size: int, num_workers: int
) -> dict[str, Way]:
    """Return each way to load the pairs of epoch 0."""
    pairs = recipe.pairs
    loader = partial(DataLoader, num_workers=num_workers, pin_memory=torch.cuda.is_available())

    def batches(order: Iterable[int]) -> list[list[int]]:
        return list(BatchSampler(order, batch_size, drop_last=True))

    plain = PlainPairs(split, recipe.processor, groups, pairs.sampler)
    ours = partial(loader, pairs, collate_fn=recipe.collator)
    shuffled = batches(np.random.default_rng(0).permutation(len(pairs)).tolist())
    return {
        PLAIN: Way(shuffled, partial(loader, plain)),
        OURS: Way(shuffled, ours),
        GROUPED: Way(batches(GroupedByLength(batch_size, pairs, seed=0)), ours),
    }


def measure(
    model: LxmertForImageTextMatching, ways: dict[str, Way], args: TrainingBenchmarkArguments
) -> None:
    """Run training and loading of every way in turns, and print the fastest rounds."""
    # Trainer's own, with the paper's values. One for all rows: speed does not depend on its state.
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=1e-4, fused=True)
    epochs = {name: way.load_epoch() for name, way in ways.items()}  # compares checksums
    rates: dict[str, list[float]] = {name: [] for name in ways}
    taken: dict[tuple[str, str], list[Steps]] = {(n, kind): [] for kind in TYPES for n in ways}

    def load(name: str) -> None:
        rates[name].append(ways[name].load_epoch()[0])

    def train(name: str, kind: str) -> None:
        way, (_, lengths) = ways[name], epochs[name]
        batches = [way.batches[index] for index in spread(lengths, args.steps)]
        batches += way.batches[: 2 * args.num_workers]  # workers go on loading, as in an epoch
        step = partial(train_on, model=model, optimizer=optimizer, dtype=TYPES[kind])
        steps = take_steps(way.loader(batch_sampler=batches), args.steps, step, model.device)
        taken[name, kind].append(steps)

    turns = {f"loading, {name}": partial(load, name) for name in ways}
    turns |= {f"{name}, {kind}": partial(train, name, kind) for name, kind in taken}
    turns |= {kind: matrix_product(model.device, dtype) for kind, dtype in TYPES.items()}
    for kind in TYPES:
        turns[kind]()  # warm
    seconds = fastest(compare(turns, args.repeats))
    fast = {key: min(rounds, key=lambda steps: steps.seconds) for key, rounds in taken.items()}
    matrix = {kind: 2 * MATRIX[model.device.type] ** 3 / seconds[kind] for kind in TYPES}
    print_training(model.config, fast, matrix, args.batch_size)
    print(f"\n{'loading alone':34}{'samples/s':>10}{'ratio':>7}{'tokens':>8}")
    for name in ways:
        rate, ratio = max(rates[name]), max(rates[name]) / max(rates[PLAIN])
        print(f"{name:34}{rate:10.0f}{ratio:7.2f}{np.mean(epochs[name][1]):8.1f}")


def print_training(
    config: LxmertConfig, fast: dict[tuple[str, str], Steps], matrix: dict[str, float], pairs: int
) -> None:
    """Print a line for each way and type.

    Args:
        matrix: arithmetic a second of large products, by type.
        pairs: of a step.
    """
    columns = f"{'samples/s':>10}{'ratio':>7}{'ms a step':>11}{'waiting':>9}{'tokens':>8}"
    print(f"{'training':34}{columns}{'GFLOP':>8}{'of matrix':>11}")
    for (name, kind), steps in fast.items():
        rate, ratio = pairs / steps.seconds, fast[PLAIN, kind].seconds / steps.seconds
        flop = 3 * flop_of_pair(config, steps.tokens, 1, 1)
        print(
            f"{f'{name}, {kind}':34}{rate:10.2f}{ratio:7.2f}{1e3 * steps.seconds:11.1f}"
            f"{steps.waiting / steps.seconds:9.2%}{steps.tokens:8.1f}{flop / 1e9:8.3g}"
            f"{flop * rate / matrix[kind]:11.0%}"
        )
    print(
        "ratio: to plain; waiting: share of the time in the loader's `next`; tokens: of a caption,"
    )
    print("padding included, mean; GFLOP: of a pair; of matrix: to the rate of large products")


def run_benchmark(folder: Path, args: TrainingBenchmarkArguments) -> None:
    """Write all files to an empty folder, measure, and print."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name, tokenizer = save_random(folder / "model")
    split = random_split(tokenizer, args.n_images)
    write_files(folder, args.n_images)
    features = FeaturesFile(folder / "ours.h5")
    recipe = lxmert_recipe(
        name, "binary", ObjectiveArguments(), split, features, seed=0, odd=InputArguments()
    )
    ways = make_ways(recipe, split, folder / "groups.h5", args.batch_size, args.num_workers)
    print(
        f"{args.batch_size} pairs a step, {args.steps} steps, fastest of {args.repeats} rounds, "
        f"{args.num_workers} workers; {hardware(device)}\n"
    )
    measure(recipe.model.to(device).train(), ways, args)


def main() -> None:
    args = parse_arguments(TrainingBenchmarkArguments, description=__doc__)
    for option, least in (("batch_size", 1), ("steps", 1), ("repeats", 1), ("num_workers", 0)):
        check_at_least(f"--{option}", getattr(args, option), least)
    # Two batches to load, of two images or more for unaligned pairs.
    check_at_least("--n_images", args.n_images, 2 + 2 * args.batch_size // CAPTIONS_PER_IMAGE)
    # The tokenizer's own threads do not survive the workers' fork, of which it warns each time.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.manual_seed(0)
    args.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="training-", dir=args.folder) as name:
        run_benchmark(Path(name), args)


if __name__ == "__main__":
    run_command(main)
