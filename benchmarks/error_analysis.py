"""Seconds and memory of the commands of error analysis on a gallery of yours, each by itself.

Runs `caption_oracle`, `significance`, `explain`, `slices`, `false_negatives` and `report` as a user
would, one after another, and prints the wall-clock seconds and the largest resident memory of each.
Real captions tell more than drawn ones: how often rules fire decides what they cost.

    python -m benchmarks.error_analysis --split_file datasets/coco/test.json \\
        --rankings runs/lxmert/test.npz runs/clip/test.npz --images datasets/coco/test_images.h5

Without --images, small grey ones are made for the report.
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
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.text_table import text_table
from preprocess.captions.split_file import Split, read_split
from preprocess.storage.images_file import write_images_file

SIDE = 32


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


def write_grey_images(path: Path, split: Split) -> None:
    """Write an images file of the split, every image the same."""
    file = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), "grey").save(file, "JPEG")
    write_images_file(path, split.image_ids, [file.getvalue()] * len(split.images))


def measure(command: list[str]) -> tuple[float, float]:
    """Run a command of the project; return its seconds and its largest memory in GB.

    Raises:
        InputError: it failed.
    """
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise InputError(f"{' '.join(command)}: exit status {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1e6


def main() -> None:
    args = parse_arguments(BenchmarkArguments, description=__doc__)
    split = read_split(args.split_file)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = args.images or folder / "images.h5"
        if args.images is None:
            write_grey_images(images, split)
        of_split = ["--split_file", str(args.split_file)]
        of_models = ["--rankings", *map(str, args.rankings), *of_split]
        of_models += ["--names", *args.names] if args.names else []
        instances = ["--instances", *map(str, args.instances)] if args.instances else []
        labels = ["--labels", *map(str, args.labels)] if args.labels else []
        train = ["--train_split_file", str(args.train_split_file)] if args.train_split_file else []
        outputs = {
            "caption_oracle": [*of_split, "--output", "oracle/test.npz"],
            "significance": [*of_models, "--output", "significance.json"],
            "explain": [*of_models, *instances, *train, "--output", "reasons.json"],
            "slices": [*of_models, *instances, *train, "--output", "slices.json"],
            "false_negatives": [*of_models, *labels, "--output", "false_negatives.json"],
            "report": [*of_models, "--images", str(images), "--output", "report"],
        }
        rows = [["command", "seconds", "GB"]]
        for what, (*options, output) in outputs.items():
            seconds, memory = measure([f"error_analysis.{what}", *options, str(folder / output)])
            rows.append([what, f"{seconds:.0f}", f"{memory:.1f}"])
            print(f"{what}: {seconds:.0f} s", file=sys.stderr)
    images_and_captions = f"{len(split.images):,} images, {len(split.captions):,} captions"
    print(f"{images_and_captions}, {len(args.rankings)} models")
    print("\n".join(text_table(rows, "lrr")))


if __name__ == "__main__":
    run_command(main)
