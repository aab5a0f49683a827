"""A region file of a small data set, and what reads it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from information_retrieval.models.xvlm.captions import single_sequence_tokenizer
from information_retrieval.models.xvlm.configuration import XvlmConfig
from information_retrieval.training.examples.augmentation import PixelFormat
from information_retrieval.training.examples.masking import WordMasker
from information_retrieval.training.regions.example import RegionReader
from preprocess.captions.split_file import Split, read_split
from preprocess.region_phrases.region_file import ImageRegions, Region, write_regions
from tests.conftest import WORDS, bert_tokenizer

PIXELS = PixelFormat(64, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
CONFIG = XvlmConfig()


def masker(folder: Path) -> WordMasker:
    return WordMasker(single_sequence_tokenizer(bert_tokenizer(folder)))


def reader(folder: Path) -> RegionReader:
    return RegionReader(PIXELS, masker(folder), patch=16)


def regions_of(n: int, generator: np.random.Generator) -> tuple[Region, ...]:
    """Regions inside an image of 64 x 48 pixels; of each second the phrase has an attribute."""
    return tuple(
        Region(
            tuple(generator.integers((0, 0, 8, 8), (40, 24, 24, 24)).astype(float).tolist()),
            (" ".join(generator.choice(WORDS, 2)),),
            ("big",) * (number % 2),
        )
        for number in range(n)
    )


def write_regions_of(
    path: Path,
    split: Split,
    n_regions: int = 4,
    size: tuple[int, int] = (48, 64),
    regions: Callable[[int, np.random.Generator], tuple[Region, ...]] = regions_of,
    **options,
) -> Path:
    """Regions of each image of a split, said to be of a size (height, width)."""
    generator = np.random.default_rng(0)
    images = [
        ImageRegions(image.image_id, image.file_name, *size, regions(n_regions, generator))
        for image in split.images
    ]
    told = {"dataset": split.dataset, "split": split.split, "source": "a test"}
    write_regions(path, images, **{**told, "split_sha256": split.sha256, **options})
    return path


def write_train_regions(data_dir: Path) -> Path:
    """`train_regions.json` of a folder of data."""
    return write_regions_of(data_dir / "train_regions.json", read_split(data_dir / "train.json"))
