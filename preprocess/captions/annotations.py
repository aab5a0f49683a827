"""Readers of the annotation formats that splits are made of.

Real files have odd entries: a caption without text, an image without captions. They are left out,
and named. What cannot be understood at all is an error.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preprocess.base.errors import InputError
from preprocess.base.files import read_json, read_text
from preprocess.base.ids import as_id, id_reader
from preprocess.captions.legacy import read_caption_pt, read_key_tsv
from preprocess.captions.split_file import Caption, CaptionedImage, Split

# An id, and its name where the file has names.
Id = tuple[int, str | None]

KARPATHY_SOURCE = "it is in Karpathy's caption_datasets.zip"
CSV_SOURCE = "docs/data.md says what a table of captions has"
SEPARATORS = ",;\t|"
# What other data sets call a column.
COLUMNS = {
    **dict.fromkeys(("file_name", "filename", "image_name", "image_path"), "image"),
    **dict.fromkeys(("comment", "text", "sentence"), "caption"),
}
COCO_SOURCE = "it is in COCO's annotations_trainval2014.zip"


@dataclass(frozen=True)
class Annotations:
    """What an annotation file holds.

    Attributes:
        splits: by name, images in the order of the file.
        odd: a line for each caption or image that is left out, or was corrected.
    """

    splits: dict[str, Split]
    odd: tuple[str, ...]


def read_karpathy(path: Path) -> Annotations:
    """Read `dataset_coco.json` (or Flickr30k's, Flickr8k's).

    The images marked `restval` belong to `train` (Karpathy & Fei-Fei 2015; 113,287 images).

    Raises:
        InputError: missing file, missing keys, no image, an image in two splits, or a split that
            breaks a rule of `Split`.
    """
    content = read_json(path, KARPATHY_SOURCE)
    members: dict[str, list[CaptionedImage]] = defaultdict(list)
    split_of: dict[int, str] = {}
    odd: list[str] = []
    with _naming(path, "Karpathy's format", KARPATHY_SOURCE):
        dataset = content["dataset"]
        for image in content["images"]:
            split = "train" if image["split"] == "restval" else image["split"]
            captioned = _captioned(
                _number(image["cocoid"] if "cocoid" in image else image["imgid"], "image id"),
                _joined(image.get("filepath"), image["filename"]),
                ((_number(s["sentid"], "caption id"), s["raw"]) for s in image["sentences"]),
                odd,
            )
            other = split_of.setdefault(captioned.image_id, split)
            if other != split:
                raise InputError(f"image {captioned.image_id} is in both {other} and {split}")
            if captioned.captions:
                members[split].append(captioned)
        if not members:
            raise InputError(f"expected at least one image, found none; {KARPATHY_SOURCE}")
        splits = {
            split: Split(dataset, split, path.name, tuple(images))
            for split, images in members.items()
        }
    return Annotations(splits, tuple(odd))


def _number(value: object, what: str) -> Id:
    return as_id(value, what), None


def _captioned(
    image_id: Id, file_name: str, captions: Iterable[tuple[Id, Any]], odd: list[str]
) -> CaptionedImage:
    """Return an image with those of its captions (id, text) that have text; name the others."""
    number, image_name = image_id
    shown, kept = image_name or number, []
    for (caption_number, caption_name), text in captions:
        name = f"caption {caption_name or caption_number} of image {shown}"
        whole = text.encode("utf-8", "ignore").decode() if isinstance(text, str) else ""
        if not whole.strip():
            odd.append(f"{name} has no text")
            continue
        if whole != text:
            odd.append(f"{name} had half of a character, which is taken out")
        kept.append(Caption(caption_number, whole, caption_name))
    if not kept:
        odd.append(f"image {shown} has no caption")
    return CaptionedImage(number, file_name, tuple(kept), image_name)


@contextmanager
def _naming(path: Path, expected: str, source: str) -> Iterator[None]:
    """Name the file in the errors of the block: its own, and those of what is not as expected."""
    try:
        yield
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not {expected} ({error!r}); {source}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _joined(folder: str | None, file_name: str) -> str:
    return "/".join([folder, file_name]) if folder else file_name


def read_coco_captions(path: Path, split: str, image_folder: str) -> Annotations:
    """Read a COCO caption file such as `captions_val2014.json` as one split, in file order.

    Args:
        image_folder: folder of the images below the image root, such as "val2014"; "" for none.

    Raises:
        InputError: missing file or keys, or a split that breaks a rule of `Split`.
    """
    content = read_json(path, COCO_SOURCE)
    captions: dict[int, list[tuple[Id, Any]]] = defaultdict(list)
    odd: list[str] = []
    with _naming(path, "a COCO caption file", COCO_SOURCE):
        image_id = id_reader([image["id"] for image in content["images"]], "image id")
        caption_id = id_reader([a["id"] for a in content["annotations"]], "caption id")
        for annotation in content["annotations"]:
            number, _ = image_id(annotation["image_id"])
            captions[number].append((caption_id(annotation["id"]), annotation["caption"]))
        images = [
            _captioned(
                image_id(image["id"]),
                _joined(image_folder, image["file_name"]),
                captions.pop(image_id(image["id"])[0], ()),
                odd,
            )
            for image in content["images"]
        ]
        if captions:
            raise InputError(
                f"captions of image {next(iter(captions))!r}, which the file does not list"
            )
        return _one_split("coco", split, path.name, images, odd)


def _one_split(
    dataset: str, split: str, source: str, images: list[CaptionedImage], odd: list[str]
) -> Annotations:
    captioned = tuple(image for image in images if image.captions)
    return Annotations({split: Split(dataset, split, source, captioned)}, tuple(odd))


def read_oscar(
    captions_path: Path, keys_path: Path | None, split: str, file_name_of: Callable[[int], str]
) -> Annotations:
    """Read Oscar's captions, in the order of its key file (without one: of the dictionary).

    These files have no caption ids: captions are numbered from 0 in the order of the split, those
    without text too.

    Args:
        file_name_of: image id -> file name below the image root, which the files do not tell.

    Raises:
        InputError: missing or malformed files, a key without captions, or a rule of `Split`.
    """
    captions = read_caption_pt(captions_path)
    keys = read_key_tsv(keys_path) if keys_path else list(captions)
    images, next_caption_id = [], 0
    odd: list[str] = []
    for key in keys:
        if key not in captions:
            raise InputError(f"{captions_path}: no captions for image {key} of {keys_path}")
        numbered = [((i, None), text) for i, text in enumerate(captions[key], next_caption_id)]
        images.append(_captioned((key, None), file_name_of(key), numbered, odd))
        next_caption_id += len(captions[key])
    return _one_split("coco", split, captions_path.name, images, odd)


def read_csv(path: Path, split: str, dataset: str) -> Annotations:
    """Read a table with the columns `image` (a file name) and `caption`, a row a caption.

    Rows of one image need not stand together; images are in the order of their first row. Columns
    `image_id` and `caption_id`, if there are any, are ids or names; without them both are numbered
    from 1. Other columns are left alone. The separator, a comma, semicolon, tab or bar, is told by
    the first line; Flickr30k's `image_name| comment_number| comment` is read too.

    Raises:
        InputError: missing file, a text in no UTF encoding, no such columns, or a rule of `Split`.
    """
    odd: list[str] = []
    rows = _read_rows(path, odd)
    with _naming(path, "a table of images and captions", CSV_SOURCE):
        image_id = id_reader([row["image_id"] for row in rows if "image_id" in row], "image id")
        caption_id = id_reader([r["caption_id"] for r in rows if "caption_id" in r], "caption id")
        of_image: dict[str, list[tuple[int, dict[str, str]]]] = defaultdict(list)
        for number, row in enumerate(rows, start=1):
            of_image[row["image"]].append((number, row))
        for name, own in of_image.items():
            if len(ids := {row.get("image_id") for _, row in own}) > 1:
                raise InputError(f"image {name!r} has {len(ids)} image_ids, expected one")
        images = [
            _captioned(
                image_id(own[0][1]["image_id"]) if "image_id" in own[0][1] else (position, None),
                name,
                (
                    (caption_id(row["caption_id"]) if "caption_id" in row else (number, None), text)
                    for number, row in own
                    for text in [row["caption"]]
                ),
                odd,
            )
            for position, (name, own) in enumerate(of_image.items(), start=1)
        ]
        return _one_split(dataset, split, path.name, images, odd)


class _Barred(csv.excel):
    quotechar = None
    quoting = csv.QUOTE_NONE


def _read_rows(path: Path, odd: list[str]) -> list[dict[str, str]]:
    """Read the rows of a table by the names of its columns; name those that lack a column."""
    text = read_text(path, CSV_SOURCE)
    first = text.partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    # Between bars, a quote is one of the caption.
    style: type[csv.Dialect] = _Barred if separator == "|" else csv.excel
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, style, delimiter=separator, strict=True)
    rows = []
    try:
        columns = _columns(path, next(reader, []))
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            # Of a caption with unquoted separators, the last column, nothing is lost.
            if len(values) > len(columns) and columns[-1] == "caption":
                values[len(columns) - 1 :] = [separator.join(values[len(columns) - 1 :])]
            if len(values) > len(columns):
                raise InputError(
                    f"{path}: line {reader.line_num}: expected {len(columns)} columns, found "
                    f"{len(values)}; put a caption that has a {separator!r} between double quotes"
                )
            if len(values) < len(columns):
                odd.append(f"line {reader.line_num} has {len(values)} of {len(columns)} columns")
                continue
            rows.append({name: value.strip() for name, value in zip(columns, values, strict=True)})
    except csv.Error as error:
        raise InputError(
            f"{path}: line {reader.line_num}: {error}; is a double quote missing, or too many?"
        ) from error
    return rows


def _columns(path: Path, names: list[str]) -> list[str]:
    """Return what the columns are called here: an alias counts where the name itself is missing."""
    columns = [name.strip().lower() for name in names]
    for wanted in ("image", "caption"):
        if wanted in columns:
            continue
        aliases = [name for name in columns if COLUMNS.get(name) == wanted]
        if len(aliases) > 1:
            both = " and ".join(aliases)
            raise InputError(f"{path}: {both} may both be the {wanted}; rename one")
        columns = [wanted if name in aliases else name for name in columns]
    missing = [name for name in ("image", "caption") if name not in columns]
    if missing or len(set(columns)) < len(columns):
        raise InputError(
            f"{path}: expected a first line with the columns image and caption, each once, found "
            f"{', '.join(names)[:80]!r}"
        )
    return columns
