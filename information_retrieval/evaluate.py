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

from dataclasses import dataclass, field
from pathlib import Path

from information_retrieval.models.arguments import (
    ComputeArguments,
    DataArguments,
    InputArguments,
    ModelArguments,
    ScoreArguments,
)
from information_retrieval.ranking.protocols import (
    Protocol,
)
from preprocess.base.command_line import parse_arguments, run_command

KEPT = "the tiles scored so far are kept; the same command goes on to the same scores"


@dataclass(kw_only=True)
class EvaluateArguments(ScoreArguments, ComputeArguments):
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
    from information_retrieval.models.loaded_gallery import GalleryFiles, encoder_options
    from information_retrieval.scoring.evaluation import evaluate
    from information_retrieval.scoring.processes import join_processes

    processes = join_processes(args.device)
    options = encoder_options(
        args,
        odd,
        show_progress=processes.is_main,
        negative_images=args.negative_images,
        score=args.score,
        compile=args.compile,
    )
    files = GalleryFiles(data.features_file(args.split), data.images_file(args.split))
    name = model_arguments.model_name_or_path
    split_file = data.split_file(args.split)
    evaluate(name, split_file, args.protocol, files, options, args.output, processes)
    processes.leave()


if __name__ == "__main__":
    run_command(main, KEPT)
