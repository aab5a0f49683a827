"""Make `{split}_regions.json`: the regions of images, and what is said of each.

X-VLM is trained on them (docs/regions.md). Reads one of
  --coco_instances `instances_train2014.json`, or several: the name of an object's category is its
                   phrase; crowds are left out
  --visual_genome  a folder with Visual Genome's `image_data.json` and any of
                   `region_descriptions.json`, `objects.json` and `attributes.json`, or these files
  --json_lines     files or folders of X-VLM's own format, an image a line
and writes one file (format: preprocess/region_phrases/region_file.py). With --split_file the images
of that split alone are kept; with --leave_out those of some splits are not, which Visual Genome
needs: half of its images are COCO's, test images among them.

    python -m preprocess.regions --coco_instances instances_train2014.json \\
        instances_val2014.json --split_file datasets/coco/train.json \\
        --output datasets/coco/train_regions.json

What is odd (a box that reaches out of its image, a phrase without a word, an entry without a box)
is cut or left out, counted, and the first few are named. On one CPU core, a file of the size of
Visual Genome's region descriptions took 75 s and 0.2 GB of memory (benchmarks/region_files.py; with
the objects and their attributes, 23 microseconds a region), one of the size of COCO's train
instances 33 s and 2.5 GB.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tqdm import tqdm

from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable
from preprocess.captions.split_file import read_split
from preprocess.region_phrases.checked_regions import FoundImage, checked_images
from preprocess.region_phrases.coco_instances import read_coco_instances
from preprocess.region_phrases.image_choice import ImageChoice
from preprocess.region_phrases.json_lines import (
    JsonLines,
    check_no_visual_genome,
    json_lines_files,
    lines_images,
)
from preprocess.region_phrases.region_file import ImageRegions, write_regions
from preprocess.region_phrases.tally import Tally
from preprocess.region_phrases.visual_genome import read_visual_genome, visual_genome_files

# Each option, and what the data set is called without --dataset.
SOURCES = {"coco_instances": "coco", "visual_genome": "visual_genome", "json_lines": "json_lines"}
# Options that one source alone takes.
BELONGS = {
    "image_folder": "coco_instances",
    "image_root": "json_lines",
    "unpack_images": "json_lines",
    "tokenized": "json_lines",
}


@dataclass
class RegionsArguments:
    output: Path = field(metadata={"help": "the file to write, {split}_regions.json"})
    coco_instances: list[Path] | None = field(
        default=None, metadata={"help": "COCO's instances_train2014.json and the like"}
    )
    visual_genome: list[Path] | None = field(
        default=None,
        metadata={
            "help": "a folder, or files: image_data.json and any of region_descriptions.json, "
            "objects.json, attributes.json"
        },
    )
    json_lines: list[Path] | None = field(
        default=None, metadata={"help": "files or folders of JSON lines, X-VLM's own format"}
    )
    split_file: Path | None = field(
        default=None,
        metadata={"help": "split JSON: keep its images alone (of all but --visual_genome)"},
    )
    leave_out: list[str] | None = field(
        default=None,
        metadata={
            "help": "split JSONs whose images are left out, by their ids in COCO, such as "
            "datasets/coco/val.json datasets/coco/test.json; or none, to leave out nothing"
        },
    )
    split: str | None = field(
        default=None, metadata={"help": "name of the split. Default: the split file's, or train"}
    )
    dataset: str | None = field(
        default=None,
        metadata={"help": "the data set's name. Default: the split file's, or the source's"},
    )
    image_folder: str | None = field(
        default=None,
        metadata={
            "help": "folder of COCO's images below the image root. Default: the split file's "
            "names, or told by the name instances_<folder>.json"
        },
    )
    image_root: Path | None = field(
        default=None,
        metadata={"help": "folder that image_rpath starts from, to read sizes (--json_lines)"},
    )
    unpack_images: Path | None = field(
        default=None,
        metadata={"help": "folder to write images to that are in their lines (--json_lines)"},
    )
    tokenized: bool = field(
        default=False,
        metadata={"help": "texts are word pieces joined by spaces (--json_lines of X-VLM's 16M)"},
    )
    bad_boxes: Literal["cut", "error"] = field(
        default="cut",
        metadata={"help": "cut boxes to their image and leave out what is outside, or stop"},
    )


def source_of(arguments: RegionsArguments) -> str:
    """Return the name of the one source that was given.

    Raises:
        InputError: not exactly one, or an option that is not for it.
    """
    given = [source for source in SOURCES if getattr(arguments, source)]
    if len(given) != 1:
        raise InputError(f"pass exactly one of --{', --'.join(SOURCES)}")
    for option, source in BELONGS.items():
        if getattr(arguments, option) and given != [source]:
            raise InputError(f"--{option} is for --{source} alone; leave it out")
    return given[0]


def choose_images(arguments: RegionsArguments, source: str, tally: Tally) -> ImageChoice:
    """Return which images are kept.

    Raises:
        InputError: the options do not say so, or a file is no split file.
    """
    if source == "visual_genome":
        if arguments.split_file:
            raise InputError("--split_file: Visual Genome has no splits; use --leave_out")
        if not arguments.leave_out:
            raise InputError(
                "--visual_genome: 51,208 of Visual Genome's images are COCO's, and some are in its "
                "test split; pass --leave_out datasets/coco/val.json datasets/coco/test.json, or "
                "--leave_out none"
            )
    elif not arguments.split_file and not arguments.leave_out:
        print(
            "warning: neither --split_file nor --leave_out: images of a test split are not told "
            "from others",
            file=sys.stderr,
        )
    names = arguments.leave_out or []
    paths = [] if names == ["none"] else [Path(name) for name in names]
    split = read_split(arguments.split_file) if arguments.split_file else None
    return ImageChoice(split, paths, tally)


def found_images(
    arguments: RegionsArguments, choice: ImageChoice, tally: Tally
) -> Iterator[FoundImage]:
    """Yield the images of the source. Raises InputError as its reader."""
    if arguments.coco_instances:
        return read_coco_instances(arguments.coco_instances, arguments.image_folder, choice, tally)
    if arguments.visual_genome:
        return read_visual_genome(visual_genome_files(arguments.visual_genome), choice)
    assert arguments.json_lines, "one of the three sources was given"
    images, are_numbers = lines_images(json_lines_files(arguments.json_lines), tally)
    if choice.needs_ids:
        check_no_visual_genome(images)
    if are_numbers and choice.needs_ids:
        raise InputError(
            f"{arguments.json_lines[0]}: the images cannot be told from those of a split: their "
            "file names do not end with ids; leave --split_file and --leave_out out"
        )
    if are_numbers:
        print("the file names do not end with ids, one each: the images are numbered from 1")
    return JsonLines(arguments.image_root, arguments.unpack_images, tally).read(images, choice)


@dataclass
class Counts:
    """How many images and regions passed."""

    images: int = 0
    regions: int = 0

    def passing(self, images: Iterator[ImageRegions]) -> Iterator[ImageRegions]:
        for image in images:
            self.images += 1
            self.regions += len(image.regions)
            yield image


def main() -> None:
    arguments = parse_arguments(RegionsArguments, description=__doc__)
    source, tally, counts = source_of(arguments), Tally(), Counts()
    check_writable(arguments.output)
    choice = choose_images(arguments, source, tally)
    split = choice.split
    # Closed before an error is told: both are lines of stderr.
    with tqdm(found_images(arguments, choice, tally), "images", unit="image") as found:
        write_regions(
            arguments.output,
            counts.passing(checked_images(found, arguments.bad_boxes, tally)),
            dataset=arguments.dataset or (split.dataset if split else SOURCES[source]),
            split=arguments.split or (split.split if split else "train"),
            source=", ".join(path.name for path in getattr(arguments, source)),
            split_sha256=split.sha256 if split else None,
            tokenized=arguments.tokenized,
            tally=tally.counts,
        )
    print(f"wrote {arguments.output}: {counts.images:,} images, {counts.regions:,} regions")
    print(*(f"  {line}" for line in tally.lines()), sep="\n")


if __name__ == "__main__":
    run_command(main)
