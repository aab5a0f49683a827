"""VizWiz's archives in small, as a server has them, and what is in them."""

import io
import zipfile
from pathlib import Path

from tests.preprocess.captions.small_vizwiz import PRECANNED, write_vizwiz
from tests.preprocess.encoders.small_images import picture

CAPTIONS = {
    "train": [[f"cup {i}", f"a cup {i}"] for i in range(4)],
    "val": [["A mug.", PRECANNED], [PRECANNED], ["A can."]],
    "test": [[], []],
}


def make_small_vizwiz(folder: Path) -> None:
    """Write annotations/ and images/ as they are to be after a download."""
    for split, captions in CAPTIONS.items():
        write_vizwiz(folder / "annotations" / f"{split}.json", split, captions)
        for number in range(len(captions) if split != "test" else 0):
            path = folder / "images" / split / f"VizWiz_{split}_{number:08d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture(number))


def archives_of(folder: Path, with_folders: bool = True) -> dict[str, bytes]:
    """Its archives by their addresses; with what a Mac adds, and with or without folders inside."""
    found = {}
    for address, source in (
        ("/caption/annotations.zip", folder / "annotations"),
        ("/images/train.zip", folder / "images" / "train"),
        ("/images/val.zip", folder / "images" / "val"),
    ):
        buffer = io.BytesIO()
        inner = f"{source.name}/" if with_folders else ""
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
            for path in sorted(source.iterdir()):
                file.write(path, f"{inner}{path.name}")
                file.writestr(f"__MACOSX/{inner}._{path.name}", b"of a Mac")
        found[address] = buffer.getvalue()
    return found


def files_below(folder: Path) -> dict[str, bytes]:
    """All files of annotations/ and images/, by their paths."""
    paths = [p for name in ("annotations", "images") for p in (folder / name).rglob("*.*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}
