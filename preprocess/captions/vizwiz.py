"""VizWiz-Captions' annotations: photographs by people who are blind, five captions each.

COCO's format with fields of its own. An annotation has `is_precanned` (the worker pressed the
button for one fixed sentence) and `is_rejected` (spam, found in review); an image `text_detected`,
and a name that tells the split. The official evaluation scores without both, and so the captions of
both are left out here, and the images that have no other.
"""

import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from preprocess.base.errors import InputError, InputWarning
from preprocess.base.files import read_json, sha256_of_file
from preprocess.base.ids import as_id
from preprocess.captions.annotations import Annotations, coco_images, naming
from preprocess.captions.split_file import Split
from preprocess.captions.white_space import breaks_line, in_one_line

VIZWIZ_SOURCE = "it is in VizWiz-Captions' annotations.zip (docs/vizwiz.md)"
WITHHELD = (
    "has no captions: those of VizWiz's test are withheld, and its server scores what is sent to "
    "it; pass train.json and val.json"
)
PRECANNED = "quality issues are too severe to recognize visual content"
FLAGS = ("is_rejected", "is_precanned")
FILE_NAME = re.compile(r"VizWiz_([a-z]+)_[0-9]+\.[a-z]+")
# Images and captions as published (Gurari et al. 2020), and what is left by the flags alone, as the
# authors of csc2516-final-project printed it.
PUBLISHED = {"train": (23_431, 117_155, 100_575), "val": (7_750, 38_750, 33_145)}
LISTED = 5  # images in a line


def read_vizwiz(paths: Sequence[Path], minival_size: int) -> Annotations:
    """Read `train.json` and `val.json` of VizWiz-Captions, or one of them.

    Captions with a flag are left out, and those that say the precanned sentence without it; white
    space of every kind becomes one blank. The first images of train become `minival`, and are no
    longer train's: val is what is reported. File names begin with the folder that an archive has,
    "train/VizWiz_train_00000000.jpg".

    Raises:
        InputError: missing file or keys, no captions (test's are withheld), names of another data
            set, an image or caption in two files, a flag that is neither true nor false, a train
            that is no larger than minival, or a split that breaks a rule of `Split`.
    """
    splits: dict[str, Split] = {}
    text_detected: dict[int, bool] = {}
    told: list[str] = []
    odd: list[str] = []
    for path in paths:
        with naming(path, "VizWiz's format", VIZWIZ_SOURCE):
            content = read_json(path, VIZWIZ_SOURCE)
            split = _read_split(path, content, told, odd)
            _check_apart(split, splits)
            splits[split.split] = split
            text_detected |= _text_detected(content["images"])
    if "train" in splits:
        minival, train = hold_out(splits["train"], minival_size)
        splits |= {"train": train, "minival": minival}
    return Annotations(splits, tuple(odd), tuple(told), text_detected)


def _read_split(path: Path, content: Any, told: list[str], odd: list[str]) -> Split:
    listed = content["images"]
    name = _name_of_split(listed)
    if "annotations" not in content:
        raise InputError(WITHHELD)
    annotations = content["annotations"]
    counts = Counter(images=len(listed), captions=len(annotations))
    kept = list(_kept(annotations, counts))
    captioned = {as_id(annotation["image_id"], "image id") for annotation in kept}
    shown = [image for image in listed if as_id(image["id"], "image id") in captioned]
    bare = [image["id"] for image in listed if as_id(image["id"]) not in captioned]
    images = coco_images({"images": shown, "annotations": kept}, name, odd)
    told += _told(path.name, counts, bare)
    _warn_of_other_version(path, name, counts)
    source = f"{path.name} sha256:{sha256_of_file(path)}, without rejected and precanned captions"
    return Split("vizwiz", name, source, tuple(image for image in images if image.captions))


def vizwiz_images(path: Path) -> list[str]:
    """Return the names of all images that a file lists, below the image root.

    Raises:
        InputError: as of `read_vizwiz`.
    """
    content = read_json(path, VIZWIZ_SOURCE)
    with naming(path, "VizWiz's format", VIZWIZ_SOURCE):
        folder = _name_of_split(content["images"])
        return [f"{folder}/{image['file_name']}" for image in content["images"]]


def _name_of_split(images: Sequence[Mapping[str, Any]]) -> str:
    found = {m[1] for i in images if (m := FILE_NAME.fullmatch(str(i["file_name"])))}
    odd = [i["file_name"] for i in images if not FILE_NAME.fullmatch(str(i["file_name"]))]
    if len(found) != 1 or odd:
        shown = repr(odd[0]) if odd else f"those of {', '.join(sorted(found)) or 'no image'}"
        raise InputError(
            f"expected images of one split, named such as VizWiz_val_00000000.jpg, found {shown}; "
            f"{VIZWIZ_SOURCE}"
        )
    return found.pop()


def _kept(annotations: Sequence[Mapping[str, Any]], counts: Counter[str]) -> Iterator[dict]:
    """Yield the annotations that are to be used, in one line; count the others by their reasons."""
    for annotation in annotations:
        flags = [name for name in FLAGS if _flag(annotation, name, counts)]
        counts.update(flags or ["without a flag"])
        if flags:
            counts["both"] += len(flags) == len(FLAGS)
            continue
        text = annotation["caption"]
        if not isinstance(text, str) or not text.strip():
            counts["without text"] += 1
            continue
        line = in_one_line(text)
        if says_precanned(line):
            counts["unflagged"] += 1
            continue
        counts["cleaned"] += line != text
        counts["line breaks"] += breaks_line(text)
        yield {**annotation, "caption": line}


def _flag(annotation: Mapping[str, Any], name: str, counts: Counter[str]) -> bool:
    value = annotation.get(name)
    if value is None:
        counts[f"no {name}"] += 1
    if value not in (True, False, None):
        raise InputError(
            f"caption {annotation['id']}: expected {name} true or false, found {value!r}"
        )
    return bool(value)


def says_precanned(text: str) -> bool:
    """Return whether a caption is the fixed sentence and nothing else; signs and case are alike."""
    return "".join(c for c in in_one_line(text).lower() if c.isalpha() or c == " ") == PRECANNED


def _told(name: str, counts: Counter[str], bare: Sequence[int]) -> Iterator[str]:
    """Yield the lines that say what was left out or changed.

    Args:
        bare: ids of the images that no caption is left of.
    """
    yield (
        f"{name}: {counts['captions']:,} captions of {counts['images']:,} images; left out: "
        f"{counts['is_rejected']:,} rejected, {counts['is_precanned']:,} precanned (of these both: "
        f"{counts['both']:,})"
    )
    if counts["unflagged"]:
        yield (
            f"{name}: left out, too: {counts['unflagged']:,} that say the precanned sentence and "
            "are not marked so (the official evaluation keeps them)"
        )
    for flag in FLAGS:
        if counts[f"no {flag}"]:
            yield f"{name}: {counts[f'no {flag}']:,} captions have no {flag}, and are kept"
    if counts["without text"]:
        yield f"{name}: left out, too: {counts['without text']:,} captions without text"
    if counts["cleaned"]:
        yield (
            f"{name}: white space cleaned in {counts['cleaned']:,} captions, of which "
            f"{counts['line breaks']:,} had a line break of some kind"
        )
    if bare:
        more = ", ..." * (len(bare) > LISTED)
        yield (
            f"{name}: {len(bare):,} images have no caption left, and are left out: "
            f"{', '.join(map(str, bare[:LISTED]))}{more}"
        )


def _warn_of_other_version(path: Path, split: str, counts: Counter[str]) -> None:
    found = (counts["images"], counts["captions"], counts["without a flag"])
    if split in PUBLISHED and found != PUBLISHED[split]:
        numbers = "{:,} images, {:,} captions, {:,} of them without a flag"
        expected = numbers.format(*PUBLISHED[split])
        warnings.warn(
            f"{path}: expected {expected}, found {numbers.format(*found)}: another version, or "
            "a part; its scores do not compare with published ones",
            InputWarning,
            stacklevel=2,
        )


def _text_detected(images: Sequence[Mapping[str, Any]]) -> dict[int, bool]:
    told = ((image["id"], image.get("text_detected")) for image in images)
    return {int(image_id): value for image_id, value in told if isinstance(value, bool)}


def _check_apart(split: Split, others: Mapping[str, Split]) -> None:
    """Raise InputError where an image or a caption is in two files, or two are of one split."""
    for name, other in others.items():
        if name == split.split:
            raise InputError(f"is of the split {name}, as {other.source.partition(' ')[0]} is")
        for what, own, theirs in (
            ("image", split.image_ids, other.image_ids),
            ("caption", split.caption_ids, other.caption_ids),
        ):
            if common := set(own.tolist()) & set(theirs.tolist()):
                raise InputError(
                    f"{what} {min(common)} is in {other.source.partition(' ')[0]}, too; expected "
                    f"ids that are of one split; {VIZWIZ_SOURCE}"
                )


def hold_out(train: Split, size: int) -> tuple[Split, Split]:
    """Return the first `size` images of train as the split `minival`, and train without them.

    Raises:
        InputError: nothing would be left to train on.
    """
    n_images = len(train.images)
    if size >= n_images:
        raise InputError(
            f"--minival_size: expected fewer than the {n_images:,} images of train, found {size}"
        )
    first = f"its first {size:,} images"
    minival = replace(
        train, split="minival", source=f"{train.source}: {first}", images=train.images[:size]
    )
    rest = f"{train.source}: without {first}, which are minival"
    return minival, replace(train, source=rest, images=train.images[size:])
