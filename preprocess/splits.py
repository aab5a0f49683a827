"""Make split files from annotations of COCO, Flickr30k, VizWiz or Oscar, or a table of your own.

Reads one of
  --karpathy_json  `dataset_coco.json` or `dataset_flickr30k.json`: writes train.json (with the
                   images marked restval), val.json, minival.json (the first images of val, unless
                   the file has a split of that name), test.json; with --captions_csv, such as
                   Kaggle's results.csv, the captions are that table's
  --coco_captions  `captions_val2014.json`: writes {split}.json
  --oscar_captions `{split}_captions.pt`, with --oscar_keys `{split}_img_keys.tsv`: {split}.json
  --captions_csv   a table of your own with the columns image and caption: {split}.json
  --hub_csv        the hub's flickr_annotations_30k.csv: the same files as of --karpathy_json
  --albef_json     a JSON of ALBEF, BLIP or X-VLM, such as flickr30k_test.json: {split}.json
  --vizwiz_captions  VizWiz-Captions' train.json and val.json: writes train.json, val.json and
                   minival.json (the first images of train, which are taken out of it), and beside
                   each {split}_text_detected.json; rejected and precanned captions are left out
and writes `{output_dir}/{split}.json` (format: preprocess/captions/split_file.py). Captions without
text, and images left without captions, are left out, counted and named.

    python -m preprocess.splits --karpathy_json dataset_coco.json --output_dir datasets/coco

COCO's 123,287 images take about 25 s and 1.5 GB of memory on one CPU core.
"""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from preprocess.base.command_line import check_at_least, named, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.captions.annotations import (
    Annotations,
    read_coco_captions,
    read_karpathy,
    read_oscar,
)
from preprocess.captions.caption_table import read_csv
from preprocess.captions.flickr_tables import (
    other_sizes,
    read_albef,
    read_hub_table,
    with_captions_of,
)
from preprocess.captions.split_file import Split, write_split
from preprocess.captions.text_detected import text_detected_file, write_text_detected
from preprocess.captions.vizwiz import read_vizwiz

MINIVAL_SIZE = 1000
SOURCES = (
    *("karpathy_json", "coco_captions", "oscar_captions"),
    *("captions_csv", "hub_csv", "albef_json", "vizwiz_captions"),
)


@dataclass
class SplitArguments:
    output_dir: Path = field(metadata={"help": "folder for the split files, made if needed"})
    karpathy_json: Path | None = field(
        default=None,
        metadata={"help": "Karpathy's dataset_coco.json or dataset_flickr30k.json: all splits"},
    )
    minival_size: int | None = field(
        default=None,
        metadata={
            "help": "images of val (of VizWiz's train), from its start, that make minival (of all "
            f"splits). Default: {MINIVAL_SIZE}, or the minival that the file itself has"
        },
    )
    coco_captions: Path | None = field(
        default=None, metadata={"help": "a COCO caption file, such as captions_val2014.json"}
    )
    oscar_captions: Path | None = field(
        default=None, metadata={"help": "Oscar's {split}_captions.pt"}
    )
    oscar_keys: Path | None = field(
        default=None, metadata={"help": "Oscar's key TSV, which orders (and limits) the images"}
    )
    captions_csv: Path | None = field(
        default=None,
        metadata={"help": "table with the columns image (a file name) and caption"},
    )
    hub_csv: Path | None = field(
        default=None,
        metadata={"help": "a table with the columns filename, raw (lists in JSON) and split"},
    )
    albef_json: Path | None = field(
        default=None, metadata={"help": "a list of entries with image and caption, of one split"}
    )
    vizwiz_captions: list[Path] | None = field(
        default=None, metadata={"help": "VizWiz-Captions' train.json and val.json, or one of them"}
    )
    dataset: str = field(
        default="mine",
        metadata={
            "help": "the data set's name (--captions_csv, --hub_csv, --albef_json); flickr30k or "
            "coco, where it is one of these, lets numbers be called by their benchmark's name"
        },
    )
    split: str | None = field(
        default=None, metadata={"help": "name of the split, where the file does not tell it"}
    )
    image_folder: str | None = field(
        default=None,
        metadata={
            "help": "folder of the images below the image root, such as val2014. Default: told by "
            "the name captions_<folder>.json; val2014 for Oscar's val, minival and test"
        },
    )
    image_root: Path | None = field(
        default=None,
        metadata={
            "help": "Oscar's train split is in two folders, and its files do not tell which image "
            "is where: look under this folder for train2014/ and val2014/"
        },
    )


def minival_of(val: Split, size: int) -> Split:
    """Return the first `size` images of `val` (all, if it has fewer) as the split `minival`."""
    return replace(val, split="minival", images=val.images[:size])


def coco_folder(caption_file: Path) -> str:
    """Return the image folder told by a caption file's name: captions_val2014.json -> val2014.

    Raises:
        InputError: the name does not tell.
    """
    prefix, _, folder = caption_file.stem.partition("_")
    if prefix != "captions" or not folder:
        raise InputError(
            f"{caption_file}: the name does not tell the image folder (expected "
            "captions_<folder>.json); pass --image_folder"
        )
    return folder


def coco_file_name(image_id: int, folders: list[str], image_root: Path | None) -> str:
    """Return "val2014/COCO_val2014_<12 digits>.jpg", in the first folder that has the file.

    Without an image root, there must be one folder, and the file is not looked for.

    Raises:
        InputError: no folder has the file, or it takes an image root to choose a folder.
    """
    names = [f"{folder}/COCO_{folder}_{image_id:012d}.jpg" for folder in folders]
    if image_root is None:
        if len(names) == 1:
            return names[0]
        raise InputError(f"images may be in {' or '.join(folders)}: pass --image_root to look")
    for name in names:
        if (image_root / name).is_file():
            return name
    raise InputError(f"{image_root}: image {image_id} is in none of {', '.join(names)}")


def with_minival(splits: dict[str, Split], size: int | None) -> dict[str, Split]:
    """Return the splits with a minival: the file's own, or else the first images of val.

    Raises:
        InputError: the file has one, and a size is asked for.
    """
    if "minival" in splits:
        if size is not None:
            raise InputError(
                "--minival_size: the file has a split minival of its own "
                f"({len(splits['minival'].images):,} images), which is kept; leave the option out"
            )
        return splits
    if "val" not in splits:
        return splits
    return {**splits, "minival": minival_of(splits["val"], size or MINIVAL_SIZE)}


def read_oscar_split(arguments: SplitArguments, captions: Path, split: str) -> Annotations:
    """Read Oscar's files for `split`, finding each image's file name."""
    if arguments.image_folder is not None:
        folders = [arguments.image_folder]
    else:
        folders = ["train2014", "val2014"] if split == "train" else ["val2014"]
    return read_oscar(
        captions,
        arguments.oscar_keys,
        split,
        lambda image_id: coco_file_name(image_id, folders, arguments.image_root),
    )


def read_annotations(arguments: SplitArguments) -> Annotations:
    """Read the one source that was given.

    Raises:
        InputError: not exactly one source, no split name where it takes one, or a bad source.
    """
    given = [name for name in SOURCES if getattr(arguments, name) is not None]
    if len(given) != 1 and given != ["karpathy_json", "captions_csv"]:
        raise InputError(
            f"pass exactly one of --{', --'.join(SOURCES)}, or --karpathy_json for the splits and "
            "--captions_csv for their captions"
        )
    if arguments.vizwiz_captions:
        return read_vizwiz(arguments.vizwiz_captions, arguments.minival_size or MINIVAL_SIZE)
    if arguments.karpathy_json or arguments.hub_csv:
        found = read_all_splits(arguments)
        return replace(found, splits=with_minival(found.splits, arguments.minival_size))
    split = arguments.split
    if not split:
        raise InputError("pass --split NAME: the annotations do not tell the name of the split")
    if arguments.coco_captions:
        folder = arguments.image_folder
        if folder is None:
            folder = coco_folder(arguments.coco_captions)
        return read_coco_captions(arguments.coco_captions, split, folder)
    if arguments.captions_csv:
        return read_csv(arguments.captions_csv, split, arguments.dataset)
    if arguments.albef_json:
        return read_albef(arguments.albef_json, split, arguments.dataset)
    assert arguments.oscar_captions, "one of the sources was given"
    return read_oscar_split(arguments, arguments.oscar_captions, split)


def read_all_splits(arguments: SplitArguments) -> Annotations:
    """Read the source that has all splits: the hub's table, or Karpathy's file, and whose captions.

    Raises:
        InputError: a bad source.
    """
    if arguments.hub_csv:
        return read_hub_table(arguments.hub_csv, arguments.dataset)
    assert arguments.karpathy_json, "one of the two was given"
    karpathy = read_karpathy(arguments.karpathy_json)
    if arguments.captions_csv is None:
        return karpathy
    table = read_csv(arguments.captions_csv, "all", arguments.dataset)
    found = with_captions_of(table.splits["all"], karpathy)
    return replace(found, odd=(*table.odd, *found.odd))


def main() -> None:
    arguments = parse_arguments(SplitArguments, description=__doc__)
    if arguments.minival_size is not None:
        check_at_least("--minival_size", arguments.minival_size, 1)
    found = read_annotations(arguments)
    for line in found.told:
        print(line)
    if found.odd:
        print(f"warning: {len(found.odd):,} odd entries: {named(list(found.odd))}", file=sys.stderr)
    for line in other_sizes(found.splits):
        print(f"warning: not Karpathy's Flickr30k: {line}", file=sys.stderr)
    for split in found.splits.values():
        path = arguments.output_dir / f"{split.split}.json"
        write_split(path, split)
        if found.text_detected:
            write_text_detected(text_detected_file(path), split, found.text_detected)
        print(f"wrote {path}: {len(split.images):,} images, {len(split.captions):,} captions")


if __name__ == "__main__":
    run_command(main)
