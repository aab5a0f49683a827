"""`{split}_regions.json`: the regions of images, and the phrases for each.

{"dataset", "images": [{"image_id", "file_name", "height", "width" (0 where unknown), "captions"
(of the whole image, may be none), "regions": [{"box": [x, y, width, height], "phrases": 1..n,
"attributes" (may be missing)}]}], "source", "split", "split_sha256" (of the split that the images
were chosen by, or null), "tally": {what was left out or changed: how often}, "tokenized", "sha256"}

Boxes are in pixels of the original image. Visual Genome has nine million regions and objects, so
the file is written and read as a stream: the first line ends with `"images":[`, then there is one
image a line, and the last line has the rest. Every line is in the form that
preprocess/base/json_seal.py hashes; `sha256` is that seal, made and checked from the bytes (without
line ends) as they pass.
"""

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from preprocess.base.errors import InputError, UnreadableError
from preprocess.base.files import atomic_path
from preprocess.base.json_seal import SEAL
from preprocess.base.lfs_pointer import check_no_pointer
from preprocess.captions.split_file import Split
from preprocess.region_phrases.text_lists import TextLists

MADE_BY = "make it with `python -m preprocess.regions`"
HEAD_END = b'"images":[\n'
SEAL_START = f',"{SEAL}":'.encode()
# One encoder: `json.dumps` would make one for each image.
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True)
class Region:
    """A part of an image, and what is said of it.

    Attributes:
        box: x, y, width, height in pixels of the original image.
        phrases: at least one; each alone describes the region.
        attributes: what it is like ("red"); X-VLM puts one of them before the phrase.
    """

    box: tuple[float, float, float, float]
    phrases: tuple[str, ...]
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageRegions:
    """An image with its regions; height and width are in pixels, 0 where unknown."""

    image_id: int
    file_name: str
    height: int
    width: int
    regions: tuple[Region, ...]
    captions: tuple[str, ...] = ()


def write_regions(
    path: Path,
    images: Iterable[ImageRegions],
    *,
    dataset: str,
    split: str,
    source: str,
    split_sha256: str | None = None,
    tokenized: bool = False,
    tally: Mapping[str, int] | None = None,
) -> None:
    """Write a region file as the images come, atomically.

    Args:
        split_sha256: `Split.sha256` of the split that the images were chosen by.
        tokenized: the texts are word pieces joined by spaces.
        tally: how often something was left out or changed; read after the last image.

    Raises:
        InputError: no image, an image twice, a box that is not finite, or a path that cannot be
            written.
    """
    digest = hashlib.sha256()
    with atomic_path(path) as partial, partial.open("wb") as file:

        def put(line: str) -> None:
            data = line.encode()
            digest.update(data)
            file.write(data + b"\n")

        put(f'{{"dataset":{_canonical(dataset)},"images":[')
        held = ""  # the last image's line has no comma after it
        for line in _image_lines(path, images):
            if held:
                put(held + ",")
            held = line
        if not held:
            raise InputError(f"{path}: not written: expected at least one image, found none")
        put(held)
        rest = {
            "source": source,
            "split": split,
            "split_sha256": split_sha256,
            "tally": dict(tally or {}),
            "tokenized": tokenized,
        }
        last = ("]," + _canonical(rest)[1:]).encode()
        digest.update(last)
        file.write(last[:-1] + SEAL_START + f'"{digest.hexdigest()}"}}\n'.encode())


def _image_lines(path: Path, images: Iterable[ImageRegions]) -> Iterator[str]:
    seen = set()
    for image in images:
        if image.image_id in seen:
            raise InputError(f"{path}: not written: image {image.image_id} occurs twice")
        seen.add(image.image_id)
        content = {
            "image_id": image.image_id,
            "file_name": image.file_name,
            "height": image.height,
            "width": image.width,
            "captions": image.captions,
            "regions": [_region_json(region) for region in image.regions],
        }
        try:
            yield _canonical(content)
        except ValueError as error:  # of NaN and infinities
            raise InputError(f"{path}: not written: image {image.image_id}: {error}") from error


def _region_json(region: Region) -> dict[str, Any]:
    attributes = {"attributes": region.attributes} if region.attributes else {}
    return {"box": region.box, "phrases": region.phrases, **attributes}


class RegionsFile:
    """A region file, read into compact arrays: 70 to 110 bytes a region with its texts.

    Attributes:
        dataset, split, source: as they were written; `split_sha256` may be None.
        sha256: of the content.
        tokenized: the texts are word pieces joined by spaces, and not to be cleaned.
        tally: how often what was left out or changed.
        image_ids: (N,) int64, in the file's order.
        image_sizes: (N, 2) int32 height, width; 0, 0 where unknown.
        file_names: N names, relative to an image root.
        n_regions: of all images.

    Raises:
        InputError: there is no such file, it is no region file, or a byte of it was changed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file_names: Sequence[str] = []
        self._image_ids, self._sizes = array("q"), array("i")
        self._region_ends, self._boxes = array("q", [0]), array("f")
        self._captions, self._phrases, self._attributes = TextLists(), TextLists(), TextLists()
        with _reading(path), path.open("rb") as file:
            self._read(file)
        self.image_ids = np.frombuffer(self._image_ids, np.int64)
        self.image_sizes = np.frombuffer(self._sizes, np.int32).reshape(-1, 2)
        self.n_regions: int = self._region_ends[-1]

    def _read(self, file: BinaryIO) -> None:
        head = file.readline()
        if not head.endswith(HEAD_END):
            check_no_pointer(self.path)
            raise InputError(f"{self.path}: expected a region file, found another; {MADE_BY}")
        digest = hashlib.sha256(head[:-1])
        last = b""
        for line in file:
            if line.startswith(b"]"):
                last = line
                break
            digest.update(line[:-1])
            self._append(json.loads(line.rstrip(b",\n")))
        content, _, seal = last.rpartition(SEAL_START)
        digest.update(content + b"}")
        if seal != f'"{digest.hexdigest()}"}}\n'.encode() or file.read(1):
            raise ValueError("the content does not match its hash")
        self.sha256 = digest.hexdigest()
        self.dataset: str = json.loads(head + b"]}")["dataset"]
        rest = json.loads(b"{" + content[2:] + b"}")
        self.split: str = rest["split"]
        self.source: str = rest["source"]
        self.split_sha256: str | None = rest["split_sha256"]
        self.tokenized: bool = rest["tokenized"]
        self.tally: dict[str, int] = rest["tally"]

    def _append(self, image: dict[str, Any]) -> None:
        assert isinstance(self.file_names, list), "it is read once"
        self.file_names.append(image["file_name"])
        self._image_ids.append(image["image_id"])
        self._sizes.extend((image["height"], image["width"]))
        self._captions.append(image["captions"])
        regions = image["regions"]
        self._region_ends.append(self._region_ends[-1] + len(regions))
        for region in regions:
            self._boxes.extend(region["box"])
            self._phrases.append(region["phrases"])
            self._attributes.append(region.get("attributes", ()))

    def __len__(self) -> int:
        return len(self.file_names)

    def regions(self, row: int) -> tuple[Region, ...]:
        """Return the regions of the image at a row; boxes are rounded to float32."""
        if not 0 <= row < len(self):
            raise IndexError(f"image {row} of {len(self)}")
        return tuple(map(self._region, range(*self._region_ends[row : row + 2])))

    def _region(self, index: int) -> Region:
        x, y, width, height = self._boxes[4 * index : 4 * index + 4]
        return Region((x, y, width, height), self._phrases[index], self._attributes[index])

    def captions(self, row: int) -> tuple[str, ...]:
        """Return the captions of the image itself, mostly none."""
        return self._captions[row]

    def check_covers(self, split: Split) -> None:
        """Raise InputError where fewer than half of the file's images are in a split."""
        if self.split_sha256 == split.sha256:
            return
        n_shared = int(np.isin(self.image_ids, split.image_ids).sum())
        if 2 * n_shared < len(self):
            raise InputError(
                f"{self.path}: a region file of another split: {n_shared:,} of its {len(self):,} "
                f"images ({self.dataset}, {self.split}) are in {split.split} of {split.dataset}; "
                f"{MADE_BY}, and --split_file"
            )


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; {MADE_BY}") from error
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read ({error.strerror})") from error
    # Of lines that are no JSON, or JSON of something else: in any case a byte was changed.
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise InputError(f"{path}: damaged ({error}); {MADE_BY}") from error
