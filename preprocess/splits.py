"""Make split files from annotations of COCO, Karpathy or Oscar, or a table of your own.

Reads one of
  --karpathy_json  `dataset_coco.json` (also Flickr30k's): writes train.json (with the images
                   marked restval), val.json, minival.json (the first images of val, unless
                   the file has a split of that name), test.json
  --coco_captions  `captions_val2014.json`: writes {split}.json
  --oscar_captions `{split}_captions.pt`, with --oscar_keys `{split}_img_keys.tsv`: {split}.json
  --captions_csv   a table of your own with the columns image and caption: {split}.json
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
    read_csv,
    read_karpathy,
    read_oscar,
)
from preprocess.captions.split_file import Split, write_split

MINIVAL_SIZE = 1000


@dataclass
class SplitArguments:
    output_dir: Path = field(metadata={"help": "folder for the split files, made if needed"})
    karpathy_json: Path | None = field(
        default=None, metadata={"help": "Karpathy's dataset_coco.json: all splits at once"}
    )
    minival_size: int | None = field(
        default=None,
        metadata={
            "help": "images of val, from its start, that make minival (Karpathy only). Default: "
            f"{MINIVAL_SIZE}, or the minival that the file itself has"
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
    dataset: str = field(default="mine", metadata={"help": "the data set's name (--captions_csv)"})
    split: str | None = field(
        default=None, metadata={"help": "name of the split (of all but Karpathy's file)"}
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
    sources = ("karpathy_json", "coco_captions", "oscar_captions", "captions_csv")
    if sum(getattr(arguments, source) is not None for source in sources) != 1:
        raise InputError(f"pass exactly one of --{', --'.join(sources)}")
    if arguments.karpathy_json:
        found = read_karpathy(arguments.karpathy_json)
        return replace(found, splits=with_minival(found.splits, arguments.minival_size))
    if not arguments.split:
        raise InputError("pass --split NAME: the annotations do not tell the name of the split")
    if arguments.coco_captions:
        folder = arguments.image_folder
        if folder is None:
            folder = coco_folder(arguments.coco_captions)
        return read_coco_captions(arguments.coco_captions, arguments.split, folder)
    if arguments.captions_csv:
        return read_csv(arguments.captions_csv, arguments.split, arguments.dataset)
    assert arguments.oscar_captions, "one of the four sources was given"
    return read_oscar_split(arguments, arguments.oscar_captions, arguments.split)


def main() -> None:
    arguments = parse_arguments(SplitArguments, description=__doc__)
    if arguments.minival_size is not None:
        check_at_least("--minival_size", arguments.minival_size, 1)
    found = read_annotations(arguments)
    if found.odd:
        print(f"warning: {len(found.odd):,} odd entries: {named(list(found.odd))}", file=sys.stderr)
    for split in found.splits.values():
        path = arguments.output_dir / f"{split.split}.json"
        write_split(path, split)
        print(f"wrote {path}: {len(split.images):,} images, {len(split.captions):,} captions")


if __name__ == "__main__":
    run_command(main)
