"""The loop from image files to the rows of a features file."""

import json
from collections import defaultdict
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from preprocess.detector.config import DetectorConfig
from preprocess.detector.faster_rcnn import FasterRCNN
from preprocess.detector.regions import Regions, detect_in_blobs
from preprocess.detector.selection import FILLERS
from preprocess.detector.weights import DetectorInfo
from preprocess.errors import InputError
from preprocess.features_file import FeaturesWriter
from preprocess.image_blobs import LoadedImage, current_crc32, load_batches, plan_batches


def describe(
    config: DetectorConfig, info: DetectorInfo, precision: str = "float32"
) -> dict[str, str]:
    """Return the attributes of the features file that say what made it."""
    settings = {
        **asdict(config),
        "fillers": FILLERS[config.selection],
        "precision": precision,
        "object_labels": info.objects,
        "attribute_labels": info.attributes,
    }
    return {
        "extractor": "preprocess.extract_features",
        "weights": info.name,
        "weights_sha256": info.sha256,
        "settings": json.dumps(settings),
    }


def stale_rows(writer: FeaturesWriter, paths: list[Path], title: str) -> np.ndarray:
    """Return the done rows whose image file has changed since, ascending, (n_stale,) int64.

    Each file is read whole.
    """
    recorded = writer.source_crc32()
    done = np.setdiff1d(np.arange(len(paths)), writer.missing_rows())
    changed = [
        current_crc32(paths[row]) != recorded[row]
        for row in tqdm(done, f"{title}: unchanged images", unit="image", disable=not len(done))
    ]
    return done[np.array(changed, bool)]


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
    by_size: dict[torch.Size, list[LoadedImage]] = defaultdict(list)
    for image in images:
        if isinstance(image.blob, InputError):
            found[image.row] = image.blob
        else:
            by_size[image.blob.pixels.shape].append(image)
    for alike in by_size.values():
        for image, regions in zip(alike, _detect_alike(detector, alike, precision), strict=True):
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
    detector: FasterRCNN, images: list[LoadedImage], precision: torch.dtype
) -> list[Regions | InputError]:
    """Find the regions of images whose blobs are of one size, in one forward pass."""
    device = next(detector.parameters()).device
    blobs = [
        replace(image.blob, pixels=image.blob.pixels.to(device, non_blocking=True))
        for image in images
    ]
    try:
        return detect_in_blobs(detector, blobs, precision)
    except torch.OutOfMemoryError as error:
        raise InputError(
            f"--batch_size: {len(images)} images of {tuple(blobs[0].pixels.shape[1:])} pixels are "
            f"too many for the memory of {device}; repeat the command with fewer, and it goes on"
        ) from error


def write_features(
    writer: FeaturesWriter,
    detector: FasterRCNN,
    paths: list[Path],
    num_workers: int,
    title: str,
    batch_size: int = 1,
    precision: torch.dtype = torch.float32,
    skip_damaged: bool = False,
) -> list[str]:
    """Write each row of the features file that is missing, or whose image has changed.

    Args:
        paths: of all the file's images, by row.
        num_workers: processes that decode and resize images meanwhile.
        title: names the progress bar.
        batch_size: most images in a forward pass.
        precision: of convolutions, see `detect_in_blobs`.
        skip_damaged: record damaged images as skipped. Otherwise they stay missing, and images
            that were skipped before are tried again.

    Returns:
        For each image that gave no features, a line that names it and says why.

    Raises:
        InputError: the disk is full, or as `detect_in_images`.
    """
    writer.discard(stale_rows(writer, paths, title))
    if not skip_damaged:
        writer.discard(writer.skipped_rows())
    missing = set(writer.missing_rows().tolist())
    if not missing:
        return []
    batches = plan_batches(paths, detector.config, batch_size, f"{title}: image sizes")
    batches = [batch for batch in batches if not missing.isdisjoint(batch)]
    pin_memory = next(detector.parameters()).device.type == "cuda"
    failures = {}
    progress = tqdm(
        desc=title, initial=len(paths) - len(missing), total=len(paths), unit="image", smoothing=0.1
    )
    with progress:
        for images in load_batches(paths, detector.config, batches, num_workers, pin_memory):
            found = detect_in_images(detector, images, precision)
            for image in images:
                if image.row not in missing:  # it is here for the size of the batch
                    continue
                regions = found[image.row]
                if isinstance(regions, Regions):
                    write_row(writer, image, regions)
                else:
                    failures[image.row] = str(regions)
                    if skip_damaged:
                        writer.skip(image.row, image.source_crc32)
                progress.update()
    return [failures[row] for row in sorted(failures)]


def write_row(writer: FeaturesWriter, image: LoadedImage, regions: Regions) -> None:
    """Write an image's row."""
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
