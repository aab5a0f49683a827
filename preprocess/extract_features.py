"""Extract the region features of a split's images with a Faster R-CNN.

Reads a split file, the images below the image root, and a detector (a local folder or file, or a
hub id); writes `{split}_features.h5` (see preprocess/storage/features_file.py).

    python -m preprocess.extract_features --split_file datasets/coco/test.json \\
        --image_root datasets/coco/images --output datasets/coco/test_features.h5

Killed at any moment, the same command goes on where it stopped, to the file that it would have
written; features of images whose files have changed since, also in a finished file, are extracted
again, and stay where the new file is damaged or cannot be read. A damaged image does not stop the
others: the command then names it, exits with status 1, and leaves the file marked incomplete,
unless --skip_damaged says to finish without it. {split}_without_skipped.json, beside the output, is
then the split of the others. Rows that a power cut kept from the disk do not match their checksums:
going on, the command makes them again, and with --verify it looks for them in a finished file.

With --num_shards N, each of N processes, such as the tasks of a Slurm array, writes a shard of its
own beside the output, {split}_features.shard-00003-of-00008.h5, and preprocess.merge_features makes
one file of them. In a Slurm array of N tasks that is the default.

Images of one size share a forward pass (--batch_size), never padded, so that an image's features
are those it has alone, up to rounding. The file records --precision and --compile, which are for
GPUs, and is not gone on with under others; the batch size may change. On 2 CPU cores the published
detector takes about 5 s and 2 GB for an image; COCO's 5,000 test images give a file of 1.5 GB in
float32.
"""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable
from preprocess.captions.skipped_images import write_without_skipped
from preprocess.captions.split_file import Split, read_split
from preprocess.detector.region_picture import draw_pictures
from preprocess.extracting.shards import Shard, choose_shard
from preprocess.storage.features_writer import FeaturesWriter
from preprocess.storage.provenance import detectors_beside

KEPT = "the images done so far are kept; the same command goes on with the others"


@dataclass
class ExtractFeaturesArguments:
    split_file: Path = field(metadata={"help": "split JSON of preprocess.splits"})
    image_root: Path = field(metadata={"help": "folder that the split's file names start from"})
    output: Path = field(metadata={"help": "the HDF5 file to write, {split}_features.h5"})
    weights: str = field(
        default="unc-nlp/frcnn-vg-finetuned",
        metadata={
            "help": "folder or hub id of the detector, or a .pth file of faster-rcnn.pytorch"
        },
    )
    dtype: Literal["float32", "float16"] = field(
        default="float32", metadata={"help": "type of the stored features; float16 halves the file"}
    )
    min_size: int | None = field(
        default=None,
        metadata={"help": "pixels the shorter side is resized to. Default: the detector's own"},
    )
    max_size: int | None = field(
        default=None,
        metadata={"help": "most pixels of the longer side. Default: the detector's own"},
    )
    nms_thresholds: list[float] | None = field(
        default=None,
        metadata={
            "help": "overlaps (intersection over union) at which regions are suppressed, tried in "
            "turn until enough remain; one for a .pth file. Default: the detector's own"
        },
    )
    n_regions: int | None = field(
        default=None, metadata={"help": "regions an image. Default: the detector's own"}
    )
    device: str | None = field(
        default=None,
        metadata={
            "help": "torch device that runs the detector. Default: a GPU if there is one, else cpu"
        },
    )
    num_workers: int = field(
        default=2, metadata={"help": "processes that decode and resize images; 0: none extra"}
    )
    batch_size: int | None = field(
        default=None,
        metadata={
            "help": "most images of one size in a forward pass; features change by rounding only. "
            "Default: 8 on a GPU, 1 on a CPU, which gains nothing"
        },
    )
    precision: Literal["float32", "bfloat16", "float16"] = field(
        default="float32",
        metadata={"help": "type that the detector computes in; other than float32, other features"},
    )
    channels_last: bool = field(
        default=True,
        metadata={"help": "memory layout of the detector, faster; features change by rounding"},
    )
    compile: bool = field(
        default=False,
        metadata={
            "help": "torch.compile what runs on each region, a minute at first; features "
            "change by rounding"
        },
    )
    num_shards: int | None = field(
        default=None,
        metadata={"help": "shards the split is dealt to. Default: a Slurm array's tasks, else 1"},
    )
    shard_index: int | None = field(
        default=None,
        metadata={"help": "shard to extract, from 0. Default: from the number of the Slurm task"},
    )
    skip_damaged: bool = field(
        default=False,
        metadata={"help": "finish the file without damaged images, whose ids it then records"},
    )
    verify: bool = field(
        default=False,
        metadata={"help": "compare a finished file with its checksums, and mend what differs"},
    )
    draw: Path | None = field(
        default=None, metadata={"help": "folder for pictures of images with their regions"}
    )
    draw_first: int = field(default=20, metadata={"help": "images that --draw draws"})


def check_images_exist(paths: list[Path], skip_damaged: bool) -> None:
    """Raise InputError, before hours of work, when an image file is missing.

    Where damaged images are skipped, missing ones are among them, unless all are missing.
    """
    missing = [path for path in paths if not path.is_file()]
    if missing and not (skip_damaged and len(missing) < len(paths)):
        raise InputError(
            f"{missing[0]}: no such image ({len(missing)} of {len(paths)} are missing); "
            "check --image_root"
        )


def check_folder(draw: Path | None) -> None:
    """Raise InputError, before hours of work, when --draw could not write pictures after them."""
    if draw is None:
        return
    if draw.exists() and not draw.is_dir():
        raise InputError(f"--draw {draw}: expected a folder, found a file")
    check_writable(draw / "picture.jpg")


def chosen_shard(arguments: ExtractFeaturesArguments, split: Split) -> Shard:
    """Choose the shard that this process extracts, and say which."""
    shard, source = choose_shard(arguments.num_shards, arguments.shard_index, os.environ)
    n_images = len(shard.rows(len(split.images)))
    if not n_images:
        raise InputError(
            f"--num_shards {shard.count}: expected at most {len(split.images)}, the images of "
            f"{arguments.split_file}"
        )
    if shard.count > 1:
        print(
            f"shard {shard.index} of 0..{shard.count - 1} ({source}): {n_images:,} of "
            f"{len(split.images):,} images, to {shard.path(arguments.output)}",
            flush=True,
        )
    return shard


def main() -> None:
    arguments = parse_arguments(ExtractFeaturesArguments, description=__doc__)
    # Not above: torch takes seconds to import, --help and a mistyped option should not.
    from preprocess.base.device import autocast_dtype, torch_device
    from preprocess.extracting.detector_on_device import (
        chosen_batch_size,
        load_on_device,
    )
    from preprocess.extracting.extraction import check_failures, describe, write_features

    check_at_least("--num_workers", arguments.num_workers, 0)
    check_at_least("--draw_first", arguments.draw_first, 1)
    device = torch_device(arguments.device)
    batch_size = chosen_batch_size(arguments.batch_size, device)
    precision = autocast_dtype(arguments.precision, device)
    split = read_split(arguments.split_file)
    shard = chosen_shard(arguments, split)
    output, rows = shard.path(arguments.output), shard.rows(len(split.images))
    paths = [arguments.image_root / split.images[row].file_name for row in rows]
    check_folder(arguments.draw)
    check_images_exist(paths, arguments.skip_damaged)
    check_writable(output)
    settings = {
        "min_size": arguments.min_size,
        "max_size": arguments.max_size,
        "nms_thresholds": arguments.nms_thresholds and tuple(arguments.nms_thresholds),
        "n_regions": arguments.n_regions,
    }
    detector, info = load_on_device(
        arguments.weights, settings, device, arguments.channels_last, arguments.compile
    )
    shape = (detector.config.n_regions, detector.config.feature_dim)
    made_by = describe(detector.config, info, arguments.precision, arguments.compile)
    attributes: dict[str, str | int] = {**made_by, **shard.attributes}
    for line in detectors_beside(arguments.output, attributes):
        print(f"warning: {line}", file=sys.stderr)
    ids = split.image_ids[rows]
    names = [split.images[row].source_id for row in rows]
    with FeaturesWriter(output, ids, *shape, arguments.dtype, attributes, names) as writer:
        title = f"{split.split} regions"
        n_damaged = writer.discard_damaged(arguments.verify)
        if n_damaged:
            print(f"{n_damaged} images do not match their checksums, and are made again")
        workers, skip = arguments.num_workers, arguments.skip_damaged
        failures = write_features(
            writer, detector, paths, workers, title, batch_size, precision, skip
        )
        check_failures(output, failures, len(paths), skip)
        writer.finish()
        skipped = ids[writer.skipped_rows()].tolist()
    print(
        f"wrote {output}: {len(paths):,} images, {shape[0]} regions of {shape[1]} numbers"
        + f"; skipped as damaged: {', '.join(map(str, skipped))}" * bool(skipped)
    )
    if skipped and shard.count == 1:
        print(write_without_skipped(arguments.split_file, split, output, skipped, "features"))
    if arguments.draw:
        draw_pictures(output, split, arguments.image_root, arguments.draw, arguments.draw_first)


if __name__ == "__main__":
    run_command(main, KEPT)
