"""Score a split with a model: ranks, recalls, and the score matrix for error analysis.

Reads a checkpoint, `{data_dir}/{split}.json` and, for LXMERT, `{split}_features.h5`, for others,
`{split}_images.h5`. Writes the rankings (format: information_retrieval/ranking/rankings.py) and
`metrics.json` beside them, and prints the table.

    python -m information_retrieval.evaluate --model_name_or_path runs/demo/lxmert \\
        --data_dir datasets/demo --split test --protocol full --output runs/demo/lxmert/test.npz

Until it is done, the scores grow in the folder `{output}.tiles`. Killed at any moment, the same
command goes on, with the same result to the last bit on the same device; while it runs, a second
one with the same output stops. On several GPUs, or as several processes with `--device cpu`:
`torchrun --nproc_per_node 8 -m information_retrieval.evaluate ...` or `accelerate launch ...`; on
several machines that share the output's folder by a network file system, as in
slurm/evaluate_lxmert.sbatch. Each process encodes its share of the images and all captions, and
scores a fixed share of the tiles; the scores are the same for any number of processes, on any
number of machines, that have as many threads each (torchrun gives each one, unless OMP_NUM_THREADS
says otherwise; with another number the last bits may differ).

Memory: the scores are on the disk, 4 bytes a pair (20 MB for 1k, 0.5 GB for 5k), twice before the
command is done; and in memory for LXMERT of the published size 3 KB a caption token and 110 KB an
image (2 GB for 5k).
"""

import json
import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from information_retrieval.models.arguments import DataArguments, InputArguments, ModelArguments
from information_retrieval.models.loading import (
    EncoderOptions,
    GalleryFiles,
    LoadedGallery,
    load_gallery,
)
from information_retrieval.ranking.protocols import (
    Protocol,
    every_protocol,
    metrics_table,
    protocol_split,
    tie_warning,
)
from information_retrieval.ranking.rankings import Rankings, rank_scores, write_rankings
from information_retrieval.scoring.evaluation_output import describe, metrics_file, read_scored
from information_retrieval.scoring.processes import join_processes
from information_retrieval.scoring.score_tiles import score_in_store
from information_retrieval.scoring.tile_store import check_disk, remove_store
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.files import behind_link, check_writable, read_json, write_json
from preprocess.base.output_lock import lock_output
from preprocess.captions.split_file import Split, read_split


@dataclass
class EvaluateArguments:
    output: Path = field(metadata={"help": "the rankings .npz to write; metrics.json goes beside"})
    split: str = field(default="test", metadata={"help": "split to score"})
    protocol: Protocol = field(
        default="1k",
        metadata={
            "help": "1k: first 1,000 images; 5fold: mean over five galleries of 1,000; 5k: first "
            "5,000; full: every image and caption of the split"
        },
    )
    dtype: Literal["float32", "bfloat16", "float16"] = field(
        default="float32", metadata={"help": "type that the model computes in (autocast)"}
    )
    batch_size: int = field(default=64, metadata={"help": "images or captions encoded at once"})
    num_workers: int = field(default=0, metadata={"help": "processes that read and decode images"})
    negative_images: bool = field(
        default=False,
        metadata={
            "help": "models that read images: reproduce the original's defect, by which each pixel "
            "value x became (256 - x) mod 256"
        },
    )
    compile: bool = field(
        default=False,
        metadata={
            "help": "LXMERT: torch.compile what acts on each token alone, a minute at first; "
            "scores change by rounding"
        },
    )
    device: str = field(
        default="cuda" if torch.cuda.is_available() else "cpu",
        metadata={"help": "torch device to compute on"},
    )


def report(rankings: Rankings, protocol: Protocol, name: str, path: Path) -> bool:
    """Write the metrics of all protocols that the gallery allows, and print their tables.

    Args:
        name: of the rankings file.
        path: the metrics file.

    Returns:
        whether the file was written; one that has just these metrics is left as it is.
    """
    results = every_protocol(rankings.scores, rankings.caption_image_index, protocol)
    asked = results.pop(protocol)
    metadata = {**rankings.metadata, "protocol": protocol}
    content = {**asked, "other_protocols": results, "rankings": name, "metadata": metadata}
    is_new = not path.exists() or read_json(path, "delete it") != json.loads(json.dumps(content))
    if is_new:
        write_json(path, content)
    for table in (asked, *results.values()):
        print(metrics_table(table))
    warning = tie_warning(
        rankings.scores, rankings.caption_image_index, protocol, rankings.metadata["dtype"]
    )
    if warning:
        print(warning, file=sys.stderr)
    return is_new


def claim(output: Path, held: ExitStack, is_main: bool) -> Path:
    """Check that the output can be written, and let the main process hold it until `held` ends.

    One that is there already is not written, and so may be another user's.

    Returns:
        the metrics file.
    """
    metrics_path = metrics_file(output)
    if not output.exists() or not metrics_path.exists():
        check_writable(output)
        if is_main:
            held.enter_context(lock_output(output))
    return metrics_path


def read_finished(output: Path, split: Split, gallery: Split, loaded: LoadedGallery) -> Rankings:
    """Read what an earlier run of this command wrote, and say so."""
    rankings = read_scored(output, split, gallery, loaded.identity)
    version = rankings.metadata.get("code_version", "unknown")
    print(
        f"{output}: these scores are there already, made by code version {version}; nothing is "
        "scored (delete it to score anew)"
    )
    return rankings


def main() -> None:
    model_arguments, odd, data, args = parse_arguments(
        ModelArguments, InputArguments, DataArguments, EvaluateArguments, description=__doc__
    )
    check_at_least("--batch_size", args.batch_size, 1)
    check_at_least("--num_workers", args.num_workers, 0)
    processes = join_processes(args.device)
    name = model_arguments.model_name_or_path
    beside = behind_link(args.output)
    tiles = beside.with_name(f"{beside.name}.tiles")
    options = EncoderOptions(
        getattr(torch, args.dtype),
        args.batch_size,
        args.num_workers,
        show_progress=processes.is_main,
        negative_images=args.negative_images,
        long_captions=odd.long_captions,
        wrong_answers=odd.wrong_answers,
        compile=args.compile,
    )

    def load() -> tuple[Split, Split, LoadedGallery]:
        split = read_split(data.split_file(args.split))
        gallery = protocol_split(split, args.protocol)
        if not is_scored:
            check_disk(tiles, len(gallery.images), len(gallery.captions))
        files = GalleryFiles(data.features_file(args.split), data.images_file(args.split))
        loaded = load_gallery(name, gallery, files, processes.device, options)
        return split, gallery, loaded

    with ExitStack() as held:
        metrics_path = processes.agree(lambda: claim(args.output, held, processes.is_main))
        is_scored = processes.from_main(args.output.exists)  # of all machines the same
        split, gallery, loaded = processes.agree(load)
        if processes.is_main:
            for line in loaded.tokens.warnings():
                print(line, file=sys.stderr)
        if not is_scored:
            scores = score_in_store(loaded, gallery, tiles, args.batch_size, processes)
        if processes.is_main:
            if is_scored:
                rankings = read_finished(args.output, split, gallery, loaded)
            else:
                metadata = describe(name, split, args.protocol, loaded.identity)
                rankings = rank_scores(scores, gallery, {**metadata, **loaded.tokens.to_json()})
                write_rankings(args.output, rankings)
            is_new = report(rankings, args.protocol, args.output.name, metrics_path)
            if not is_scored or os.access(tiles.parent, os.W_OK):
                remove_store(tiles)
            written = [args.output] * (not is_scored) + [metrics_path] * is_new
            if written:
                print(f"wrote {' and '.join(map(str, written))}")
    processes.leave()


if __name__ == "__main__":
    run_command(main)
