"""Runs of preprocess.extract_features over a few small random images."""

import sys
from pathlib import Path

import h5py
import numpy as np

from preprocess import extract_features
from preprocess.captions.split_file import Caption, CaptionedImage, Split, write_split


def write_split_file(path: Path, image_ids: list[int]) -> None:
    """A split of images {id}.jpg."""
    captioned = tuple(
        CaptionedImage(i, f"{i}.jpg", (Caption(i, "coloured blocks"),)) for i in image_ids
    )
    write_split(path, Split("blocks", path.stem, "random", captioned))


def command_options(folder: Path, output: Path, *options: str, split: str = "test") -> list[str]:
    """Options of a run over `folder`, which holds {split}.json, images/ and detector/."""
    return [
        *("--split_file", str(folder / f"{split}.json"), "--image_root", str(folder / "images")),
        *("--weights", str(folder / "detector"), "--output", str(output)),
        *("--num_workers", "0", "--device", "cpu", *options),
    ]


def extract(monkeypatch, folder: Path, output: Path, *options: str, split: str = "test") -> None:
    """Run the command in this process."""
    command = ["extract_features", *command_options(folder, output, *options, split=split)]
    monkeypatch.setattr(sys, "argv", command)
    extract_features.main()


def is_complete(path: Path) -> bool:
    with h5py.File(path) as file:
        return bool(file.attrs["complete"])


def datasets(path: Path) -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        return {name: file[name][:] for name in file}


def assert_same_file(one: Path, other: Path) -> None:
    """The files have the same datasets, bit for bit, and the same attributes."""
    first, second = datasets(one), datasets(other)
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.dtype == second[name].dtype
        np.testing.assert_array_equal(array, second[name], err_msg=name)
    with h5py.File(one) as a, h5py.File(other) as b:
        assert dict(a.attrs) == dict(b.attrs)
