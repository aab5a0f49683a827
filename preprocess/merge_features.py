"""Make one features file from the shards that preprocess.extract_features wrote.

Reads a split file and the shards beside --output, {split}_features.shard-00000-of-00008.h5 and so
on; writes a file of the same data as extract_features without shards would have written.

    python -m preprocess.merge_features --split_file datasets/coco/train.json \\
        --output datasets/coco/train_features.h5

Nothing is written unless the shards are complete, of the same weights and settings, and hold every
image of the split once. Every image's checksum is verified as it is copied: a damaged shard is
named, and leaves the output marked incomplete. Repeated, or killed at any moment, the same command
goes on where it stopped; images that a shard has anew are copied again. The shards stay, and can be
deleted afterwards. Where images were skipped as damaged, {split}_without_skipped.json, beside the
output, is the split of the others.

COCO's 123,287 images, 37 GB in float32, take about 5 minutes of one CPU core where the disk keeps
up, and the memory of one image.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable
from preprocess.captions.skipped_images import write_without_skipped
from preprocess.captions.split_file import Split, read_split
from preprocess.extracting.shards import Shard, find_shards, shard_of_name
from preprocess.storage.features_file import FEATURES, FeaturesFile
from preprocess.storage.features_writer import FeaturesWriter
from preprocess.storage.provenance import detectors_beside, differences, flat_attributes

OF_ONE_FILE = ("schema", "schema_version", "complete", "shard_index", "num_shards")
MAKE = "`python -m preprocess.extract_features --num_shards N --shard_index I`"


@dataclass
class MergeFeaturesArguments:
    split_file: Path = field(metadata={"help": "split JSON that the shards were made with"})
    output: Path = field(metadata={"help": "the HDF5 file to write, {split}_features.h5"})
    shards: list[Path] | None = field(
        default=None, metadata={"help": "the shards' files. Default: those beside the output"}
    )
    verify: bool = field(
        default=False,
        metadata={"help": "compare a finished file with its checksums, and mend what differs"},
    )


class ShardFile(FeaturesFile):
    """A features file whose errors say how to make this one shard again, by its name."""

    def __init__(self, path: Path):
        shard = shard_of_name(path)
        if shard:
            made_by = f"`python -m preprocess.extract_features {shard.options}`"
            self.schema = replace(FEATURES, made_by=made_by)
        super().__init__(path)


def shared_attributes(shard: FeaturesFile) -> dict[str, Any]:
    """Return the attributes that a shard has in common with the file that is made of it."""
    return {key: value for key, value in shard.attributes.items() if key not in OF_ONE_FILE}


def check_alike(shards: Sequence[FeaturesFile]) -> None:
    """Raise InputError unless the shards have the same weights, settings, dtype and shape."""

    def described(shard: FeaturesFile) -> dict[str, Any]:
        return {
            "num_shards": shard.attributes.get("num_shards"),
            **flat_attributes(shared_attributes(shard)),
            "dtype": shard.dtype,
            "shape (regions, dimensions)": (shard.n_regions, shard.feature_dim),
        }

    for shard in shards:
        if not {"num_shards", "shard_index"} <= shard.attributes.keys():
            raise InputError(f"{shard.path}: expected a shard, found a file that is none")
        different = differences(described(shards[0]), described(shard))
        if different:
            raise InputError(
                f"{shard.path}: made with other {', '.join(different)} than {shards[0].path}; "
                "make them alike, or name those of one run with --shards"
            )


def check_every_image_once(shards: Sequence[FeaturesFile], split: Split, output: Path) -> None:
    """Raise InputError unless each image of the split is in exactly one shard, and no other is."""
    shard_of: dict[int, FeaturesFile] = {}
    of_split = set(split.image_ids.tolist())
    for shard in shards:
        shard.check_names(split)
        for image_id in shard.image_ids.tolist():
            if image_id not in of_split:
                raise InputError(
                    f"{shard.path}: image {image_id} is not in split {split.split!r} of "
                    f"{split.source}; expected shards of this split file"
                )
            if image_id in shard_of:
                raise InputError(
                    f"image {image_id} is in {shard_of[image_id].path} and in {shard.path}; "
                    "expected every image once"
                )
            shard_of[image_id] = shard
    count = shards[0].attributes["num_shards"]
    found = {shard.attributes["shard_index"] for shard in shards}
    absent = [Shard(index, count).path(output) for index in range(count) if index not in found]
    if absent:
        raise InputError(
            f"{absent[0]}: no such shard ({len(absent)} of {count} are missing); make it with "
            f"{MAKE}"
        )
    missing = [image_id for image_id in split.image_ids.tolist() if image_id not in shard_of]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(split.images)} images are in no shard, such as image "
            f"{missing[0]}; expected shards of this split file, {split.split!r} of {split.source}"
        )


def discard_changed(
    writer: FeaturesWriter, shards: Sequence[FeaturesFile], row_of: dict[int, int]
) -> None:
    """Make the rows missing that were copied from a shard before it changed."""
    checksums = writer.checksums()
    done = np.ones(len(checksums), bool)
    done[writer.missing_rows()] = False
    for shard in shards:
        rows = np.array([row_of[image_id] for image_id in shard.image_ids.tolist()])
        writer.discard(rows[done[rows] & (checksums[rows] != shard.checksums)])


def copy_rows(writer: FeaturesWriter, shards: Sequence[FeaturesFile], split: Split) -> None:
    """Copy the rows that are missing, in the order of the split, each verified by its checksum."""
    row_of = {image_id: row for row, image_id in enumerate(split.image_ids.tolist())}
    discard_changed(writer, shards, row_of)
    shard_of = {image_id: shard for shard in shards for image_id in shard.image_ids.tolist()}
    missing = writer.missing_rows().tolist()
    done = len(row_of) - len(missing)
    for row in tqdm(
        missing, f"{split.split} features", initial=done, total=len(row_of), unit="image"
    ):
        image_id = int(split.image_ids[row])
        shard = shard_of[image_id]
        if image_id in shard.skipped:
            writer.skip(row, shard.skipped[image_id])
        else:
            writer.write(row, **shard.read(image_id))


def main() -> None:
    arguments = parse_arguments(MergeFeaturesArguments, description=__doc__)
    split = read_split(arguments.split_file)
    check_writable(arguments.output)
    paths = arguments.shards or find_shards(arguments.output)
    if not paths:
        raise InputError(f"{arguments.output}: no shards beside it; make them with {MAKE}")
    shards = [ShardFile(path) for path in paths]
    check_alike(shards)
    check_every_image_once(shards, split, arguments.output)
    first, attributes = shards[0], shared_attributes(shards[0])
    for line in detectors_beside(arguments.output, attributes):
        print(f"warning: {line}", file=sys.stderr)
    with FeaturesWriter(
        arguments.output,
        split.image_ids,
        first.n_regions,
        first.feature_dim,
        first.dtype,
        attributes,
        split.source_ids,
    ) as writer:
        n_damaged = writer.discard_damaged(arguments.verify)
        if n_damaged:
            print(f"{n_damaged} images do not match their checksums, and are made again")
        copy_rows(writer, shards, split)
        writer.finish()
    skipped = {image_id for shard in shards for image_id in shard.skipped}
    print(
        f"wrote {arguments.output}: {len(split.images):,} images from {len(shards)} shards"
        + f", {len(skipped)} of them skipped as damaged" * bool(skipped)
    )
    if skipped:
        print(
            write_without_skipped(
                arguments.split_file, split, arguments.output, skipped, "features"
            )
        )


if __name__ == "__main__":
    run_command(main, "the images done so far are kept; the same command goes on")
