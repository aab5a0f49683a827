"""A small report, and what it is made from."""

import json
import sys
from pathlib import Path

import numpy as np

from error_analysis import explain, report
from preprocess.captions.split_file import write_split
from preprocess.storage.features_writer import FeaturesWriter
from tests.error_analysis.page import Page
from tests.error_analysis.scored import make_split, save_images, save_rankings

A = [0, 12, 10, 25, 12] + [0] * 25
B = [15, 0, 29, 3, 12] + [0] * 25
LABELS = ("cat", "dog", "</script><b>cow")


def make_inputs(folder: Path, *scores: np.ndarray, text: str = "caption {}") -> list[str]:
    """Write split, images and one rankings file a matrix; return the command's arguments."""
    split = make_split([1] * len(scores[0]), text)
    write_split(folder / "test.json", split)
    save_images(folder / "test_images.h5", split)
    paths = [
        save_rankings(folder / f"model{i}" / "test.npz", matrix, split)
        for i, matrix in enumerate(scores)
    ]
    files = ["--split_file", folder / "test.json", "--images", folder / "test_images.h5"]
    return [*map(str, ["--rankings", *paths, *files, "--output", folder / "report"])]


def save_features(folder: Path, arguments: list[str]) -> list[str]:
    """Write a features file of the split, three regions an image; return its option."""
    split = json.loads((folder / "test.json").read_text())
    ids = np.array([image["image_id"] for image in split["images"]])
    attributes = {"extractor": "hand", "weights": "", "weights_sha256": ""}
    attributes["settings"] = json.dumps({"object_labels": LABELS})
    path = folder / "test_features.h5"
    with FeaturesWriter(path, ids, 3, 4, "float32", attributes) as writer:
        for row in range(len(ids)):
            writer.write(
                row,
                visual_feats=np.zeros((3, 4), np.float32),
                visual_pos=np.tile(np.float32([0.1, 0.2, 0.5, 0.6]), (3, 1)),
                image_sizes=np.array([200, 300], np.int32),
                object_ids=np.array([0, 1, 2]),
                object_scores=np.float32([0.5, 0.9, 0.1]),
                attribute_ids=np.zeros(3, int),
                attribute_scores=np.zeros(3, np.float32),
                n_fillers=0,
                source_crc32=np.uint32(0),
            )
        writer.finish()
    return ["--features", str(path)]


def save_reasons(folder: Path, arguments: list[str], monkeypatch) -> list[str]:
    """Write the reasons of the report's rankings; return the report's option."""
    rankings = arguments[1 : arguments.index("--split_file")]
    path = str(folder / "reasons.json")
    options = ["--split_file", folder / "test.json", "--train_split_file", folder / "test.json"]
    command = ["explain", "--rankings", *rankings, *map(str, options), "--output", path]
    monkeypatch.setattr(sys, "argv", command)
    explain.main()
    return ["--reasons", path]


def make_report(monkeypatch, arguments: list[str], *options: str) -> "Site":
    """Run the command and read what it wrote."""
    monkeypatch.setattr(sys, "argv", ["report", *arguments, *options])
    report.main()
    return Site(Path(arguments[arguments.index("--output") + 1]))


class Site:
    """The pages of a report.

    Attributes:
        html, pages: by the name of the file.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.html = {path.name: path.read_text("utf-8") for path in folder.glob("*.html")}
        self.pages = {name: Page(html) for name, html in self.html.items()}

    @property
    def text(self) -> str:
        """The text of all pages, spaces joined."""
        return " ".join(" ".join(page.text.split()) for page in self.pages.values())

    def data(self, key: str) -> dict:
        """What a script of the report hands to a page."""
        return self._script(f"data/{key}.js", key)

    def part(self, part: int, number: int) -> list[dict]:
        """What the models made of a query, by its place in a part."""
        return self._script(f"data/part_{part}.js", f"part-{part}")[number]

    def _script(self, name: str, key: str):
        script = (self.folder / name).read_text("utf-8")
        told, content = json.loads("[" + script[len("reportData(") : -len(");\n")] + "]")
        assert told == key
        return content
