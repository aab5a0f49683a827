"""Fuse the scores of two models, such as LXMERT and CLIP: the weighted sum of their z-scores.

Reads the rankings of both models on val, where the weight is chosen (by rsum over one gallery of
all images there), and on test, to which it is applied; and the two split files. Writes rankings
like any model's, for `error_analysis`, and `metrics.json` beside them, with both models' own
metrics, and prints the three tables. What is summed, and why:
information_retrieval/combining/fusion.py.

    python -m information_retrieval.fuse \\
        --val_rankings runs/lxmert_val/val.npz runs/clip_val/val.npz \\
        --test_rankings runs/lxmert/test.npz runs/clip/test.npz \\
        --val_split_file datasets/coco/val.json --test_split_file datasets/coco/test.json \\
        --output runs/fused/test.npz

5k on both splits takes 90 s and 2 GB on one CPU core: two score matrices, one split after the
other.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from information_retrieval.combining.fusion import (
    TriedWeight,
    best_weight,
    check_fusable,
    fuse_in_place,
    try_weights,
)
from information_retrieval.ranking.benchmark_names import with_benchmark
from information_retrieval.ranking.gallery import check_made_by, check_not_input, gallery_of
from information_retrieval.ranking.protocols import metrics_table, protocol_metrics
from information_retrieval.ranking.rankings import (
    Rankings,
    rank_scores,
    read_rankings,
    write_rankings,
)
from information_retrieval.scoring.evaluation_output import code_version, metrics_file
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable, write_json
from preprocess.captions.split_file import Split, read_split

# Of the metadata, what must be the same for a weight of one split to hold on another, and what
# it means when it is not there.
MADE_ALIKE = {"weights": "unknown", "dtype": "unknown", "negative_images": "False"}


@dataclass
class FuseArguments:
    val_rankings: list[Path] = field(
        metadata={"help": "rankings .npz of the first and of the second model, to choose with"}
    )
    test_rankings: list[Path] = field(
        metadata={"help": "rankings .npz of the same models, in the same order, to fuse"}
    )
    val_split_file: Path = field(metadata={"help": "split JSON of --val_rankings"})
    test_split_file: Path = field(metadata={"help": "split JSON of --test_rankings"})
    output: Path = field(metadata={"help": "the rankings .npz to write; metrics.json goes beside"})
    weight_steps: int = field(
        default=20,
        metadata={"help": "weights of the second model that are tried: 0, 1/steps, ..., 1"},
    )


def check_other_images(val: Split, test: Split) -> None:
    """Raise InputError when the two splits share an image: the weight would be fitted to it."""
    shared = np.intersect1d(val.image_ids, test.image_ids)
    if len(shared):
        raise InputError(
            f"--val_split_file and --test_split_file share {len(shared):,} images (such as "
            f"{shared[0]}); the weight must be chosen on images that it is not tested on"
        )


def read_pair(option: str, paths: Sequence[Path], split: Split) -> tuple[Rankings, Rankings]:
    """Read the rankings of two models over one gallery.

    Raises:
        InputError: not two files, or see `read_rankings` and `check_fusable`.
    """
    if len(paths) != 2:
        raise InputError(f"{option}: expected the rankings of 2 models, found {len(paths)}")
    first, second = (read_rankings(path, split) for path in paths)
    check_fusable(first, second)
    return first, second


def check_same_model(chosen_on: dict, applied_to: dict) -> None:
    """Raise InputError when the metadata of val and test name different weights or types."""
    for key, absent in MADE_ALIKE.items():
        expected, found = (str(made.get(key, absent)) for made in (chosen_on, applied_to))
        if found != expected:
            raise InputError(
                f"{applied_to['path']}: expected {key} {expected}, as in {chosen_on['path']}, "
                f"found {found}; give both options the same models in the same order"
            )


def choose_weight(
    paths: Sequence[Path], split: Split, steps: int
) -> tuple[list[TriedWeight], list[dict]]:
    """Try the grid of weights on val.

    Returns:
        every weight with its rsum, and the metadata of both rankings. Their scores are not kept.
    """
    first, second = read_pair("--val_rankings", paths, split)
    grid = tqdm([step / steps for step in range(steps + 1)], desc="weights", unit="weight")
    try:
        tried = try_weights(first.scores, second.scores, first.caption_image_index, grid)
    except ValueError as error:
        raise InputError(f"{' or '.join(map(str, paths))}: {error}; nothing to fuse") from error
    return tried, [first.metadata, second.metadata]


def fuse_rankings(
    first: Rankings, second: Rankings, gallery: Split, weight: float, metadata: dict
) -> Rankings:
    """Fuse two models' rankings of `gallery`; the first's scores are overwritten."""
    try:
        scores = fuse_in_place(first.scores, second.scores, weight)
    except ValueError as error:
        raise InputError(
            f"{first.metadata['path']} or {second.metadata['path']}: {error}; nothing to fuse"
        ) from error
    return rank_scores(scores, gallery, metadata)


def describe(tried: list[TriedWeight], val: list[dict], test: list[dict], split: Split) -> dict:
    """Return the metadata of the fused rankings: what was fused, and how the weight was chosen."""
    return {
        "model": " + ".join(str(metadata.get("model")) for metadata in test),
        "dataset": split.dataset,
        "split": split.split,
        "split_sha256": split.sha256,
        "protocol": test[0].get("protocol", "full"),
        "dtype": "float32",
        "axes": ["image", "caption"],
        "code_version": code_version(),
        "command": sys.argv,
        "fusion": {
            "score": "(1 - weight) z(first) + weight z(second), z over the whole matrix",
            "weight": best_weight(tried).weight,
            "chosen_by": "rsum on val, expected ties, one gallery",
            "grid": [asdict(t) for t in tried],
            "val_rankings": val,
            "test_rankings": test,
        },
    }


def fusion_line(tried: list[TriedWeight], args: FuseArguments) -> str:
    """Say what was summed, and what the weight did on val."""
    best, (first, second) = best_weight(tried), args.test_rankings
    return (
        f"fused: {1 - best.weight:g} z({first}) + {best.weight:g} z({second})\nweights chosen on "
        f"{args.val_split_file}, where rsum is {tried[0].rsum:.2f} of the first alone, "
        f"{tried[-1].rsum:.2f} of the second, {best.rsum:.2f} fused"
    )


def main() -> None:
    args = parse_arguments(FuseArguments, description=__doc__)
    check_at_least("--weight_steps", args.weight_steps, 1)
    metrics_path = metrics_file(args.output)
    check_writable(args.output)
    check_not_input(args.output, [*args.val_rankings, *args.test_rankings])
    check_made_by(args.output, "fusion")
    val, test = read_split(args.val_split_file), read_split(args.test_split_file)
    check_other_images(val, test)
    tried, val_metadata = choose_weight(args.val_rankings, val, args.weight_steps)
    first, second = read_pair("--test_rankings", args.test_rankings, test)
    for chosen_on, rankings in zip(val_metadata, (first, second), strict=True):
        check_same_model(chosen_on, rankings.metadata)
    metadata = describe(tried, val_metadata, [first.metadata, second.metadata], test)
    protocol, index = metadata["protocol"], first.caption_image_index
    # Before the first model's scores are overwritten.
    own = [
        with_benchmark(protocol_metrics(rankings.scores, index, protocol), test, rankings)
        for rankings in (first, second)
    ]
    weight = metadata["fusion"]["weight"]
    fused = fuse_rankings(first, second, gallery_of(first, test), weight, metadata)
    result = with_benchmark(protocol_metrics(fused.scores, index, protocol), test, fused)
    write_rankings(args.output, fused)
    models = list(zip(map(str, args.test_rankings), own, strict=True))
    beside = [{"rankings": path, **metrics} for path, metrics in models]
    content = {**result, "rankings": args.output.name, "metadata": fused.metadata}
    write_json(metrics_path, {**content, "fused_from": beside})
    for path, metrics in models:
        print(f"{path}\n{metrics_table(metrics)}\n")
    print(fusion_line(tried, args))
    print(metrics_table(result))
    print(f"wrote {args.output} and {metrics_path}")


if __name__ == "__main__":
    run_command(main)
