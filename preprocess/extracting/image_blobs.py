"""Image files as the detector's inputs, read ahead by workers in batches of one size."""

import zlib
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from preprocess.base.errors import InputError
from preprocess.detector.blob import ImageBlob, blob_size, make_blob
from preprocess.detector.config import DetectorConfig
from preprocess.extracting.loader_workers import die_with_parent
from preprocess.storage.decoding import decode_rgb, read_encoded, read_upright_size

SMALLEST_SIDE = 32  # pixels of an image file; of less, regions are of upscaled noise
HEADER_THREADS = 8  # they wait for the disk


@dataclass(frozen=True)
class LoadedImage:
    """An image file as it was read.

    `row` is its place in the features file, `source_crc32` the CRC-32 of its bytes (0 where it
    cannot be read), and `blob` the detector's input, or the error that says why there is none: an
    exception would come out of a worker wrapped in a traceback, and end the others' work.
    """

    row: int
    path: Path
    source_crc32: int
    blob: ImageBlob | InputError

    def pin_memory(self) -> "LoadedImage":
        """Return the same with its pixels in page-locked memory; DataLoader calls it."""
        if isinstance(self.blob, InputError):
            return self
        return replace(self, blob=replace(self.blob, pixels=self.blob.pixels.pin_memory()))


class ImageBlobs(Dataset):
    """A `LoadedImage` for each row of a features file, whose images are `paths`."""

    def __init__(self, paths: Sequence[Path], config: DetectorConfig):
        self.paths = paths
        self.config = config

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> LoadedImage:
        path = self.paths[row]
        source_crc32 = 0
        try:
            encoded = read_encoded(path)
            source_crc32 = zlib.crc32(encoded)
            image = decode_rgb(encoded, str(path))
        except InputError as error:
            return LoadedImage(row, path, source_crc32, error)
        try:
            height, width = image.shape[:2]
            if min(height, width) < SMALLEST_SIDE:
                raise InputError(
                    f"expected at least {SMALLEST_SIDE} pixels each way, found {width} x {height}"
                )
            return LoadedImage(row, path, source_crc32, make_blob(image, self.config))
        except InputError as error:
            return LoadedImage(row, path, source_crc32, InputError(f"{path}: {error}"))


def current_crc32(path: Path) -> int | None:
    """Return the CRC-32 of an image file's bytes, None where it cannot be read."""
    try:
        return zlib.crc32(read_encoded(path))
    except InputError:
        return None


def plan_batches(
    paths: Sequence[Path], config: DetectorConfig, batch_size: int, title: str
) -> list[list[int]]:
    """Group the rows of a features file by the size of their blobs.

    Only headers are read, and none for batches of one. The groups are those of all images,
    whichever are done already: a run that was interrupted gives what it would have given, also in
    the last digit, which depends on the number of images in a forward pass.

    Args:
        title: names the progress bar.

    Returns:
        Each row once, in batches of at most `batch_size`, in the order of their first rows. An
        image without a readable header is alone.
    """
    if batch_size == 1:
        return [[row] for row in range(len(paths))]

    def size_of(path: Path) -> tuple[int, int] | None:
        try:
            return blob_size(*read_upright_size(path), config)
        except InputError:
            return None

    rows_of = defaultdict(list)
    with ThreadPoolExecutor(HEADER_THREADS) as pool:
        sizes = tqdm(pool.map(size_of, paths), title, total=len(paths), unit="image")
        for row, size in enumerate(sizes):
            rows_of[row if size is None else size].append(row)
    return sorted(
        rows[start : start + batch_size]
        for rows in rows_of.values()
        for start in range(0, len(rows), batch_size)
    )


def load_batches(
    paths: Sequence[Path],
    config: DetectorConfig,
    batches: list[list[int]],
    num_workers: int,
    pin_memory: bool,
) -> DataLoader:
    """Return an iterable of a list of `LoadedImage` for each batch of rows, in their order."""
    return DataLoader(
        ImageBlobs(paths, config),
        batch_sampler=batches,
        collate_fn=list,
        num_workers=num_workers,
        pin_memory=pin_memory,
        worker_init_fn=die_with_parent,
    )
