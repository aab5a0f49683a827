"""Captions of Flickr30k (and COCO) as others hand them on: the hub's, Kaggle's, ALBEF's.

Their ids differ. Karpathy's JSON numbers the images from 0 (`imgid`); the number in a file's name
is the photograph's at Flickr, up to 8,251,604,257, which 32 bits do not hold. Each reader says
which it takes.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.base.ids import as_id, id_reader
from preprocess.captions.annotations import Annotations, Id, captioned_image, naming, one_split
from preprocess.captions.caption_table import COLUMNS, read_rows
from preprocess.captions.split_file import CaptionedImage, Split

HUB_SOURCE = "it is flickr_annotations_30k.csv of nlphuji/flickr30k on the Hugging Face hub"
ALBEF_SOURCE = "they are the flickr30k_{train,val,test}.json of ALBEF, BLIP and X-VLM"
# Images and captions of Karpathy's splits (Karpathy & Fei-Fei 2015), five an image.
FLICKR30K_IMAGES = {"train": 29_000, "val": 1_014, "test": 1_000}
TOKENISED = 'captions are tokenised ("in the yard ."), Karpathy\'s are as written'
LAST_NUMBER = re.compile(r"\d{1,19}$", re.ASCII)


def read_hub_table(path: Path, dataset: str) -> Annotations:
    """Read the hub's table: a row an image, whose captions are a list in JSON; all splits at once.

    Columns: `filename`, `raw` (or `caption`; the list), `split`, by which the images are divided,
    and, if there are any, `img_id` and `sentids` (a list, too). The data set's one split on the hub
    is called test, and has all 31,014 images; Karpathy's splits are in that column alone. Ids are
    those two columns', which are Karpathy's; without them both are numbered from 1.

    Raises:
        InputError: missing file or columns, a list that is none, or a rule of `Split`.
    """
    odd: list[str] = []
    members: dict[str, list[CaptionedImage]] = defaultdict(list)
    with naming(path, "the hub's table of captions", HUB_SOURCE):
        rows = read_rows(path, odd, {**COLUMNS, "raw": "caption"})
        if rows and "split" not in rows[0]:
            raise InputError(
                "has no column split: all images would be one split, and a test of 31,014 is not "
                "Flickr30k 1K; take the table that has it, or Karpathy's dataset_flickr30k.json"
            )
        numbers = count(1)
        for position, row in enumerate(rows, start=1):
            image = _image_of_row(row, position, numbers, odd)
            if image.captions:
                members[row["split"]].append(image)
        if not members:
            raise InputError(f"expected at least one image, found none; {HUB_SOURCE}")
        splits = {
            split: Split(dataset, split, path.name, tuple(images))
            for split, images in members.items()
        }
    return Annotations(splits, tuple(odd))


def _image_of_row(
    row: Mapping[str, str], position: int, numbers: Iterator[int], odd: list[str]
) -> CaptionedImage:
    """Return the image of the hub's row; `position` and `numbers` are ids where it has none."""
    texts = _json_list(row["caption"], f"captions of {row['image']}")
    if "sentids" in row:
        ids = _json_list(row["sentids"], f"sentids of {row['image']}")
    else:
        ids = [next(numbers) for _ in texts]
    if len(ids) != len(texts):
        raise InputError(f"{row['image']} has {len(texts)} captions and {len(ids)} sentids")
    image_id = as_id(row.get("img_id", position), "img_id")
    captions = [((as_id(i, "sentid"), None), text) for i, text in zip(ids, texts, strict=True)]
    return captioned_image((image_id, None), row["image"], captions, odd)


def _json_list(text: str, what: str) -> list[Any]:
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{what}: expected a list in JSON, found {text[:40]!r}") from error
    if not isinstance(values, list):
        raise InputError(f"{what}: expected a list in JSON, found {text[:40]!r}")
    return values


def read_albef(path: Path, split: str, dataset: str) -> Annotations:
    """Read ALBEF's JSON of one split: `[{"image": path, "caption": text or list of texts}, ...]`.

    Its train file has an entry a caption, the others one an image; entries of one image are put
    together, in the order of its first. Image ids are the numbers that the files' names end with
    (at Flickr the photograph's, in COCO the image's), or, where one has none, 1, 2, 3, ...;
    captions are numbered from 1. Its running `image_id`, if there is one, is left alone.

    Raises:
        InputError: missing file or keys, two images with one number, or a rule of `Split`.
    """
    content = read_json(path, ALBEF_SOURCE)
    odd: list[str] = []
    with naming(path, "ALBEF's JSON of captions", ALBEF_SOURCE):
        if not isinstance(content, list):
            raise InputError(f"not ALBEF's JSON (no list of entries); {ALBEF_SOURCE}")
        captions: dict[str, list[tuple[Id, Any]]] = defaultdict(list)
        numbers = count(1)
        for entry in content:
            texts = entry["caption"] if isinstance(entry["caption"], list) else [entry["caption"]]
            captions[entry["image"]] += [((next(numbers), None), text) for text in texts]
        ids = _numbers(captions)
        image_id = id_reader(ids, "image")
        images = [
            captioned_image(image_id(own_id), name, own, odd)
            for own_id, (name, own) in zip(ids, captions.items(), strict=True)
        ]
        return one_split(dataset, split, path.name, images, odd)


def _numbers(names: Iterable[str]) -> list[str]:
    """Return the number that each file's name ends with; the names, where one has none."""
    found = [LAST_NUMBER.search(PurePosixPath(name).stem) for name in names]
    return [match[0] for match in found if match] if all(found) else list(names)


def with_captions_of(table: Split, karpathy: Annotations) -> Annotations:
    """Return Karpathy's splits with the captions of a table, such as Kaggle's `results.csv`.

    Images are matched by the names of their files, without folders, and keep Karpathy's ids and
    order; the captions have the table's. Kaggle's are tokenised: "in the yard ." where Karpathy's
    have "in the yard.", and published numbers are of his: numbers of Kaggle's have no name.

    Raises:
        InputError: the table has no image of the splits, or a split keeps none.
    """
    captions = {PurePosixPath(image.file_name).name: image.captions for image in table.images}
    used: set[str] = set()
    splits, odd = {}, list(karpathy.odd)
    for name, split in karpathy.splits.items():
        kept = []
        for image in split.images:
            file_name = PurePosixPath(image.file_name).name
            if file_name in captions:
                used.add(file_name)
                kept.append(replace(image, captions=captions[file_name]))
            else:
                odd.append(f"{file_name} of {name} has no caption in {table.source}")
        source = f"{table.source}, splits of {split.source}"
        if not kept:
            raise InputError(
                f"{table.source}: has none of the {len(split.images):,} images of {name}"
            )
        splits[name] = replace(split, source=source, images=tuple(kept))
    if left := len(captions) - len(used):
        odd.append(f"{left:,} images of {table.source} are in no split of Karpathy's")
    return Annotations(splits, tuple(odd))


def are_tokenised(captions: Sequence[str]) -> bool:
    """Return whether more than half of the captions end in " .", as nearly all of Kaggle's do."""
    return 2 * sum(caption.rstrip().endswith(" .") for caption in captions) > len(captions)


def other_sizes(splits: Mapping[str, Split]) -> list[str]:
    """Return what splits of Flickr30k have otherwise than Karpathy's; nothing of other data sets.

    Numbers of images and of their captions, and whether these are tokenised. A `minival` is made
    here, and may have any size.
    """
    lines = []
    for name, split in splits.items():
        n_images = FLICKR30K_IMAGES.get(name)
        if split.dataset != "flickr30k" or n_images is None:
            continue
        counts = Counter(len(image.captions) for image in split.images)
        found = len(split.images)
        if found != n_images:
            lines.append(f"{name} has {found:,} images, Karpathy's {name} {n_images:,}")
        if set(counts) != {5}:
            odd = found - counts[5]
            lines.append(f"{odd:,} of the {found:,} images of {name} have not five captions")
        if are_tokenised(split.captions):
            lines.append(f"{name}'s {TOKENISED}")
    return lines
