"""Compare the arms of an ablation, each trained with one or more seeds.

Reads the rankings files of all arms and seeds, on one gallery or more, and the split file of each.
Files of one arm and gallery are its seeds: give them in the same order for every arm. Prints R@1,
5, 10 both ways and rsum of each arm, the mean over its seeds with the standard deviation over seeds
and the 95 % interval over images; of each two arms the difference with its interval from the same
resampled images, a permutation test by image of what is found in the mean over seeds, Holm's
correction for all tests of the gallery, the difference seed by seed and in standard deviations over
seeds (error_analysis/ablating/arms.py); with --order, whether the arms come out as stated; with
--published, the published rows. Writes all of it as JSON, and draws it with --figure:

    {"galleries": [{"name", "dataset", "split", "split_file", "protocol", "benchmark", "gallery",
                    "arms": {"itc": {"rankings": [{"path", "model", "ranks_sha256"}],
                                     "metrics": {"i2t_r1": {"value", "low", "high",
                                                            "seeds": [...], "sd"}, ...}}, ...},
                    "pairs": [{"first", "second",
                               "metrics": {"i2t_r1": {"value", "low", "high", "seeds": [...],
                                                      "separated", "in_sds", "by_image_p",
                                                      "holm_p"}, ...}}],
                    "order": [{"better", "worse", "recalls": {"i2t_r1": "holds", ...}}],
                    "published": null or {...}}],
     "metadata": {...}}

    python -m error_analysis.ablation --rankings runs/itc_1/coco.npz runs/itc_2/coco.npz \\
        runs/none_1/coco.npz runs/none_2/coco.npz --arms itc itc none none \\
        --split_files datasets/coco/test.json --order itc none --published sx3hre \\
        --output runs/ablation.json --figure runs/ablation.png

Three arms of three seeds on 5,000 images and 25,000 captions, and on 1,000 and 5,000, take 30 s and
1.8 GB on one core of an AMD EPYC, most of it for reading the scores.
"""

from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from tqdm import tqdm

from error_analysis.ablating.ablation_json import gallery_to_json
from error_analysis.ablating.arm_table import arm_table, pair_tables
from error_analysis.ablating.arms import compare_arms
from error_analysis.ablating.order import check_order, order_line, order_steps
from error_analysis.ablating.published_arms import Study, published_arms
from error_analysis.ablating.runs import OneGallery, assign_splits, read_galleries
from error_analysis.statistics.assessment import Sampling
from error_analysis.statistics.paired_tests import N_PERMUTATIONS
from error_analysis.statistics.resampling import CONFIDENCE, N_RESAMPLES
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable, write_json
from preprocess.captions.split_file import read_split


@dataclass(kw_only=True)
class AblationArguments:
    rankings: list[Path] = field(metadata={"help": "rankings .npz files: an arm, seed and gallery"})
    arms: list[str] = field(metadata={"help": "the name of each rankings file's arm, in order"})
    split_files: list[Path] = field(
        metadata={"help": "split JSON of each gallery; rankings tell of which they are"}
    )
    output: Path = field(metadata={"help": "the JSON file to write"})
    figure: Path | None = field(
        default=None, metadata={"help": "the picture to write: .png, .pdf or .svg"}
    )
    order: list[str] | None = field(
        default=None, metadata={"help": "arms in the order that is claimed, the best first"}
    )
    published: Study | None = field(
        default=None, metadata={"help": "published rows to show: Sx3HRe's, as corrected"}
    )
    protocol: OneGallery | None = field(
        default=None, metadata={"help": "of all galleries; default: what each file has, whole"}
    )
    n_resamples: int = field(
        default=N_RESAMPLES, metadata={"help": "resamples of the images for the intervals"}
    )
    n_permutations: int = field(
        default=N_PERMUTATIONS, metadata={"help": "permutations of the tests by image"}
    )
    seed: int = field(default=0, metadata={"help": "seed of resamples and permutations"})


def check_arguments(arguments: AblationArguments) -> None:
    """Raise InputError where options contradict each other."""
    for option, least in (("n_resamples", 2), ("n_permutations", 1), ("seed", 0)):
        check_at_least(f"--{option}", getattr(arguments, option), least)
    n_files, n_arms = len(arguments.rankings), len(arguments.arms)
    if n_files != n_arms:
        raise InputError(f"--arms: expected {n_files}, one a rankings file, found {n_arms}")
    if not all(name.strip() for name in arguments.arms):
        raise InputError("--arms: expected a name of each rankings file's arm, found an empty one")
    for option, paths in (("rankings", arguments.rankings), ("split_files", arguments.split_files)):
        resolved = [path.resolve() for path in paths]
        for path in paths:
            if resolved.count(path.resolve()) > 1:
                raise InputError(f"--{option}: {path} is given more than once; name it once")
    if arguments.order:
        check_order(arguments.order, list(dict.fromkeys(arguments.arms)))
    check_writable(arguments.output)
    if arguments.figure:
        from error_analysis.ablating.arm_figure import FORMATS

        if arguments.figure.suffix not in FORMATS:
            wanted = ", ".join(FORMATS)
            raise InputError(f"--figure {arguments.figure}: expected a name that ends in {wanted}")
        check_writable(arguments.figure)


def main() -> None:
    arguments = parse_arguments(AblationArguments, description=__doc__)
    check_arguments(arguments)
    order = arguments.order or []
    sampling = Sampling(arguments.n_resamples, arguments.n_permutations, arguments.seed)
    splits = {path: read_split(path) for path in arguments.split_files}
    galleries = read_galleries(
        assign_splits(arguments.rankings, arguments.arms, splits),
        arguments.arms,
        splits,
        arguments.protocol,
        sampling,
        order,
        partial(tqdm, desc="reading rankings", unit="file"),
    )
    compared = [compare_arms(gallery, sampling) for gallery in galleries]
    published = [published_arms(g) if arguments.published else None for g in galleries]
    steps = [order_steps(of, order) for of in compared]
    content = [gallery_to_json(*of) for of in zip(compared, steps, published, strict=True)]
    metadata = {**asdict(sampling), "confidence": CONFIDENCE, "ties": "expected", "order": order}
    write_json(arguments.output, {"galleries": content, "metadata": metadata})
    for of, of_order, rows in zip(compared, steps, published, strict=True):
        lines = [f"{of.gallery.name}: {order_line(s, of.gallery.n_seeds)}" for s in of_order]
        parts = [arm_table(of, rows), pair_tables(of), "\n".join(lines)]
        print("\n\n".join(filter(None, parts)), end="\n\n")
    print(f"wrote {arguments.output}")
    if arguments.figure:
        from error_analysis.ablating.arm_figure import ablation_figure, write_ablation_figure

        write_ablation_figure(arguments.figure, ablation_figure(compared, published))
        print(f"wrote {arguments.figure}")


if __name__ == "__main__":
    run_command(main)
