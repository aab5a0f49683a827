"""Step: regions by the detector of the published size, the plain extractor against ours.

Plain is one image at a time, decoded, then a forward of all its regions, in float32: without TF32,
and as PyTorch would do by itself, whose convolutions are TF32. Ours is the loop of
preprocess.extract_features, whose workers decode; "detector alone" has its inputs in memory.
Regions are compared with the plain ones in float32: with random weights the scores lie closer
together than a trained detector's, and more regions change than would. `minutes_coco` is what
COCO's 123,287 images take at this rate.
"""

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from benchmarks.extraction import (
    difference,
    our_way,
    plain_way,
    random_detector,
    random_images,
)
from benchmarks.gpu.bars import COCO_IMAGES
from benchmarks.gpu.record import Record, timed
from benchmarks.gpu.types import TYPES, computing_in
from preprocess.detector.config import DetectorConfig
from preprocess.detector.faster_rcnn import FasterRCNN
from preprocess.detector.regions import Regions, detect_in_blobs
from preprocess.extracting.image_blobs import ImageBlobs

DECODED = 16  # images decoded by one process


@dataclass(frozen=True)
class Sizes:
    """How many images; each way sees all of them `passes` times, plain the first `plain`.

    In float32, which is slow, half as often: long enough that the workers' start is little.
    """

    config: DetectorConfig
    images: int
    passes: int
    plain: int
    batches: tuple[int, ...]


FULL = Sizes(DetectorConfig(), 64, 4, 24, batches=(1, 8, 16))
TINY = DetectorConfig(
    min_size=64,
    max_size=128,
    stem_channels=8,
    stage_blocks=(1, 1, 2, 1),
    stage_widths=(4, 4, 8, 8),
    stage_channels=(8, 8, 16, 24),
    roi_size=3,
    anchor_sizes=(16, 32),
    rpn_channels=8,
    rpn_n_after_nms=20,
    n_objects=5,
    n_attributes=3,
    object_embedding=4,
    attribute_hidden=8,
    n_regions=6,
)
DRY = Sizes(TINY, 4, 1, 2, batches=(1, 2))


class Extraction:
    """One detector, in both layouts, and image files."""

    def __init__(self, record: Record, sizes: Sizes):
        self.device, self.sizes = record.device, sizes
        self.rows = random_detector(sizes.config).to(self.device)
        self.channels = random_detector(sizes.config).to(self.device)
        self.channels.to(memory_format=torch.channels_last)
        self.paths = random_images(record.folder, sizes.images)
        # One stays free for the process that runs the detector.
        self.workers = 0 if record.dry_run else max(1, min(12, (os.cpu_count() or 2) - 1))
        self.exact: list[Regions] = []
        self.plain_seconds = 0.0  # an image's

    def values(self, seconds: float, found: list[Regions]) -> dict:
        """Return the rate of `seconds` an image, and what became of the regions."""
        rate = {"images_per_second": 1 / seconds, "minutes_coco": COCO_IMAGES * seconds / 60}
        if not self.exact:  # the plain way failed
            return rate
        change = difference(found[: len(self.exact)], self.exact)
        return {
            **rate,
            "of_plain": self.plain_seconds / seconds,
            "regions_same": change.same,
            "largest_box_pixels": change.box,
            "largest_feature": change.feature,
        }

    def plain(self, kind: str) -> dict:
        paths = self.paths[: self.sizes.plain]
        found: list[list[Regions]] = []
        with computing_in(kind, self.device):
            times = timed(self.device, lambda: found.append(plain_way(self.rows, paths)), 1)
        seconds = times["seconds"] / len(paths)
        if kind == "float32":
            self.exact, self.plain_seconds = found[-1], seconds
        return {**self.values(seconds, found[-1]), **times}

    def ours(self, detector: FasterRCNN, kind: str, batch: int) -> dict:
        """Time the whole loop, decoding included."""
        found: list[list[Regions]] = []
        n_passes = self.sizes.passes if kind != "float32" else max(1, self.sizes.passes // 2)
        paths = self.paths * n_passes

        def run(some: list[Path]) -> None:
            found.append(our_way(detector, some, batch, self.workers, TYPES[kind][0]))

        with computing_in(kind, self.device, autocast=False):
            times = timed(
                self.device, partial(run, paths), 1, partial(run, self.paths[: 2 * batch])
            )
        seconds = times["seconds"] / len(paths)
        return {"ours": True, **self.values(seconds, found[-1]), **times}

    def alone(self, kind: str, batch: int) -> dict:
        """Time the detector on images of one size that are in memory."""
        paths = self.paths[::4][:batch]  # of `SIZES`, every fourth is alike
        blobs = [ImageBlobs(paths, self.sizes.config)[row].blob for row in range(len(paths))]
        dtype = TYPES[kind][0]
        with computing_in(kind, self.device, autocast=False):
            times = timed(self.device, lambda: detect_in_blobs(self.channels, blobs, dtype), 3)
        return {"images_per_second": len(blobs) / times["seconds"], **times}

    def decoding(self) -> dict:
        """Time decoding and resizing in this one process."""
        blobs = ImageBlobs(self.paths[:DECODED], self.sizes.config)
        times = timed(self.device, lambda: [blobs[row] for row in range(len(blobs.paths))], 1)
        return {"images_per_second": len(blobs.paths) / times["seconds"], "workers": self.workers}

    def compiled(self, kind: str, batch: int) -> dict:
        detector = random_detector(self.sizes.config).to(self.device)
        detector.to(memory_format=torch.channels_last)
        detector.roi_heads.res5.compile(dynamic=True)  # as extract_features --compile
        return self.ours(detector, kind, batch)


def measure(record: Record) -> None:
    sizes = DRY if record.dry_run else FULL
    extraction = Extraction(record, sizes)
    one, some, *_ = sizes.batches
    record.add("plain, float32", partial(extraction.plain, "float32"))
    record.add("plain, tf32", partial(extraction.plain, "tf32"))

    def ours(kind: str, batch: int) -> None:
        name = f"ours, {kind}, batches of {batch}"
        record.add(name, partial(extraction.ours, extraction.channels, kind, batch))

    for kind in TYPES:
        ours(kind, some)
    record.add("decoding, one process", extraction.decoding)
    for kind in TYPES:
        for batch in (one, some):
            name = f"detector alone, {kind}, batches of {batch}"
            record.add(name, partial(extraction.alone, kind, batch))
    ours("float32", one)
    ours("bfloat16", one)
    for batch in sizes.batches[2:]:
        ours("bfloat16", batch)
    record.add(
        f"ours, not channels-last, float32, batches of {some}",
        partial(extraction.ours, extraction.rows, "float32", some),
    )
    compiled_kind = "float32" if record.dry_run else "bfloat16"
    record.add(
        f"ours, compiled, {compiled_kind}, batches of {some}",
        partial(extraction.compiled, compiled_kind, some),
    )
