"""Arms of two seeds on twelve images with a caption each, whose ranks are known."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from error_analysis.ablating.arms import ComparedArms, compare_arms
from error_analysis.ablating.runs import ArmGallery, assign_splits, read_galleries
from error_analysis.statistics.assessment import Sampling
from preprocess.captions.split_file import Split, read_split, write_split
from tests.error_analysis.scored import make_split, save_rankings, scores_with_ranks

N_IMAGES = 12
QUICK = Sampling(n_resamples=40, n_permutations=99, seed=3)
# Ranks of image queries: text retrieval R@1 is 75 and 50 % of the one arm, 25 and 50 % of the
# other; R@5 is 100 and 75 %, 50 and 75 %.
GOOD = ([0] * 9 + [2] * 3, [0] * 6 + [3] * 3 + [6] * 3)
POOR = ([0] * 3 + [4] * 3 + [7] * 6, [1] * 3 + [8] * 3 + [0] * 6)
ARMS = {"good": GOOD, "poor": POOR}


def save_arms(
    folder: Path, arms: Mapping[str, Sequence[list]] = ARMS, name: str = "test", **metadata
) -> tuple[list[Path], list[str]]:
    """A split file and a rankings file of each arm's seeds; returns these, and each one's arm."""
    split = make_split([1] * len(next(iter(arms.values()))[0]), f"{name} {{}}")
    write_split(folder / f"{name}.json", split)
    paths, names = [], []
    for arm, seeds in arms.items():
        for seed, ranks in enumerate(seeds):
            path = folder / f"{arm}_{seed}" / f"{name}.npz"
            model = {"model": f"runs/{arm}_{seed}", **metadata}
            paths.append(save_rankings(path, scores_with_ranks(ranks), split, **model))
            names.append(arm)
    return paths, names


def splits_of(folder: Path, *names: str) -> dict[Path, Split]:
    return {folder / f"{name}.json": read_split(folder / f"{name}.json") for name in names}


def gallery_of_arms(folder: Path, arms: Mapping[str, Sequence[list]] = ARMS) -> ArmGallery:
    paths, names = save_arms(folder, arms)
    splits = splits_of(folder, "test")
    files = assign_splits(paths, names, splits)
    [gallery] = read_galleries(files, names, splits, None, QUICK)
    return gallery


def compared_arms(folder: Path, arms: Mapping[str, Sequence[list]] = ARMS) -> ComparedArms:
    return compare_arms(gallery_of_arms(folder, arms), QUICK)


def share(ranks: Sequence[float], k: int) -> float:
    """Recall at k of untied ranks, in percent."""
    return 100 * float(np.mean(np.array(ranks) < k))
