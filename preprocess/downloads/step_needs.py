"""What each step of COCO's set-up needs: disk, memory, hours."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.captions.annotations import KARPATHY_SOURCE
from preprocess.captions.split_file import read_split
from preprocess.downloads.coco_archives import Archive
from preprocess.downloads.obtained_archive import ObtainedArchive
from preprocess.storage.images_file import has_images

GB = 10**9
LINE_RATE = 100e6 / 8  # bytes a second: 100 Mbit/s
UNPACK_RATE = 100e6  # bytes a second, with both checksums; 130e6 on one core of an AMD EPYC
FEATURE_BYTES = 36 * (2048 + 4 + 4) * 4 + 16  # an image, float32
SECONDS_ON_GPU = 0.1  # features of an image
SECONDS_ON_CPU = 5.0
WEIGHTS_BYTES = 4 * GB  # three models, some as two kinds of file
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class StepNeeds:
    """What a step takes from now on; less than at first where a part of it is done."""

    step: str
    folder: Path  # on whose disk
    disk_bytes: int  # at most, while it runs
    kept_bytes: int  # when it has ended; below 0 where it frees disk
    memory_bytes: int
    hours: float
    basis: str  # of the hours


def peak_bytes(needs: Iterable[StepNeeds]) -> int:
    """Return the most disk that steps take, one after another: each on top of what was kept."""
    kept = peak = 0
    for need in needs:
        peak = max(peak, kept + need.disk_bytes)
        kept += need.kept_bytes
    return peak


def download_needs(archives: Sequence[Archive], data_dir: Path, delete_archives: bool) -> StepNeeds:
    """Needs of download and unpacking; archives that are deleted are there one at a time."""
    n_downloaded = n_unpacked = kept = peak = 0
    for archive in archives:
        obtained = ObtainedArchive(archive, data_dir)
        downloaded, unpacked = obtained.bytes_to_download(), obtained.bytes_to_unpack()
        n_downloaded, n_unpacked = n_downloaded + downloaded, n_unpacked + unpacked
        kept += downloaded + unpacked
        peak = max(peak, kept)
        if delete_archives:
            kept -= downloaded + obtained.bytes_there()
    hours = (n_downloaded / LINE_RATE + n_unpacked / UNPACK_RATE) / 3600
    return StepNeeds("download", data_dir, peak, kept, GB // 2, hours, "estimate, 100 Mbit/s")


def weights_needs(cache: Path) -> StepNeeds:
    """Needs of the pretrained models, as if none were there."""
    hours, disk = WEIGHTS_BYTES / LINE_RATE / 3600, WEIGHTS_BYTES
    return StepNeeds("weights", cache, disk, disk, GB // 2, hours, "estimate, 100 Mbit/s")


@dataclass(frozen=True)
class ImageCount:
    """How many images the splits have, and the bytes of their files."""

    n_images: int
    n_bytes: int


def published_images(archives: Iterable[Archive]) -> ImageCount:
    """Return COCO's."""
    with_images = [archive for archive in archives if archive.n_images]
    return ImageCount(
        sum(archive.n_images for archive in with_images),
        sum(archive.n_bytes for archive in with_images),
    )


def listed_images(karpathy_json: Path, published: ImageCount) -> ImageCount:
    """Return how many a file of Karpathy's format lists; a file has the bytes of COCO's mean.

    Raises:
        InputError: no such file, or not of that format.
    """
    content = read_json(karpathy_json, KARPATHY_SOURCE)
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, list):
        raise InputError(f"{karpathy_json}: not Karpathy's format (no list images)")
    return ImageCount(len(images), len(images) * published.n_bytes // published.n_images)


def splits_needs(images: ImageCount, data_dir: Path) -> StepNeeds:
    """Needs of the split files: 25 s for COCO's images."""
    n_images = images.n_images
    hours, disk = n_images * 25 / 123_287 / 3600, n_images * 1000
    return StepNeeds("splits", data_dir, disk, disk, 3 * GB // 2, hours, "measured, 1 CPU core")


def images_needs(images: ImageCount, data_dir: Path, image_root: Path) -> StepNeeds:
    """Needs of `{split}_images.h5`: none of those that `write_images` will leave as they are.

    Each of the others is there until it is replaced. What is left as it is, is told from the split
    files that are there; those that the splits step makes anew are taken to be the same.
    """
    total = images.n_bytes
    paths = {split: data_dir / f"{split}_images.h5" for split in SPLITS}
    unchanged = {split for split in SPLITS if _is_unchanged(paths[split], split, image_root)}
    replaced = [_on_disk(paths[split]) for split in SPLITS if split not in unchanged]
    left = max(total - sum(_on_disk(paths[split]) for split in unchanged), 0) if replaced else 0
    kept = max(left - sum(replaced), 0)
    hours = images.n_images * 0.003 / 3600 * left / max(total, 1)
    disk = kept + max(replaced, default=0)
    return StepNeeds("images", data_dir, disk, kept, GB, hours, "measured, 2 CPU cores")


def _is_unchanged(path: Path, split: str, image_root: Path) -> bool:
    if not path.exists():
        return False
    try:
        return has_images(path, read_split(path.with_name(f"{split}.json")), image_root)
    except InputError:
        return False  # a file is not there yet, or will be told of by its step


def features_needs(images: ImageCount, data_dir: Path, with_gpu: bool) -> StepNeeds:
    """Needs of `{split}_features.h5`, in float32; what is begun has its disk already."""
    total = images.n_images * FEATURE_BYTES
    there = sum(_on_disk(data_dir / f"{split}_features.h5") for split in SPLITS)
    left = max(total - there, 0)
    seconds = SECONDS_ON_GPU if with_gpu else SECONDS_ON_CPU
    basis = "estimate, one GPU" if with_gpu else "measured, 2 CPU cores"
    hours = left / FEATURE_BYTES * seconds / 3600
    return StepNeeds("features", data_dir, left, left, 2 * GB, hours, basis)


def _on_disk(path: Path) -> int:
    return path.stat().st_blocks * 512 if path.exists() else 0


def nearest_folder(path: Path) -> Path:
    """Return the folder itself, or the nearest above it that exists."""
    path = path.absolute()
    return path if path.is_dir() else nearest_folder(path.parent)


def free_bytes(folder: Path) -> int:
    """Return the free bytes, for this user, of the disk that a folder is or will be on."""
    status = os.statvfs(nearest_folder(folder))
    return status.f_bavail * status.f_frsize


def available_memory() -> int:
    """Return the bytes of memory that processes can have; of the whole machine."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
