"""Seconds and memory of the commands of error analysis on a gallery of yours, each by itself.

Runs `caption_oracle`, `significance`, `explain`, `slices`, `false_negatives` and `report` as a user
would, one after another, and prints of each the seconds that it had of processors, which other work
on the machine changes little, those that passed, and its largest resident memory. Real captions
tell more than drawn ones: how often rules fire decides what they cost.

    python -m benchmarks.error_analysis --split_file datasets/coco/test.json \\
        --rankings runs/lxmert/test.npz runs/clip/test.npz --images datasets/coco/test_images.h5

Without --images, small grey ones are made for the report; with them, `explain` and `slices` look at
their quality too. Two states of the code are compared in turns, of each the fastest of --repeats:

    git worktree add ../before COMMIT
    python -m benchmarks.error_analysis --split_file ... --rankings ... --against ../before
"""

import io
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from error_analysis.arguments import RankingsArguments
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.text_table import text_table
from preprocess.captions.split_file import Split, read_split
from preprocess.storage.images_file import write_images_file

SIDE = 32
COMMANDS = ("caption_oracle", "significance", "explain", "slices", "false_negatives", "report")
HERE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, order=True)
class Cost:
    """What a command took: seconds of processors, seconds that passed, and GB at the most."""

    processor: float
    passed: float
    memory: float


@dataclass(kw_only=True)
class BenchmarkArguments(RankingsArguments):
    images: Path | None = field(default=None, metadata={"help": "{split}_images.h5, of the report"})
    labels: list[Path] = field(
        default_factory=list, metadata={"help": "label files of CxC or ECCV Caption"}
    )
    instances: list[Path] = field(
        default_factory=list, metadata={"help": "COCO's instances JSON of the split's images"}
    )
    train_split_file: Path | None = field(
        default=None, metadata={"help": "split JSON whose captions teach the typo check"}
    )
    commands: list[str] = field(
        default_factory=lambda: list(COMMANDS), metadata={"help": f"some of {' '.join(COMMANDS)}"}
    )
    repeats: int = field(default=1, metadata={"help": "runs of each, of which the fastest counts"})
    against: Path | None = field(
        default=None, metadata={"help": "another checkout, whose commands are run in turns"}
    )


def write_grey_images(path: Path, split: Split) -> None:
    """Write an images file of the split, every image the same."""
    file = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), "grey").save(file, "JPEG")
    write_images_file(path, split.image_ids, [file.getvalue()] * len(split.images))


def measure(command: list[str], checkout: Path) -> Cost:
    """Run a command of a checkout of the project.

    Raises:
        InputError: it failed.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", *command], stdout=subprocess.DEVNULL, cwd=checkout
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise InputError(f"{checkout}: {' '.join(command)}: exit status {process.returncode}")
    seconds = time.perf_counter() - start
    return Cost(usage.ru_utime + usage.ru_stime, seconds, usage.ru_maxrss / 1e6)


def commands_of(args: BenchmarkArguments, images: Path, folder: Path) -> dict[str, list[str]]:
    """Return the options of each command, the paths as seen from anywhere.

    Args:
        images: for the report.
        folder: to write into.
    """

    def given(option: str, paths: Path | list[Path] | None) -> list[str]:
        paths = [paths] if isinstance(paths, Path) else paths or []
        return [option, *(str(path.resolve()) for path in paths)] if paths else []

    of_split = given("--split_file", args.split_file)
    of_models = [*given("--rankings", args.rankings), *of_split]
    of_models += ["--names", *args.names] if args.names else []
    known = [
        *of_models,
        *given("--instances", args.instances),
        *given("--train_split_file", args.train_split_file),
        *given("--images", args.images),
    ]
    outputs = {
        "caption_oracle": (of_split, "oracle/test.npz"),
        "significance": (of_models, "significance.json"),
        "explain": (known, "reasons.json"),
        "slices": (known, "slices.json"),
        "false_negatives": ([*of_models, *given("--labels", args.labels)], "false_negatives.json"),
        "report": ([*of_models, *given("--images", images)], "report"),
    }
    return {
        name: [f"error_analysis.{name}", *options, "--output", str(folder / output)]
        for name, (options, output) in outputs.items()
        if name in args.commands
    }


def measure_all(args: BenchmarkArguments, split: Split) -> dict[str, list[Cost]]:
    """Run every command of this checkout, and of the other; return the least cost of each."""
    checkouts = [HERE, *([args.against.resolve()] if args.against else [])]
    costs: dict[str, list[Cost]] = {}
    with tempfile.TemporaryDirectory() as name:
        images = args.images or Path(name) / "images.h5"
        if args.images is None:
            write_grey_images(images, split)
        for what, command in commands_of(args, images, Path(name)).items():
            rounds = [[measure(command, c) for c in checkouts] for _ in range(args.repeats)]
            costs[what] = [min(of_checkout) for of_checkout in zip(*rounds, strict=True)]
            print(f"{what}: {costs[what][0].passed:.0f} s", file=sys.stderr)
    return costs


def main() -> None:
    args = parse_arguments(BenchmarkArguments, description=__doc__)
    check_at_least("--repeats", args.repeats, 1)
    if unknown := set(args.commands) - set(COMMANDS):
        raise InputError(
            f"--commands: expected some of {', '.join(COMMANDS)}, found {min(unknown)}"
        )
    if args.against and not (args.against / "error_analysis" / "explain.py").is_file():
        raise InputError(f"--against {args.against}: expected a checkout of this project")
    split = read_split(args.split_file)
    rows = [
        ["command", "processor s", "passed", "GB", *(["before", "ratio"] if args.against else [])]
    ]
    for what, (ours, *before) in measure_all(args, split).items():
        row = [what, f"{ours.processor:.1f}", f"{ours.passed:.1f}", f"{ours.memory:.1f}"]
        for theirs in before:
            row += [f"{theirs.processor:.1f}", f"{theirs.processor / ours.processor:.2f}"]
        rows.append(row)
    images_and_captions = f"{len(split.images):,} images, {len(split.captions):,} captions"
    print(f"{images_and_captions}, {len(args.rankings)} models")
    print("\n".join(text_table(rows, "l" + "r" * (len(rows[0]) - 1))))


if __name__ == "__main__":
    run_command(main)
