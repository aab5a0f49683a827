"""The commands of the project on data small enough to run them hundreds of times."""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.faulting.processes import Ended, run
from error_analysis import comparison, explain, mining, report
from information_retrieval import evaluate, rank_top, train
from preprocess import extract_features, merge_features, splits, write_images
from preprocess.base.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "demo" / "models"
SIZES = {"train": 8, "val": 4, "test": 12}  # images of the split
MANY = 1500  # images of the annotations that splits are made of, or the work is done at once
OWN_PIXELS = 160
WORDS = ("a", "the", "red", "blue", "green", "cat", "dog", "house", "tree", "on", "two", "near")
# What differs from run to run: times, and HF's own record of them.
TIMED = ("trainer_state.json", "training_args.bin", "README.md", "training_curves.png")


@dataclass(frozen=True)
class Command:
    """A command on small data, but for where it writes.

    Attributes:
        options: gives its options from the path to write.
        output: the name of what it writes, a file or a folder.
    """

    name: str
    main: Callable[[], None]
    options: Callable[[Path], list]
    output: str

    def call(self, folder: Path) -> Callable[[], None]:
        """Return what runs it, writing below `folder`."""

        def call() -> None:
            # What the results say about the code does not change with the working tree.
            os.environ["GIT_DIR"] = os.devnull
            sys.argv = [self.name, *map(str, self.options(folder / self.output))]
            self.main()

        return call

    def run(self, folder: Path) -> Ended:
        return run(self.call(folder))


def contents(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder by its path; of what is timed, that it is."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): "timed"
        if path.name in TIMED or path.name == "complete.json"
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def make_commands(data: Path) -> dict[str, Command]:
    """Make the small data in an empty folder, with the commands themselves; return them by name.

    Raises:
        InputError: a command fails on them.
    """
    _write_images(data)
    small, many = data / "small.json", data / "many.json"
    small.write_text(json.dumps(_karpathy(SIZES)))
    many.write_text(json.dumps(_karpathy({"train": MANY, "val": 8, "test": 8})))
    made = {command.name: command for command in _commands(data)}
    must_run(Command("splits", splits.main, lambda path: _splits(small, path), ""), data)
    for split in ("train", "val", "test"):
        must_run(_of_split("features", data, split), data)
        must_run(_of_split("images", data, split), data)
    for shard in (0, 1):
        must_run(_shard(data, shard), data)
    for name in ("training", "scoring"):
        must_run(made[name], data)
    return made


def must_run(command: Command, folder: Path) -> None:
    """Run a command that nothing hinders. Raises InputError when it fails."""
    ended = command.run(folder)
    if ended.status != 0:
        raise InputError(f"{command.name}: fails on the small data: {ended.printed[-2000:]}")


def _commands(data: Path) -> list[Command]:
    rankings = data / "test.npz"
    of_one = ["--split_file", data / "test.json", "--rankings", rankings]
    of_two = [*of_one, rankings, "--names", "one", "two"]
    use_lxmert, use_tuned, use_clip = (
        ["--model_name_or_path", model, "--data_dir", data]
        for model in (MODELS / "lxmert", data / "tuned", MODELS / "clip")
    )
    scoring = ["--protocol", "full", "--batch_size", 3, "--device", "cpu"]
    top = ["--split", "train", "--top_k", 5, "--device", "cpu"]
    training = ["--num_train_epochs", 2, "--per_device_train_batch_size", 8, "--use_cpu"]
    training += ["--learning_rate", "1e-4", "--disable_tqdm", "True"]
    images = ["--images", data / "test_images.h5"]
    reasons = ["--train_split_file", data / "train.json"]
    return [
        Command("splits", splits.main, lambda path: _splits(data / "many.json", path), "splits"),
        _of_split("images", data, "test"),
        _of_split("features", data, "test"),
        Command(
            "merged features",
            merge_features.main,
            lambda path: [
                *("--split_file", data / "test.json", "--output", path),
                *("--shards", *(data / f"shard{index}.h5" for index in (0, 1))),
            ],
            "merged.h5",
        ),
        Command(
            "training",
            train.main,
            lambda path: [*use_lxmert, *training, "--output_dir", path],
            "tuned",
        ),
        Command("scoring", evaluate.main, _writing(*use_tuned, *scoring), "test.npz"),
        Command("top rankings", rank_top.main, _writing(*use_clip, *top), "top.npz"),
        Command("hard queries", mining.main, _writing(*of_one), "hard_queries.json"),
        Command("comparison", comparison.main, _writing(*of_two), "comparison.json"),
        Command("reasons", explain.main, _writing(*of_one, *reasons), "reasons.json"),
        Command("report", report.main, _writing(*of_one, *images), "report"),
    ]


def _writing(*options: object) -> Callable[[Path], list]:
    return lambda path: [*options, "--output", path]


def _splits(annotations: Path, folder: Path) -> list:
    return ["--karpathy_json", annotations, "--output_dir", folder, "--minival_size", 4]


def _of_split(kind: str, data: Path, split: str) -> Command:
    options = ["--split_file", data / f"{split}.json", "--image_root", data / "images"]
    main = write_images.main
    if kind == "features":
        main = extract_features.main
        options += ["--weights", MODELS / "detector", "--num_workers", 0, "--device", "cpu"]
    return Command(kind, main, _writing(*options), f"{split}_{kind}.h5")


def _shard(data: Path, index: int) -> Command:
    options = _of_split("features", data, "test").options(data / "shard.h5")
    sharded = data / f"shard.shard-{index:05}-of-00002.h5"

    def main() -> None:
        extract_features.main()
        shutil.move(sharded, data / f"shard{index}.h5")

    return Command(
        "shard", main, lambda path: [*options, "--num_shards", 2, "--shard_index", index], ""
    )


def _karpathy(sizes: dict[str, int]) -> dict:
    generator = np.random.default_rng(0)
    images = []
    for split, n_images in sizes.items():
        for _ in range(n_images):
            number = len(images)
            raw = [" ".join(generator.choice(WORDS, 7)) for _ in range(3)]
            captions = [{"raw": text, "sentid": 3 * number + i} for i, text in enumerate(raw)]
            image = {"split": split, "cocoid": number, "filename": f"{number}.jpg"}
            images.append({**image, "sentences": captions})
    return {"dataset": "faults", "images": images}


def _write_images(data: Path) -> None:
    generator = np.random.default_rng(0)
    (data / "images").mkdir()
    for number in range(sum(SIZES.values())):
        blocks = generator.integers(0, 256, (6, 8, 3), np.uint8)
        image = Image.fromarray(blocks).resize((OWN_PIXELS, 120), Image.Resampling.BICUBIC)
        image.save(data / "images" / f"{number}.jpg", quality=95)
