"""A gallery of five folds of 12 images, for the fixture `small_folds`."""

from pathlib import Path

import numpy as np

from preprocess.captions.split_file import Split, write_split
from tests.error_analysis.scored import make_split, save_rankings

FOLD, N_FOLDS = 12, 5
N_IMAGES = FOLD * N_FOLDS


def folds_split(captions_per_image: int = 1) -> Split:
    return make_split([captions_per_image] * N_IMAGES)


def folds_scores(seed: int = 0, captions_per_image: int = 1) -> np.ndarray:
    """Random scores, (60, 60 * captions_per_image), with ground truths higher than most."""
    index = np.arange(N_IMAGES).repeat(captions_per_image)
    scores = np.random.default_rng(seed).normal(size=(N_IMAGES, len(index)))
    scores[index, np.arange(len(index))] += 1
    return scores.astype(np.float32)


def save_folds(folder: Path, *names: str, protocol: str = "5fold") -> list[Path]:
    """`test.json` and the rankings of differently random models over it."""
    split = folds_split(2)
    write_split(folder / "test.json", split)
    return [
        save_rankings(folder / name / "test.npz", folds_scores(seed, 2), split, protocol=protocol)
        for seed, name in enumerate(names)
    ]
