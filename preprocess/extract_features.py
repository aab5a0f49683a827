"""Extract the region features of a split's images with a Faster R-CNN.

Reads a split file, the images below the image root, and a detector (a local folder, or a hub id
such as unc-nlp/frcnn-vg-finetuned); writes `{split}_features.h5` (see preprocess/features_file.py).

    python -m preprocess.extract_features --split_file datasets/coco/test.json \\
        --image_root datasets/coco/images --weights unc-nlp/frcnn-vg-finetuned \\
        --output datasets/coco/test_features.h5

Killed at any moment, the same command goes on where it stopped; features of images whose files
have changed since, also in a finished file, are extracted again. A damaged image does not stop the
others: the command then names it, exits with status 1, and leaves the file marked incomplete.

On 2 CPU cores the published detector takes about 13 s and 3 GB for an image; COCO's 5,000 test
images give a file of 1.5 GB in float32.
"""

import json
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from preprocess.command_line import check_at_least, parse_arguments, run_command
from preprocess.decoding import decode_rgb, read_encoded
from preprocess.detector_config import DetectorConfig
from preprocess.detector_weights import DetectorInfo, load_detector
from preprocess.device import torch_device
from preprocess.errors import InputError
from preprocess.faster_rcnn import FasterRCNN
from preprocess.features_file import FeaturesWriter
from preprocess.files import check_writable
from preprocess.regions import ImageBlob, detect_in_blob, make_blob
from preprocess.split_file import read_split

LISTED = 10  # failures in the error line


@dataclass
class ExtractFeaturesArguments:
    split_file: Path = field(metadata={"help": "split JSON of preprocess.splits"})
    image_root: Path = field(metadata={"help": "folder that the split's file names start from"})
    weights: str = field(metadata={"help": "folder or hub id of the detector"})
    output: Path = field(metadata={"help": "the HDF5 file to write, {split}_features.h5"})
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
            "turn until enough remain. Default: the detector's own"
        },
    )
    n_regions: int | None = field(
        default=None, metadata={"help": "regions an image. Default: the detector's own"}
    )
    device: str = field(
        default="cuda" if torch.cuda.is_available() else "cpu",
        metadata={"help": "torch device that runs the detector"},
    )
    num_workers: int = field(
        default=2, metadata={"help": "processes that decode and resize images; 0: none extra"}
    )


@dataclass(frozen=True)
class ImageFailure:
    """An image that gives no features, and the line that says why."""

    message: str


class ImageBlobs(Dataset):
    """The detector's inputs, read from image files.

    An item is a row, the CRC-32 of its image file, and its `ImageBlob` or an `ImageFailure`: an
    exception would come out of a worker wrapped in a traceback, and end the others' work.
    """

    def __init__(self, rows: list[int], paths: list[Path], config: DetectorConfig):
        self.rows = rows
        self.paths = paths
        self.config = config

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[int, int, ImageBlob | ImageFailure]:
        row = self.rows[index]
        path = self.paths[row]
        source_crc32 = 0  # of a file that cannot be read
        try:
            encoded = read_encoded(path)
            source_crc32 = zlib.crc32(encoded)
            image = decode_rgb(encoded, str(path))
        except InputError as error:
            return row, source_crc32, ImageFailure(str(error))
        try:
            return row, source_crc32, make_blob(image, self.config)
        except InputError as error:
            return row, source_crc32, ImageFailure(f"{path}: {error}")


def describe(config: DetectorConfig, info: DetectorInfo) -> dict[str, str]:
    """Return the attributes of the features file that say what made it."""
    settings = {
        **asdict(config),
        "fillers": "regions suppressed at every NMS threshold, by score, after the survivors",
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

    Each file is read whole. Raises InputError when one cannot be.
    """
    recorded = writer.source_crc32()
    done = np.setdiff1d(np.arange(len(paths)), writer.missing_rows())
    changed = [
        zlib.crc32(read_encoded(paths[row])) != recorded[row]
        for row in tqdm(done, f"{title}: unchanged images", unit="image", disable=not len(done))
    ]
    return done[np.array(changed, bool)]


def write_features(
    writer: FeaturesWriter, detector: FasterRCNN, paths: list[Path], num_workers: int, title: str
) -> list[str]:
    """Write each row of the features file that is missing, or whose image has changed.

    Args:
        paths: of all the file's images, by row.
        title: names the progress bar.

    Returns:
        For each image that gave no features, a line that names it and says why.
    """
    writer.discard(stale_rows(writer, paths, title))
    rows = writer.missing_rows().tolist()
    loader = DataLoader(
        ImageBlobs(rows, paths, detector.config),
        batch_size=None,  # an image alone
        num_workers=num_workers,
    )
    failures = []
    done = len(paths) - len(rows)
    for row, source_crc32, blob in tqdm(
        loader, title, initial=done, total=len(paths), unit="image"
    ):
        if isinstance(blob, ImageFailure):
            failures.append(blob.message)
            continue
        try:
            regions = detect_in_blob(detector, blob)
        except InputError as error:
            failures.append(f"{paths[row]}: {error}")
            continue
        writer.write(
            row,
            visual_feats=regions.visual_feats,
            visual_pos=regions.visual_pos,
            image_sizes=(blob.image_height, blob.image_width),
            object_ids=regions.object_ids,
            object_scores=regions.object_scores,
            attribute_ids=regions.attribute_ids,
            attribute_scores=regions.attribute_scores,
            n_fillers=regions.n_fillers,
            source_crc32=source_crc32,
        )
    return failures


def check_images_exist(paths: list[Path]) -> None:
    """Raise InputError, before hours of work, when an image file is missing."""
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise InputError(
            f"{missing[0]}: no such image ({len(missing)} of {len(paths)} are missing); "
            "check --image_root"
        )


def load_chosen_detector(arguments: ExtractFeaturesArguments) -> tuple[FasterRCNN, DetectorInfo]:
    """Load the detector with the settings that the command changes, on its device."""
    device = torch_device(arguments.device)
    settings = {
        "min_size": arguments.min_size,
        "max_size": arguments.max_size,
        "nms_thresholds": arguments.nms_thresholds and tuple(arguments.nms_thresholds),
        "n_regions": arguments.n_regions,
    }
    settings = {name: value for name, value in settings.items() if value is not None}
    detector, info = load_detector(arguments.weights, **settings)
    return detector.to(device), info


def main() -> None:
    arguments = parse_arguments(ExtractFeaturesArguments, description=__doc__)
    check_at_least("--num_workers", arguments.num_workers, 0)
    split = read_split(arguments.split_file)
    paths = [arguments.image_root / image.file_name for image in split.images]
    check_images_exist(paths)
    check_writable(arguments.output)
    detector, info = load_chosen_detector(arguments)
    config = detector.config
    torch.backends.cudnn.allow_tf32 = False  # its 10 bits of mantissa change which regions win
    with FeaturesWriter(
        arguments.output,
        split.image_ids,
        config.n_regions,
        config.feature_dim,
        arguments.dtype,
        describe(config, info),
    ) as writer:
        title = f"{split.split} regions"
        failures = write_features(writer, detector, paths, arguments.num_workers, title)
        if failures:
            listed = "; ".join(failures[:LISTED]) + ("; ..." if failures[LISTED:] else "")
            raise InputError(
                f"{len(failures)} of {len(paths)} images gave no features: {listed}. "
                f"{arguments.output} holds the others, marked incomplete; the same command "
                "goes on when they are replaced"
            )
        writer.finish()
    print(
        f"wrote {arguments.output}: {len(paths):,} images, {config.n_regions} regions of "
        f"{config.feature_dim} numbers"
    )


if __name__ == "__main__":
    run_command(main)
