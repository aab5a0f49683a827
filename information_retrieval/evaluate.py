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

import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from information_retrieval.models.arguments import (
    ComputeArguments,
    DataArguments,
    InputArguments,
    ModelArguments,
)
from information_retrieval.ranking.protocols import (
    Protocol,
    largest_protocol,
    protocol_split,
)
from information_retrieval.ranking.rankings import rank_scores, write_rankings
from information_retrieval.scoring.tile_store import check_disk, remove_store
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.files import behind_link
from preprocess.captions.split_file import Split, read_split

KEPT = "the tiles scored so far are kept; the same command goes on to the same scores"


@dataclass(kw_only=True)
class EvaluateArguments(ComputeArguments):
    output: Path = field(metadata={"help": "the rankings .npz to write; metrics.json goes beside"})
    split: str = field(default="test", metadata={"help": "split to score"})
    protocol: Protocol | None = field(
        default=None,
        metadata={
            "help": "1k: first 1,000 images; 5fold: mean over five galleries of 1,000; 5k: first "
            "5,000; full: every image and caption of the split. Default: 5k of a split of 5,000 "
            "images or more, 1k of 1,000, full of another"
        },
    )
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


def main() -> None:
    model_arguments, odd, data, args = parse_arguments(
        ModelArguments, InputArguments, DataArguments, EvaluateArguments, description=__doc__
    )
    # Not above: torch takes seconds to import, --help and a mistyped option should not.
    import torch

    from information_retrieval.models.loading import (
        EncoderOptions,
        GalleryFiles,
        LoadedGallery,
        load_gallery,
    )
    from information_retrieval.scoring.evaluation_output import (
        claim,
        describe,
        read_finished,
        report,
    )
    from information_retrieval.scoring.processes import join_processes
    from information_retrieval.scoring.score_tiles import score_in_store

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

    def load() -> tuple[Split, Protocol, Split, LoadedGallery]:
        split = read_split(data.split_file(args.split))
        protocol = args.protocol or largest_protocol(split)
        gallery = protocol_split(split, protocol)
        if not is_scored:
            check_disk(tiles, len(gallery.images), len(gallery.captions))
        files = GalleryFiles(data.features_file(args.split), data.images_file(args.split))
        loaded = load_gallery(name, gallery, files, processes.device, options)
        return split, protocol, gallery, loaded

    with ExitStack() as held:
        metrics_path = processes.agree(lambda: claim(args.output, held, processes.is_main))
        is_scored = processes.from_main(args.output.exists)  # of all machines the same
        split, protocol, gallery, loaded = processes.agree(load)
        if processes.is_main:
            if args.protocol is None:
                print(f"protocol {protocol}: {len(gallery.images):,} images")
            for line in loaded.tokens.warnings():
                print(line, file=sys.stderr)
        if not is_scored:
            scores = score_in_store(loaded, gallery, tiles, args.batch_size, processes)
        if processes.is_main:
            if is_scored:
                rankings = read_finished(args.output, split, gallery, loaded.identity)
            else:
                metadata = describe(name, split, protocol, loaded.identity)
                rankings = rank_scores(scores, gallery, {**metadata, **loaded.tokens.to_json()})
                write_rankings(args.output, rankings)
            is_new = report(rankings, protocol, args.output.name, metrics_path)
            if not is_scored or os.access(tiles.parent, os.W_OK):
                remove_store(tiles)
            written = [args.output] * (not is_scored) + [metrics_path] * is_new
            if written:
                print(f"wrote {' and '.join(map(str, written))}")
    processes.leave()


if __name__ == "__main__":
    run_command(main, KEPT)
