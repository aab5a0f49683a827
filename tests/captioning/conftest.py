"""Recorded truth, results files, and programs that stand in for Java."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from preprocess.captions.split_file import Caption, CaptionedImage, Split, write_split
from tests.captioning.recorded import REFERENCES


@pytest.fixture(scope="session")
def coco90_metrics(shared_data) -> dict:
    """What pycocoevalcap gave captions of 90 real COCO images."""
    path = shared_data / "captioning_reference" / "caption_metrics_reference.json"
    return json.loads(path.read_text("utf-8"))


def split_of(references: Sequence[Sequence[str]], first_id: int = 10) -> Split:
    """A split of images 10, 11, ... with these captions."""
    images, number = [], 0
    for image_id, own in enumerate(references, start=first_id):
        captions = tuple(Caption(number + k, text) for k, text in enumerate(own))
        number += len(own)
        images.append(CaptionedImage(image_id, f"{image_id}.jpg", captions))
    return Split("tiny", "test", "made by a test", tuple(images))


@pytest.fixture
def split_file(tmp_path: Path) -> Path:
    """The split file of the recorded references: images 10 to 13."""
    path = tmp_path / "split.json"
    write_split(path, split_of(REFERENCES))
    return path


def results_of(captions: Sequence[str], first_id: int = 10) -> list[dict]:
    return [{"image_id": i, "caption": c} for i, c in enumerate(captions, start=first_id)]


@pytest.fixture
def write_results(tmp_path: Path) -> Callable[..., Path]:
    """Write any content as a results file."""

    def write(content, name: str = "results.json") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(content), "utf-8")
        return path

    return write


@pytest.fixture
def make_java(tmp_path: Path) -> Callable[..., str]:
    """Write a shell script that stands in for Java: it tells a version, else runs `does`."""

    def make(version: str = "11.0.2", does: str = "exit 0") -> str:
        path = tmp_path / "jdk" / "java"
        path.parent.mkdir(exist_ok=True)
        tells = f"""case "$*" in *-version*) echo 'openjdk version "{version}"' >&2; exit;; esac"""
        path.write_text(f"#!/bin/sh\n{tells}\n{does}\n")
        path.chmod(0o755)
        return str(path)

    return make


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pycocoevalcap whose jars are empty."""
    folder = tmp_path / "site" / "pycocoevalcap"
    for name in ("meteor/meteor-1.5.jar", "spice/spice-1.0.jar"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).touch()
    monkeypatch.syspath_prepend(folder.parent)
    monkeypatch.delitem(__import__("sys").modules, "pycocoevalcap", raising=False)
    return folder
