"""Compare hyper-parameters of a captioner: batch size, learning rate, layers of the LSTM.

Runs captioning.train for each setting, into `{output_dir}/batch32_lr0.001_layers1` and so on; then
captions minival with each and writes one table (`sweep.json`, `sweep.md`) and `sweep.png`. Beside
the scores stand their 95 % intervals over images, the number of distinct captions, the most
frequent one, and what one constant sentence scores: settings that say the same of all images are
seen, and marked. As in the paper one value differs from the first of each list; `--full_grid`
trains all combinations.

    python -m captioning.sweep --data_dir datasets/vizwiz --encodings vector \\
        --output_dir runs/sweep --train_options paper=cnn_lstm num_train_epochs=1

What is trained is not trained again, and the same command goes on where it was killed or signalled.
What a run prints is in `{setting}.log`. A setting that cannot be trained, such as a rate at which
it diverges, is a row of its own; the first one must.
"""

import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from captioning.training.captioner_options import CaptionDataArguments, MinivalDecodingArguments
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import atomic_path, check_writable, make_folder, write_json

if TYPE_CHECKING:
    from captioning.training.minival import Minival
    from captioning.training.sweep_grid import Point
    from captioning.training.sweep_table import PointResult

BATCH_SIZE = 64  # images captioned at once
BEST = "load_best_model_at_end"
KEPT = "what is trained is kept; the same command goes on"


@dataclass(kw_only=True)
class SweepArguments:
    output_dir: Path = field(metadata={"help": "folder of the runs and of what is written"})
    batch_sizes: list[int] = field(
        default_factory=lambda: [32, 64, 128, 256],
        metadata={"help": "captions of a step; the first is the base. Default: 32 64 128 256"},
    )
    learning_rates: list[float] = field(
        default_factory=lambda: [0.001, 0.005, 0.01, 0.05],
        metadata={"help": "rates; the first is the base. Default: 0.001 0.005 0.01 0.05"},
    )
    layers: list[int] = field(
        default_factory=lambda: [1, 2, 3, 4, 5],
        metadata={"help": "of the LSTM; the first is the base. Default: 1 2 3 4 5"},
    )
    full_grid: bool = field(
        default=False, metadata={"help": "all combinations, not one value at a time"}
    )
    train_options: list[str] = field(
        default_factory=list,
        metadata={
            "help": "further options of captioning.train, of every setting, as name=value: "
            "num_train_epochs=1 use_cpu=true"
        },
    )

    def __post_init__(self) -> None:
        for option in ("batch_sizes", "learning_rates", "layers"):
            if not getattr(self, option):
                raise InputError(f"--{option}: expected one value or more")
        for option in self.train_options:
            if "=" not in option:
                raise InputError(f"--train_options: expected name=value, found {option!r}")
            if option.partition("=")[0].replace("-", "_") == BEST:
                raise InputError(
                    f"--train_options {option}: settings are compared by their best epoch, whose "
                    "captioner each run keeps; leave it out"
                )
        for batch_size in self.batch_sizes:
            check_at_least("--batch_sizes", batch_size, 1)
        for n_layers in self.layers:
            check_at_least("--layers", n_layers, 1)
        if not all(rate > 0 for rate in self.learning_rates):
            raise InputError("--learning_rates: expected values above 0")


def train_point(options: list[str], log: Path) -> str | None:
    """Train a setting to its end; return the error line where it cannot be trained.

    Signals are passed on to the run, which saves and ends, and then end this process.
    """
    command = [sys.executable, "-m", "captioning.train", *options]
    with log.open("ab") as file:
        begin = file.tell()
        process = subprocess.Popen(command, stdout=file, stderr=file)
        before = {
            number: signal.signal(number, lambda received, _: process.send_signal(received))
            for number in (signal.SIGTERM, signal.SIGUSR1)
        }
        try:
            status = process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    if status == 0:
        return None
    if status < 0 or status > 128:
        print(f"{log.stem}: stopped by a signal; the same command goes on")
        sys.exit(status if status > 0 else 128 - status)
    printed = log.read_bytes()[begin:].decode("utf-8", "replace").splitlines()
    errors = [line for line in printed if line.startswith("error: ")]
    return errors[-1] if errors else f"error: exit status {status}, see {log}"


def judge_point(point: "Point", folder: Path, minival: "Minival") -> "PointResult":
    """Caption minival by a trained captioner, write the captions, and score them."""
    import numpy as np
    from transformers import TrainerState

    from captioning.models.loading import load_captioner
    from captioning.results.captions_output import write_captions
    from captioning.results.results_file import id_in_results
    from captioning.training.sweep_table import PointResult
    from information_retrieval.training.model_card import kept_evaluation
    from preprocess.base.device import torch_device

    captioner = load_captioner(str(folder), torch_device(None))
    said = minival.caption(captioner, np.arange(len(minival.split.images)))
    judged = minival.judge(said)
    names = [id_in_results(image) for image in minival.split.images]
    write_captions(
        folder / "minival_captions.json",
        names,
        [one.text for one in said],
        {"model": str(folder), "split_sha256": minival.split.sha256, "metrics": judged.metrics},
    )
    state = TrainerState.load_from_json(str(folder / "trainer_state.json"))
    kept = kept_evaluation(state, is_best_loaded=True, metric="eval_CIDEr")
    epoch = None if kept is None else kept["epoch"]
    return PointResult(point, judged.metrics, judged.counts, epoch)


def run_points(
    args: SweepArguments, points: "list[Point]", fixed: list[str], minival: "Minival"
) -> "list[PointResult]":
    """Train and judge every setting."""
    from captioning.training.sweep_table import PointResult

    results: list[PointResult] = []
    for number, point in enumerate(points, start=1):
        folder = args.output_dir / point.name
        print(f"{number} of {len(points)}: {point.name}", flush=True)
        options = ["--output_dir", str(folder), *fixed, *point.options()]
        failed = train_point(options, args.output_dir / f"{point.name}.log")
        if failed is None:
            results.append(judge_point(point, folder, minival))
        elif number == 1:
            raise InputError(f"{point.name}: {failed.removeprefix('error: ')}")
        else:
            print(f"warning: {point.name}: {failed}", file=sys.stderr)
            results.append(PointResult(point, failed=failed.removeprefix("error: ")))
    return results


def write_sweep(
    output_dir: Path, results: "list[PointResult]", minival: "Minival", fixed: list[str]
) -> str:
    """Write the table, as JSON and Markdown, and the figure; return the table.

    Args:
        fixed: options of every run.
    """
    from captioning.training.sweep_figure import sweep_figure
    from captioning.training.sweep_table import sweep_table
    from information_retrieval.scoring.evaluation_output import code_version

    sentence, constant = minival.constant, minival.constant_metrics
    table = sweep_table(results, sentence, constant)
    metadata = {
        "options": fixed,
        "minival_sha256": minival.split.sha256,
        "code_version": code_version(),
        "command": sys.argv,
    }
    content = {
        "metadata": metadata,
        "constant_caption": {"caption": sentence, "metrics": constant},
        "points": [one.to_json() for one in results],
    }
    with atomic_path(output_dir / "sweep.md") as partial:
        partial.write_text(table + "\n", "utf-8")
    with atomic_path(output_dir / "sweep.png") as partial:
        figure = sweep_figure(results, constant["CIDEr"])
        figure.savefig(partial, dpi=150, format="png")
    write_json(output_dir / "sweep.json", content)
    return table


def main() -> None:
    args, data, decoding = parse_arguments(
        SweepArguments, CaptionDataArguments, MinivalDecodingArguments, description=__doc__
    )
    check_writable(args.output_dir / "sweep.json")
    # Not above: torch takes seconds to import, --help and a mistyped option should not.
    from captioning.training.minival import read_minival
    from captioning.training.sweep_grid import sweep_points
    from preprocess.base.output_lock import lock_output
    from preprocess.captions.split_file import read_split

    train = read_split(data.split_file("train"))
    minival = read_minival(data, train, decoding.decoding(), BATCH_SIZE)
    points = sweep_points(args.batch_sizes, args.learning_rates, args.layers, args.full_grid)
    fixed = ["--data_dir", str(data.data_dir), "--encodings", data.encodings]
    fixed += ["--max_words", str(data.max_words), *decoding.words()]
    fixed += [f"--{option}" for option in args.train_options]
    make_folder(args.output_dir)
    with lock_output(args.output_dir):
        results = run_points(args, points, fixed, minival)
        table = write_sweep(args.output_dir, results, minival, fixed)
    print(table)
    print(f"wrote {args.output_dir}: sweep.json, sweep.md and sweep.png")


if __name__ == "__main__":
    run_command(main, KEPT)
