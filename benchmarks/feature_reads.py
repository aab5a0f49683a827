"""Random reads of single images' region features: our HDF5 file against two plain layouts.

Writes the same random features three times below --folder (3 GB each for 10,000 images): as
`{split}_features.h5`; as the original did, one HDF5 group an image; and as .npy files to map into
memory. Then reads every image once, in a random order, each way in a process of its own, as a
DataLoader's worker does: with the files out of the system's cache, within it, and a second time.

    python -m benchmarks.feature_reads --folder runs/benchmarks

The files are in a folder feature_reads-* of their own, which is deleted at the end; after a kill
delete it by hand.
"""

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from tqdm import tqdm

from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.features_writer import FeaturesWriter

N_REGIONS, FEATURE_DIM = 36, 2048
ATTRIBUTES = {"extractor": __name__, "weights": "none", "weights_sha256": "", "settings": "{}"}


@dataclass
class FeatureReadsArguments:
    folder: Path = field(metadata={"help": "where the files are written to, for the while"})
    n_images: int = field(default=10_000, metadata={"help": "images in each file"})
    repeats: int = field(default=3, metadata={"help": "rounds, of which the fastest counts"})


def write_files(folder: Path, n_images: int) -> None:
    """Write the three layouts of the same features."""
    generator = np.random.default_rng(0)
    feats = generator.random((N_REGIONS, FEATURE_DIM), np.float32)
    pos = np.sort(generator.random((N_REGIONS, 4), np.float32), axis=1)  # x1 <= x2, y1 <= y2
    others = {
        "image_sizes": (480, 640),
        "object_ids": np.zeros(N_REGIONS),
        "object_scores": np.zeros(N_REGIONS),
        "attribute_ids": np.zeros(N_REGIONS),
        "attribute_scores": np.zeros(N_REGIONS),
        "n_fillers": 0,
        "source_crc32": 0,
    }
    all_feats = np.lib.format.open_memmap(
        folder / "feats.npy", "w+", np.float32, (n_images, *feats.shape)
    )
    all_pos = np.lib.format.open_memmap(
        folder / "pos.npy", "w+", np.float32, (n_images, *pos.shape)
    )
    with (
        FeaturesWriter(
            folder / "ours.h5", np.arange(n_images), N_REGIONS, FEATURE_DIM, "float32", ATTRIBUTES
        ) as writer,
        h5py.File(folder / "groups.h5", "w") as groups,
    ):
        for image_id in tqdm(range(n_images), "writing", unit="image"):
            feats[0, 0] = image_id  # so that no two images are the same
            writer.write(image_id, visual_feats=feats, visual_pos=pos, **others)
            group = groups.create_group(str(image_id))
            group["features"], group["boxes"] = feats, pos
            all_feats[image_id], all_pos[image_id] = feats, pos
        writer.finish()


def open_ours(folder: Path) -> Callable[[int], object]:
    return FeaturesFile(folder / "ours.h5").read_regions


def open_groups(folder: Path) -> Callable[[int], object]:
    file = h5py.File(folder / "groups.h5")

    def read(image_id: int) -> object:
        group = file[str(image_id)]
        return group["features"][:], group["boxes"][:]

    return read


def open_mapped(folder: Path) -> Callable[[int], object]:
    feats = np.load(folder / "feats.npy", mmap_mode="r")
    pos = np.load(folder / "pos.npy", mmap_mode="r")
    return lambda image_id: (np.array(feats[image_id]), np.array(pos[image_id]))


LAYOUTS = {
    "ours": open_ours,
    "HDF5 group an image": open_groups,
    "memory-mapped .npy": open_mapped,
}


def seconds_of_reads(layout: str, folder: Path, n_images: int, cached: bool) -> tuple[float, float]:
    """Read every image in a random order, twice; return the seconds of each time."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
            if not cached:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    read = LAYOUTS[layout](folder)
    seconds = []
    for seed in range(2):
        order = np.random.default_rng(seed).permutation(n_images).tolist()
        start = time.perf_counter()
        for image_id in order:
            read(image_id)
        seconds.append(time.perf_counter() - start)
    return seconds[0], seconds[1]


def measure(folder: Path, n_images: int, repeats: int) -> dict[str, list[float]]:
    """Return each layout's seconds from disk, from the cache, and again, the least of the rounds.

    Args:
        folder: what `write_files` wrote, and nothing else.
    """
    spawn = multiprocessing.get_context("spawn")
    best = {name: [float("inf")] * 3 for name in LAYOUTS}
    for turn in range(1, repeats + 1):
        for name in LAYOUTS:
            print(f"{turn} of {repeats}: {name}", file=sys.stderr, flush=True)
            seconds = []
            for cached in (False, True):
                with spawn.Pool(1) as pool:
                    job = (name, folder, n_images, cached)
                    seconds.append(pool.apply(seconds_of_reads, job))
            (from_disk, _), (from_cache, again) = seconds
            pairs = zip(best[name], (from_disk, from_cache, again), strict=True)
            best[name] = [min(pair) for pair in pairs]
    return best


def main() -> None:
    arguments = parse_arguments(FeatureReadsArguments, description=__doc__)
    check_at_least("--n_images", arguments.n_images, 1)
    check_at_least("--repeats", arguments.repeats, 1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="feature_reads-", dir=arguments.folder) as name:
        folder = Path(name)
        print(f"writing {arguments.n_images:,} images", file=sys.stderr, flush=True)
        write_files(folder, arguments.n_images)
        best = measure(folder, arguments.n_images, arguments.repeats)
    print(f"microseconds an image, of {arguments.n_images:,}, fastest of {arguments.repeats}")
    print(f"{'':22}{'from disk':>12}{'from cache':>12}{'again':>12}")
    for name, times in best.items():
        cells = "".join(f"{t / arguments.n_images * 1e6:12.0f}" for t in times)
        print(f"{name:22}{cells}")


if __name__ == "__main__":
    run_command(main)
