"""Convert region features that another program extracted to the features file of a split.

Reads a split file and --input: TSV files of LXMERT or bottom-up-attention, a folder of .npz files,
or an HDF5 file with a group for each image (conversion/region_layouts.py names the producers).
Writes `{split}_features.h5` (see preprocess/storage/features_file.py): the split's images in its
order.

    python -m preprocess.convert_features --input train2014_obj36.tsv val2014_obj36.tsv \\
        --split_file datasets/coco/test.json --output datasets/coco/test_features.h5

An image of the input is found by its id ("391895"), COCO's file name ("COCO_val2014_000000391895")
or its file's name in the split, without suffix; images that the split does not have are skipped and
counted. Of more than --n_regions regions the best by object score are kept; without scores the
first, in bottom-up-attention's files the best proposals, not always the best objects. Fewer are
repeated from the first, counted in `n_fillers`. Unknown labels are -1, with score 0. Image sizes
that the input lacks are read below --image_root. `source_crc32` is that of the input's numbers.

Boxes that contradict the producer's format are refused, and so are those that may be xywh as well
as xyxy, unless --box_format says which they are (conversion/box_formats.py has the rule).

Killed at any moment, the same command goes on where it stopped; images whose numbers in the input
changed are converted again. On 2 CPU cores 100 to 200 MB of TSV take a second; memory is 0.9 GB,
whatever the size of the input.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from tqdm import tqdm

from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable
from preprocess.captions.split_file import Split, read_split
from preprocess.conversion.box_formats import BoxFormat
from preprocess.conversion.feature_rows import FeatureRows
from preprocess.conversion.feature_sources import iterate_images
from preprocess.conversion.found_regions import SourceImage
from preprocess.conversion.image_names import ImageNames
from preprocess.storage.features_writer import FeaturesWriter
from preprocess.storage.provenance import detectors_beside

LISTED = 10  # missing images in the error line
SHA256 = re.compile("[0-9a-fA-F]{64}")


@dataclass
class ConvertFeaturesArguments:
    input: list[Path] = field(
        metadata={"help": "TSV or HDF5 files, or folders of .npz files; an image is in one of them"}
    )
    split_file: Path = field(metadata={"help": "split JSON of preprocess.splits"})
    output: Path = field(metadata={"help": "the HDF5 file to write, {split}_features.h5"})
    n_regions: int = field(
        default=36, metadata={"help": "regions an image; more are cut, fewer are repeated"}
    )
    box_format: BoxFormat | None = field(
        default=None,
        metadata={
            "help": "of the input (conversion/box_formats.py); boxes that contradict it are "
            "refused. Default: that of the program that wrote such files, unless it is in doubt"
        },
    )
    image_root: Path | None = field(
        default=None,
        metadata={"help": "folder of the split's images; needed if the input has no image sizes"},
    )
    features_dtype: Literal["float16", "float32", "float64"] | None = field(
        default=None,
        metadata={
            "help": "type of the features in a TSV file, whose bytes do not tell. Default: "
            "float32, unless their number is in doubt"
        },
    )
    verify: bool = field(
        default=False,
        metadata={"help": "compare a finished file with its checksums, and mend what differs"},
    )
    dtype: Literal["float32", "float16"] = field(
        default="float32", metadata={"help": "type of the stored features; float16 halves the file"}
    )
    weights_name: str = field(
        default="unknown",
        metadata={
            "help": "detector that made the features; a warning tells when other features files of "
            "the folder are of another"
        },
    )
    weights_sha256: str = field(
        default="",
        metadata={"help": "SHA-256 of its weights, 64 hexadecimal digits. Default: not known"},
    )


def images_of(
    split: Split, inputs: list[Path], skipped: Counter, features_dtype: str | None = None
) -> Iterator[tuple[int, SourceImage]]:
    """Yield the row and the image of each image of the split in the inputs, in their order.

    Args:
        skipped: counts, by input, the images that the split does not have.
        features_dtype: of TSV files, see `tsv_images`.

    Raises:
        InputError: an image is there twice, or an input cannot be read.
    """
    names = ImageNames(split)
    seen: dict[int, str] = {}
    for path in inputs:
        for image in iterate_images(path, features_dtype):
            row = names.row_of(image.name, image.where)
            if row is None:
                skipped[path] += 1
                continue
            if row in seen:
                raise InputError(
                    f"{image.where}: expected image {split.images[row].image_id} once, found it "
                    f"in {seen[row]} too; remove one of them"
                )
            seen[row] = image.where
            yield row, image


def rows_like_first(
    split: Split,
    inputs: list[Path],
    image_root: Path | None,
    box_format: BoxFormat | None,
    n_regions: int,
    dtype: str,
    features_dtype: str | None,
) -> FeatureRows:
    """Prepare for rows like the first image's, which is tried before anything is written.

    Raises:
        InputError: no image of the split is in the inputs, the first one does not fit, or the
            format of an input's boxes is in doubt.
    """
    paths = [image_root / image.file_name for image in split.images] if image_root else None
    skipped: Counter = Counter()
    for row, image in images_of(split, inputs, skipped, features_dtype):
        rows = FeatureRows(paths, image.read(), box_format, n_regions, dtype)
        rows.convert(rows.read(image, row), image.where)
        for path in inputs:
            rows.check_box_format(path, images_of(split, [path], Counter(), features_dtype))
        return rows
    raise InputError(
        f"{inputs[0]}: expected images of split {split.split!r}, named by id or file name as "
        f"{split.images[0].image_id} or {PurePosixPath(split.images[0].file_name).stem}, found "
        f"none in {skipped.total()} images; check --input and --split_file"
    )


def write_converted(
    writer: FeaturesWriter,
    rows: FeatureRows,
    images: Iterator[tuple[int, SourceImage]],
    progress: tqdm,
) -> None:
    """Write each image's row, but for those that were written from the same numbers before."""
    recorded = writer.source_crc32()
    missing = set(writer.missing_rows().tolist())
    for row, image in images:
        found = rows.read(image, row)
        if row not in missing and recorded[row] != found.crc32:
            writer.discard(np.array([row]))
            missing.add(row)
        if row in missing:
            writer.write(row, **rows.convert(found, image.where))
        progress.update()


def check_all_written(writer: FeaturesWriter, split: Split) -> None:
    """Raise InputError, with some of them, when images of the split are in no input."""
    missing = writer.missing_rows()
    if len(missing):
        listed = ", ".join(str(split.images[row].image_id) for row in missing[:LISTED])
        raise InputError(
            f"{len(missing)} of {len(split.images)} images of split {split.split!r} are not in "
            f"--input: {listed}{', ...' if len(missing) > LISTED else ''}; {writer.path} holds "
            "the others, marked incomplete; repeat the command with the input that has them too"
        )


def check_sha256(value: str) -> None:
    """Raise InputError when --weights_sha256 is given and is no SHA-256."""
    if value and not SHA256.fullmatch(value):
        raise InputError(f"--weights_sha256: expected 64 hexadecimal digits, found {value!r}")


def main() -> None:
    arguments = parse_arguments(ConvertFeaturesArguments, description=__doc__)
    check_at_least("--n_regions", arguments.n_regions, 1)
    check_sha256(arguments.weights_sha256)
    split = read_split(arguments.split_file)
    check_writable(arguments.output)
    rows = rows_like_first(
        split,
        arguments.input,
        arguments.image_root,
        arguments.box_format,
        arguments.n_regions,
        arguments.dtype,
        arguments.features_dtype,
    )
    attributes = {
        "extractor": "preprocess.convert_features",
        "weights": arguments.weights_name,
        "weights_sha256": arguments.weights_sha256.lower(),
        "settings": json.dumps(rows.settings()),
    }
    for line in detectors_beside(arguments.output, attributes):
        print(f"warning: {line}", file=sys.stderr)
    skipped: Counter = Counter()
    with (
        FeaturesWriter(
            arguments.output,
            split.image_ids,
            arguments.n_regions,
            rows.feature_dim,
            arguments.dtype,
            attributes,
            split.source_ids,
        ) as writer,
        tqdm(desc=f"{split.split} features", total=len(split.images), unit="image") as progress,
    ):
        n_damaged = writer.discard_damaged(arguments.verify)
        if n_damaged:
            print(f"{n_damaged} images do not match their checksums, and are made again")
        images = images_of(split, arguments.input, skipped, arguments.features_dtype)
        write_converted(writer, rows, images, progress)
        check_all_written(writer, split)
        writer.finish()
    print(
        f"wrote {arguments.output}: {len(split.images):,} images, {arguments.n_regions} regions "
        f"of {rows.feature_dim} numbers, from {rows.layout.name} with {rows.box_format} boxes; "
        f"skipped {skipped.total():,} images that the split does not have"
    )


if __name__ == "__main__":
    run_command(main, "the images done so far are kept; the same command goes on")
