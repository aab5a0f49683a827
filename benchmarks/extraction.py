"""Speed of region extraction against the plain way, and what its options change.

The plain way takes one image at a time: decode, resize, then a forward pass with all 300 regions
at once, in the weights' own memory format. Ours is the loop of preprocess.extract_features: workers
decode meanwhile, and the head takes as many regions at once as the caches hold. Each option is
compared with the plain way in the same run: images a second, in the slowest and the fastest round,
whose distance is the noise; the ratio of the fastest; boxes, features, chosen regions.

    python -m benchmarks.extraction
    python -m benchmarks.extraction --weights unc-nlp/frcnn-vg-finetuned \\
        --image_root datasets/coco/images

By default the detector has the published size and random weights, and the images are random blocks
of COCO's sizes; speed depends on neither. On a CPU it takes a few minutes.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image

from benchmarks.timing import compare, hardware
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.device import torch_device
from preprocess.base.errors import InputError
from preprocess.detector import faster_rcnn
from preprocess.detector.config import DetectorConfig
from preprocess.detector.faster_rcnn import FasterRCNN
from preprocess.detector.regions import Regions, detect
from preprocess.detector.weights import load_detector
from preprocess.extracting.extraction import detect_in_images
from preprocess.extracting.image_blobs import load_batches, plan_batches
from preprocess.storage.decoding import decode_rgb, read_encoded

SIZES = ((480, 640), (640, 480), (427, 640), (480, 640))  # height, width


@dataclass
class ExtractionArguments:
    weights: str | None = field(
        default=None, metadata={"help": "the detector. Default: the published size, random"}
    )
    image_root: Path | None = field(
        default=None, metadata={"help": "folder of JPEG files. Default: random images"}
    )
    n_images: int = field(default=4, metadata={"help": "images in a round"})
    batch_size: int = field(default=1, metadata={"help": "most images in a forward pass of ours"})
    repeats: int = field(default=2, metadata={"help": "rounds; the ratio is of the fastest"})
    num_workers: int = field(default=1, metadata={"help": "processes that decode and resize"})
    compiled: bool = field(default=False, metadata={"help": "compare torch.compile too"})
    device: str = field(default="cuda" if torch.cuda.is_available() else "cpu")


def random_images(folder: Path, n_images: int) -> list[Path]:
    """Write JPEG files of random blocks, in COCO's usual sizes in turn."""
    generator = np.random.default_rng(0)
    paths = [folder / f"{index}.jpg" for index in range(n_images)]
    for index, path in enumerate(paths):
        height, width = SIZES[index % len(SIZES)]
        blocks = generator.integers(0, 256, (height // 10 + 1, width // 10 + 1, 3), np.uint8)
        pixels = blocks.repeat(10, axis=0).repeat(10, axis=1)[:height, :width]
        Image.fromarray(pixels).save(path)
    return paths


def random_detector(config: DetectorConfig | None = None) -> FasterRCNN:
    """Make a detector of the published size, or of another."""
    torch.manual_seed(0)
    return FasterRCNN(config or DetectorConfig()).eval().requires_grad_(False)


def plain_way(detector: FasterRCNN, paths: list[Path]) -> list[Regions]:
    """One image at a time, decode then forward, all regions at once."""
    device = next(detector.parameters()).device.type
    with patch.dict(faster_rcnn.REGIONS_AT_ONCE, {device: detector.config.rpn_n_after_nms}):
        return [detect(detector, decode_rgb(read_encoded(path), str(path))) for path in paths]


def our_way(
    detector: FasterRCNN,
    paths: list[Path],
    batch_size: int,
    num_workers: int,
    precision: torch.dtype,
) -> list[Regions]:
    """The loop of preprocess.extract_features, without writing."""
    on_gpu = next(detector.parameters()).device.type == "cuda"
    batches = plan_batches(paths, detector.config, batch_size, "image sizes")
    found: dict[int, Regions | InputError] = {}
    for images in load_batches(paths, detector.config, batches, num_workers, pin_memory=on_gpu):
        found.update(detect_in_images(detector, images, precision))
    return [found[row] for row in range(len(paths))]


@dataclass(frozen=True)
class RegionChanges:
    """How many regions are the same ones, and how far those that are differ at most.

    Attributes:
        same: share of them.
        box: in pixels.
        feature: relative to the length of the feature.
    """

    same: float
    box: float
    feature: float


def difference(found: list[Regions], expected: list[Regions]) -> RegionChanges:
    """Compare the regions of the same images.

    A region is the same when a box of the plain way, of the same object, overlaps it almost wholly.
    """
    same = total = 0
    boxes, features = 0.0, 0.0
    for ours, plain in zip(found, expected, strict=True):
        apart = np.abs(ours.boxes_xyxy[:, None] - plain.boxes_xyxy).max(axis=2)  # (n, n)
        nearest = apart.argmin(axis=1)
        alike = (apart.min(axis=1) < 5) & (ours.object_ids == plain.object_ids[nearest])
        same, total = same + alike.sum(), total + len(alike)
        if alike.any():
            theirs = plain.visual_feats[nearest[alike]]
            apart_feats = np.linalg.norm(ours.visual_feats[alike] - theirs, axis=1)
            features = max(features, (apart_feats / np.linalg.norm(theirs, axis=1)).max())
            boxes = max(boxes, apart.min(axis=1)[alike].max())
    return RegionChanges(float(same / total), float(boxes), float(features))


def make_detectors(
    weights: str | None, device: torch.device, compiled: bool
) -> dict[str, tuple[FasterRCNN, torch.dtype]]:
    """Return each way's detector, and the type that it computes in, by the way's name."""

    def make_detector() -> FasterRCNN:
        return (random_detector() if weights is None else load_detector(weights)[0]).to(device)

    plain, ours = make_detector(), make_detector().to(memory_format=torch.channels_last)
    detectors = {
        "plain": (plain, torch.float32),
        "ours, not channels-last": (plain, torch.float32),
        "ours": (ours, torch.float32),
        "ours, bfloat16": (ours, torch.bfloat16),
    }
    if device.type == "cuda":
        detectors["ours, float16"] = (ours, torch.float16)
    if compiled:
        faster = make_detector().to(memory_format=torch.channels_last)
        faster.roi_heads.res5.compile(dynamic=True)
        detectors["ours, compiled"] = (faster, torch.float32)
    return detectors


def print_table(
    n_images: int, seconds: dict[str, list[float]], results: dict[str, list[Regions]]
) -> None:
    """Print a line for each way: its speed in the rounds, and its regions against the plain way."""
    print(f"{'':26}{'images/s':>15} {'ratio':>6} {'regions':>7} {'box (px)':>10} {'feature':>12}")
    for name, rounds in seconds.items():
        speed = f"{n_images / max(rounds):.3f} - {n_images / min(rounds):.3f}"
        ratio = min(seconds["plain"]) / min(rounds)
        found = difference(results[name], results["plain"])
        print(
            f"{name:26}{speed:>15} {ratio:6.2f} {found.same:7.1%} {found.box:10.2g} "
            f"{found.feature:12.2g}"
        )
    print("images/s: in the slowest and the fastest round; ratio: of the fastest")
    print("regions: share that the plain way chose too; box, feature: largest change of these")


def main() -> None:
    arguments = parse_arguments(ExtractionArguments, description=__doc__)
    check_at_least("--n_images", arguments.n_images, 1)
    check_at_least("--repeats", arguments.repeats, 1)
    device = torch_device(arguments.device)
    detectors = make_detectors(arguments.weights, device, arguments.compiled)
    with tempfile.TemporaryDirectory() as folder:
        if arguments.image_root is None:
            paths = random_images(Path(folder), arguments.n_images)
        else:
            paths = sorted(arguments.image_root.rglob("*.jpg"))[: arguments.n_images]
            if not paths:
                raise InputError(f"{arguments.image_root}: expected .jpg files, found none")
        results: dict[str, list[Regions]] = {}

        def keep(name: str, run: Callable[[], list[Regions]]) -> Callable[[], None]:
            return lambda: results.update({name: run()})

        plain = detectors.pop("plain")[0]
        ways = {"plain": keep("plain", lambda: plain_way(plain, paths))}
        for name, (detector, precision) in detectors.items():
            ways[name] = keep(
                name,
                lambda detector=detector, precision=precision: our_way(
                    detector, paths, arguments.batch_size, arguments.num_workers, precision
                ),
            )
        seconds = compare(ways, arguments.repeats)
    print(f"{len(paths)} images, batches of {arguments.batch_size}; {hardware(device)}")
    print_table(len(paths), seconds, results)


if __name__ == "__main__":
    run_command(main)
