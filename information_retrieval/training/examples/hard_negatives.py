"""Hard negatives: wrong documents of the training split that another model ranks high."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from information_retrieval.ranking.top_rankings import read_top_rankings
from preprocess.base.files import sha256_of_file
from preprocess.captions.split_file import Split


@dataclass(frozen=True)
class HardNegatives:
    """The documents that a model ranks first, ground truth among them.

    Attributes:
        captions: (n_images, k) int64, the captions ranked first for each image, by position.
        images: (n_captions, k) int64, the images ranked first for each caption.
        sha256: of the file.
    """

    captions: np.ndarray
    images: np.ndarray
    sha256: str


def read_hard_negatives(path: Path, split: Split) -> HardNegatives:
    """Read the top documents of every image and caption of a split.

    Raises:
        InputError: no such file, a damaged or foreign one, or rankings of another split.
    """
    top = read_top_rankings(path, split)
    return HardNegatives(top.captions, top.images, sha256_of_file(path))
