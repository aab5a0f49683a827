"""Files of regions, in Visual Genome's size if asked: ours against `json.load` into dictionaries.

Writes random region descriptions in Visual Genome's format into a folder of their own below
--folder, which is deleted at the end. Then each way runs in a process of its own: made into a
region file, and that file read (ours); both files with `json.load` (plain). Seconds are the least
of all rounds, memory is what the process took more than before.

    python -m benchmarks.region_files --folder runs/benchmarks --n_images 108077

That is as many images and regions as Visual Genome's region descriptions have: 1.1 GB of disk,
10 GB of memory, 8 minutes.
"""

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.region_phrases.checked_regions import checked_images
from preprocess.region_phrases.image_choice import ImageChoice
from preprocess.region_phrases.region_file import RegionsFile, write_regions
from preprocess.region_phrases.tally import Tally
from preprocess.region_phrases.visual_genome import read_visual_genome, visual_genome_files

WORDS = ["a", "the", "man", "shirt", "on", "in", "tree", "sky", "dog", "wearing", "table", "white"]
WIDTH, HEIGHT = 800, 600
MEGABYTE = 1e6


@dataclass
class RegionFilesArguments:
    folder: Path = field(metadata={"help": "where the files are written to, for the while"})
    n_images: int = field(default=1000, metadata={"help": "images; Visual Genome has 108,077"})
    per_image: int = field(default=50, metadata={"help": "regions of each image"})
    repeats: int = field(default=1, metadata={"help": "rounds, of which the fastest counts"})


def write_visual_genome(folder: Path, n_images: int, per_image: int) -> None:
    """Write random image data and region descriptions, 5 words a phrase."""
    generator = np.random.default_rng(0)
    with (
        (folder / "image_data.json").open("w") as data,
        (folder / "region_descriptions.json").open("w") as descriptions,
    ):
        for number in range(1, n_images + 1):
            corners = generator.integers(0, (WIDTH - 10, HEIGHT - 10), (per_image, 2))
            sides = generator.integers(10, 400, (per_image, 2))  # some are cut
            words = generator.integers(0, len(WORDS), (per_image, 5))
            regions = [
                {
                    "region_id": number * per_image + place,
                    "image_id": number,
                    "phrase": " ".join(WORDS[i] for i in words[place]),
                    **dict(zip(("x", "y"), corners[place].tolist(), strict=True)),
                    **dict(zip(("width", "height"), sides[place].tolist(), strict=True)),
                }
                for place in range(per_image)
            ]
            url = f"https://cs.stanford.edu/people/rak248/VG_100K/{number}.jpg"
            image = {"image_id": number, "url": url, "width": WIDTH, "height": HEIGHT}
            before = "[" if number == 1 else ", "
            data.write(before + json.dumps({**image, "coco_id": None, "flickr_id": None}))
            descriptions.write(before + json.dumps({"id": number, "regions": regions}))
        data.write("]")
        descriptions.write("]")


def make_ours(folder: Path) -> None:
    """Make the region file, as `python -m preprocess.regions` does."""
    tally = Tally()
    files = visual_genome_files([folder])
    found = read_visual_genome(files, ImageChoice(None, [], tally))
    images = checked_images(found, "cut", tally)
    write_regions(folder / "r.json", images, dataset="vg", split="train", source="random")


def read_ours(folder: Path) -> RegionsFile:
    return RegionsFile(folder / "r.json")


def load_descriptions(folder: Path) -> list:
    with (folder / "region_descriptions.json").open() as file:
        return json.load(file)


def load_region_file(folder: Path) -> dict:
    with (folder / "r.json").open() as file:
        return json.load(file)


WAYS: dict[str, Callable[[Path], object]] = {
    "region descriptions -> region file, ours": make_ours,
    "json.load of the region descriptions": load_descriptions,
    "region file read, ours": read_ours,
    "json.load of the region file": load_region_file,
}


def _peak() -> float:
    """Return the most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def cost_of(way: str, folder: Path) -> tuple[float, float]:
    """Return the seconds, and the bytes of memory at the peak, that a way takes."""
    before, start = _peak(), time.perf_counter()
    kept = WAYS[way](folder)
    seconds = time.perf_counter() - start
    del kept
    return seconds, _peak() - before


def measure(folder: Path, repeats: int) -> dict[str, tuple[float, float]]:
    """Return the least seconds and bytes of each way, each time in a new process."""
    spawn = multiprocessing.get_context("spawn")
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
    for turn in range(1, repeats + 1):
        for name in WAYS:
            print(f"{turn} of {repeats}: {name}", file=sys.stderr, flush=True)
            with spawn.Pool(1) as pool:
                costs[name].append(pool.apply(cost_of, (name, folder)))
    return {
        name: (min(s for s, _ in rounds), min(b for _, b in rounds))
        for name, rounds in costs.items()
    }


def main() -> None:
    arguments = parse_arguments(RegionFilesArguments, description=__doc__)
    for option in ("n_images", "per_image", "repeats"):
        check_at_least(f"--{option}", getattr(arguments, option), 1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="region_files-", dir=arguments.folder) as name:
        folder = Path(name)
        write_visual_genome(folder, arguments.n_images, arguments.per_image)
        costs = measure(folder, arguments.repeats)
        sizes = [(folder / file).stat().st_size for file in ("region_descriptions.json", "r.json")]
    n_regions = arguments.n_images * arguments.per_image
    print(f"{arguments.n_images:,} images, {n_regions:,} regions, fastest of {arguments.repeats}")
    print("region descriptions {:.0f} MB, region file {:.0f} MB".format(*(s / 1e6 for s in sizes)))
    print(f"{'':42}{'seconds':>10}{'MB':>10}")
    for way, (seconds, n_bytes) in costs.items():
        print(f"{way:42}{seconds:10.1f}{n_bytes / MEGABYTE:10.0f}")


if __name__ == "__main__":
    run_command(main)
