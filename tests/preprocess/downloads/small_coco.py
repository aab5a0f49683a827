"""COCO 2014 in small: its archives as they are published, made of the demo's images."""

import hashlib
import io
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from demo import render
from preprocess.base.command_line import run_command
from preprocess.base.files import write_json

IMAGES = {"n_train": 6, "n_restval": 2, "n_val": 3, "n_test": 4}
KARPATHY_PATH = "/people/karpathy/deepimagesent/caption_datasets.zip"


@dataclass(frozen=True)
class SmallCoco:
    """What a mirror serves, and what is in it."""

    source: Path  # images/, annotations/, dataset_coco.json
    files: dict[str, bytes]  # path on the server to archive
    checksums: Path

    def expected(self) -> dict[str, bytes]:
        """The files that a whole download leaves, besides archives/."""
        names = [*self.source.glob("images/*/*.jpg"), *self.source.glob("annotations/*_*2014.json")]
        names.append(self.source / "dataset_coco.json")
        return {str(name.relative_to(self.source)): name.read_bytes() for name in names}


def render_coco(folder: Path, monkeypatch) -> None:
    """The demo's miniature COCO, of a few images."""
    numbers = [word for name, number in IMAGES.items() for word in (f"--{name}", str(number))]
    monkeypatch.setattr(sys, "argv", ["render", "--output_dir", str(folder), *numbers])
    run_command(render.main)


def zipped(folder: Path, pattern: str, more: dict[str, bytes]) -> bytes:
    """The files of a folder, with its own entries for folders, as COCO's archives have."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        paths = sorted(folder.glob(pattern))
        for parent in sorted({path.parent for path in paths} - {folder}):
            file.write(parent, f"{parent.relative_to(folder)}/")
        for path in paths:
            file.write(path, path.relative_to(folder))
        for name, data in more.items():
            file.writestr(name, data)
    return buffer.getvalue()


def make_small_coco(folder: Path, monkeypatch) -> SmallCoco:
    """Render and zip it; its sizes and checksums are written as --checksums reads them."""
    source = folder / "source"
    render_coco(source, monkeypatch)
    other = {"dataset_flickr8k.json": b"{}", "dataset_flickr30k.json": b"{}"}
    images = source / "images"
    files = {
        "/zips/train2014.zip": zipped(images, "train2014/*.jpg", {}),
        "/zips/val2014.zip": zipped(images, "val2014/*.jpg", {}),
        "/annotations/annotations_trainval2014.zip": zipped(source, "annotations/*_*2014.json", {}),
        KARPATHY_PATH: zipped(source, "dataset_coco.json", other),
    }
    recorded = {}
    for path, data in files.items():
        name = path.rpartition("/")[2]
        recorded[name] = {
            "n_bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "unpacked_bytes": 2 * len(data),
            "n_images": {"train2014.zip": 6, "val2014.zip": 9}.get(name, 0),
        }
    write_json(folder / "checksums.json", recorded)
    return SmallCoco(source, files, folder / "checksums.json")
