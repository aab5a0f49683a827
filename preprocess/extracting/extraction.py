"""The loop from image files to the rows of a features file."""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from preprocess.base.command_line import named
from preprocess.base.errors import InputError
from preprocess.detector.blob import ImageBlob
from preprocess.detector.config import DetectorConfig
from preprocess.detector.faster_rcnn import FasterRCNN
from preprocess.detector.regions import Regions, detect_in_blobs
from preprocess.detector.selection import FILLERS
from preprocess.detector.weights import DetectorInfo
from preprocess.extracting.image_blobs import (
    LoadedImage,
    current_crc32,
    load_batches,
    plan_batches,
)
from preprocess.extracting.loader_workers import telling_killed_workers
from preprocess.storage.features_writer import FeaturesWriter


@dataclass(frozen=True)
class Failures:
    """Images whose files gave no features, each a line that names it and says why.

    `without` have no features, those of `kept` keep what a former file of theirs gave.
    """

    without: list[str]
    kept: list[str]


def describe(
    config: DetectorConfig, info: DetectorInfo, precision: str = "float32", compiled: bool = False
) -> dict[str, str]:
    """Return the attributes of the features file that say what made it.

    The batch size, the memory layout and the device are not among them: they change features by
    rounding only, and a run may have to go on with a smaller batch or on another machine. What is
    compiled rounds in other places, in half precision by more, and is the same wherever it runs.
    """
    settings = {
        **asdict(config),
        "fillers": FILLERS[config.selection],
        "precision": precision,
        "compile": compiled,
        "object_labels": info.objects,
        "attribute_labels": info.attributes,
    }
    return {
        "extractor": "preprocess.extract_features",
        "weights": info.name,
        "weights_sha256": info.sha256,
        "settings": json.dumps(settings),
    }


def changed_rows(
    writer: FeaturesWriter, paths: list[Path], title: str
) -> tuple[np.ndarray, np.ndarray]:
    """Compare the image files of done rows with those that the rows were made from.

    Each file is read whole.

    Returns:
        The rows whose file is another one, and those whose file cannot be read, which tells
        nothing of their features; both ascending, (n,) int64.
    """
    recorded = writer.source_crc32()
    done = np.setdiff1d(np.arange(len(paths)), writer.missing_rows())
    found = [
        current_crc32(paths[row])
        for row in tqdm(done, f"{title}: unchanged images", unit="image", disable=not len(done))
    ]
    unreadable = np.array([crc32 is None for crc32 in found], bool)
    changed = np.array(
        [crc32 != recorded[row] for crc32, row in zip(found, done, strict=True)], bool
    )
    return done[changed & ~unreadable], done[unreadable]


def detect_in_images(
    detector: FasterRCNN, images: list[LoadedImage], precision: torch.dtype
) -> dict[int, Regions | InputError]:
    """Find the regions of images, by row; an InputError stands for an image that has none.

    Images whose blobs are of one size share a forward pass.

    Raises:
        InputError: the device's memory is too small, or `precision` is, for the numbers inside
            the detector.
    """
    found: dict[int, Regions | InputError] = {}
    by_size: dict[torch.Size, list[tuple[LoadedImage, ImageBlob]]] = defaultdict(list)
    for image in images:
        if isinstance(image.blob, InputError):
            found[image.row] = image.blob
        else:
            by_size[image.blob.pixels.shape].append((image, image.blob))
    for alike in by_size.values():
        blobs = [blob for _, blob in alike]
        all_regions = _detect_alike(detector, blobs, precision)
        for (image, _), regions in zip(alike, all_regions, strict=True):
            if isinstance(regions, InputError):
                regions = InputError(f"{image.path}: {regions}")
            elif not np.isfinite(regions.visual_feats).all():
                raise InputError(
                    f"{image.path}: its features in {precision} are infinite or NaN; choose "
                    "--precision float32 and another --output"
                )
            found[image.row] = regions
    return found


def _detect_alike(
    detector: FasterRCNN, blobs: list[ImageBlob], precision: torch.dtype
) -> list[Regions | InputError]:
    """Find the regions of images whose blobs are of one size, in one forward pass."""
    try:
        return detect_in_blobs(detector, blobs, precision)
    except torch.OutOfMemoryError as error:
        device = next(detector.parameters()).device
        raise InputError(
            f"--batch_size: {len(blobs)} images of {tuple(blobs[0].pixels.shape[1:])} pixels are "
            f"too many for the memory of {device}; repeat the command with fewer, and it goes on"
        ) from error


def detect_wanted(
    detector: FasterRCNN,
    paths: list[Path],
    wanted: set[int],
    num_workers: int,
    title: str,
    batch_size: int,
    precision: torch.dtype,
) -> Iterator[tuple[LoadedImage, Regions | InputError]]:
    """Yield the images of the wanted rows with their regions, and show progress.

    Arguments and errors are those of `write_features`.
    """
    if not wanted:
        return
    batches = plan_batches(paths, detector.config, batch_size, f"{title}: image sizes")
    batches = [batch for batch in batches if not wanted.isdisjoint(batch)]
    pin_memory = next(detector.parameters()).device.type == "cuda"
    done = len(paths) - len(wanted)
    progress = tqdm(desc=title, initial=done, total=len(paths), unit="image", smoothing=0.1)
    with progress, telling_killed_workers():
        for images in load_batches(paths, detector.config, batches, num_workers, pin_memory):
            found = detect_in_images(detector, images, precision)
            for image in images:
                if image.row in wanted:  # others are there for the size of the batch
                    yield image, found[image.row]
                    progress.update()


def write_features(
    writer: FeaturesWriter,
    detector: FasterRCNN,
    paths: list[Path],
    num_workers: int,
    title: str,
    batch_size: int = 1,
    precision: torch.dtype = torch.float32,
    skip_damaged: bool = False,
) -> Failures:
    """Write each row of the features file that is missing, or whose image has changed.

    A row is exchanged when its changed image gave features: until then, or where it is damaged or
    cannot be read, the row stays as it is.

    Args:
        paths: of all the file's images, by row.
        num_workers: processes that decode and resize images meanwhile.
        title: names the progress bar.
        batch_size: most images in a forward pass.
        precision: of convolutions, see `detect_in_blobs`.
        skip_damaged: record damaged images as skipped. Otherwise they stay missing, and images
            that were skipped before are tried again.

    Raises:
        InputError: the disk is full, a worker was killed, or as `detect_in_images`.
    """
    changed, unreadable = changed_rows(writer, paths, title)
    skipped = writer.skipped_rows()
    writer.discard(np.intersect1d(changed, skipped) if skip_damaged else skipped)
    missing = set(writer.missing_rows().tolist())
    wanted = missing | set(changed.tolist())
    kept = {row: f"{paths[row]}: cannot be read" for row in np.setdiff1d(unreadable, skipped)}
    failures: dict[int, str] = {}
    found = detect_wanted(detector, paths, wanted, num_workers, title, batch_size, precision)
    for image, regions in found:
        if isinstance(regions, Regions):
            write_row(writer, image, regions)
        elif image.row in missing:
            failures[image.row] = str(regions)
            if skip_damaged:
                writer.skip(image.row, image.source_crc32)
        else:
            kept[image.row] = str(regions)
    return Failures(*([lines[row] for row in sorted(lines)] for lines in (failures, kept)))


def write_row(writer: FeaturesWriter, image: LoadedImage, regions: Regions) -> None:
    """Write an image's row."""
    assert not isinstance(image.blob, InputError), "an image that did not load has no regions"
    writer.write(
        image.row,
        visual_feats=regions.visual_feats,
        visual_pos=regions.visual_pos,
        image_sizes=(image.blob.image_height, image.blob.image_width),
        object_ids=regions.object_ids,
        object_scores=regions.object_scores,
        attribute_ids=regions.attribute_ids,
        attribute_scores=regions.attribute_scores,
        n_fillers=regions.n_fillers,
        source_crc32=image.source_crc32,
    )


def check_failures(output: Path, failures: Failures, n_images: int, skip_damaged: bool) -> None:
    """Name the damaged images: raise InputError, or print them where they are skipped."""
    if failures.kept:
        print(
            f"warning: {len(failures.kept)} of {n_images} images keep the features of their former "
            f"files: {named(failures.kept)}",
            file=sys.stderr,
        )
    n_failures = len(failures.without)
    if not n_failures:
        return
    line = f"{n_failures} of {n_images} images gave no features: {named(failures.without)}"
    if not skip_damaged:
        raise InputError(
            f"{line}. {output} holds the others, marked incomplete; the same command goes on when "
            "they are replaced, or finishes without them with --skip_damaged"
        )
    print(f"warning: {line}", file=sys.stderr)
