"""Training the demo's region detector, from scratch, on the things of drawn scenes."""

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.ops import box_convert, box_iou
from tqdm import tqdm, trange

from demo.training.checkpoints import replacing_folder
from demo.training.detector_losses import detection_loss
from preprocess.detector.config import DetectorConfig
from preprocess.detector.faster_rcnn import FasterRCNN
from preprocess.detector.regions import detect, make_blob
from preprocess.detector.weights import load_detector, save_detector
from preprocess.storage.decoding import decode_rgb, read_encoded

N_STEPS = 2800
BATCH_IMAGES = 12
LEARNING_RATE = 2e-3
WARMUP_STEPS = 150
# Towards the end, statistics of batch norm stay as they will be in use, and weights adapt to it.
FROZEN_NORM_STEPS = 900
NORM_MOMENTUM = 0.02  # statistics over some 50 batches: single ones differ in their backgrounds
FOUND = 0.5  # overlap (intersection over union) of a region that shows a thing


@dataclass(frozen=True)
class LabelledImage:
    """An image and its things: `boxes_xyxy` (n, 4) pixels; `object_ids`, `attribute_ids` (n,)."""

    path: Path
    height: int
    width: int
    boxes_xyxy: Tensor
    object_ids: Tensor
    attribute_ids: Tensor


@dataclass(frozen=True)
class Labels:
    """Names of objects and attributes in the order of their ids."""

    objects: tuple[str, ...]
    attributes: tuple[str, ...]


def train_detector(output_dir: Path, scene_dir: Path) -> dict[str, float]:
    """Train on the images of train2014 of rendered scenes and write `output_dir`/detector.

    Returns the quality on the images of val2014 (see `evaluate`), which it was not trained on.
    """
    torch.manual_seed(0)
    labels = read_labels(scene_dir / "annotations" / "instances_train2014.json")
    images = {
        folder: read_labelled_images(scene_dir, folder, labels)
        for folder in ("train2014", "val2014")
    }
    detector = FasterRCNN(demo_config(len(labels.objects), len(labels.attributes)))
    initialize(detector)
    fit(detector, images["train2014"])
    with replacing_folder(output_dir / "detector") as folder:
        save_detector(folder, detector, labels.objects, labels.attributes)
    saved, _ = load_detector(str(output_dir / "detector"))
    return evaluate(saved, images["val2014"])


def demo_config(n_objects: int, n_attributes: int) -> DetectorConfig:
    """Return the architecture: the published one in small, for pictures of 256 pixels."""
    return DetectorConfig(
        min_size=256,
        max_size=352,
        stem_channels=16,
        stage_blocks=(2, 2, 3, 1),
        stage_widths=(16, 32, 64, 64),
        stage_channels=(32, 64, 160, 128),
        roi_size=5,
        anchor_sizes=(32, 54, 90, 150),
        anchor_ratios=(0.6, 1, 1.7),
        rpn_channels=128,
        rpn_n_before_nms=300,
        rpn_n_after_nms=48,
        n_objects=n_objects,
        n_attributes=n_attributes,
        object_embedding=16,
        attribute_hidden=64,
        n_regions=12,
    )


def read_labels(instances: Path) -> Labels:
    """Read the names of COCO categories, by id, and of the attributes, sorted."""
    content = json.loads(instances.read_text("utf-8"))
    categories = sorted(content["categories"], key=lambda category: category["id"])
    attributes = sorted({annotation["attribute"] for annotation in content["annotations"]})
    return Labels(tuple(category["name"] for category in categories), tuple(attributes))


def read_labelled_images(scene_dir: Path, folder: str, labels: Labels) -> list[LabelledImage]:
    """Read the images of an instances file that have things on them."""
    path = scene_dir / "annotations" / f"instances_{folder}.json"
    content = json.loads(path.read_text("utf-8"))
    names = {category["id"]: category["name"] for category in content["categories"]}
    things = defaultdict(list)
    for annotation in content["annotations"]:
        things[annotation["image_id"]].append(annotation)
    return [
        LabelledImage(
            scene_dir / "images" / folder / image["file_name"],
            image["height"],
            image["width"],
            box_convert(torch.tensor([t["bbox"] for t in things[image["id"]]]), "xywh", "xyxy"),
            torch.tensor(
                [labels.objects.index(names[t["category_id"]]) for t in things[image["id"]]]
            ),
            torch.tensor([labels.attributes.index(t["attribute"]) for t in things[image["id"]]]),
        )
        for image in content["images"]
        if image["id"] in things
    ]


def initialize(detector: FasterRCNN) -> None:
    """Draw weights that keep the variance of activations; each residual branch starts at zero."""
    for module in detector.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    for name, module in detector.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = NORM_MOMENTUM
        if name.endswith("conv3.norm"):
            nn.init.zeros_(module.weight)
    head, predictor = detector.proposal_generator.rpn_head, detector.roi_heads.box_predictor
    for layer in (head.objectness_logits, head.anchor_deltas, predictor.bbox_pred):
        nn.init.normal_(layer.weight, std=0.01)
        nn.init.zeros_(layer.bias)


def fit(detector: FasterRCNN, images: list[LabelledImage]) -> None:
    """Minimise the detection losses over shuffled batches, with the running mean of the loss."""
    trained = [weight for weight in detector.parameters() if weight.requires_grad]
    decayed = [weight for weight in trained if weight.ndim > 1]
    others = [weight for weight in trained if weight.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _rate)
    batches = _batches(images, detector.config, np.random.default_rng(0))
    mean_loss = None
    progress = trange(N_STEPS, desc="training detector", unit="batch")
    detector.train().to(memory_format=torch.channels_last)
    for step in progress:
        if step == N_STEPS - FROZEN_NORM_STEPS:
            _freeze_norms(detector)
        loss = detection_loss(detector, *next(batches))
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 5.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        mean_loss = loss.item() if mean_loss is None else 0.98 * mean_loss + 0.02 * loss.item()
        progress.set_postfix(loss=f"{mean_loss:.2f}", refresh=False)
    detector.eval()


def _rate(step: int) -> float:
    """Return the share of the learning rate: a linear warm-up, then half a cosine."""
    if step < WARMUP_STEPS:
        return (step + 1) / WARMUP_STEPS
    return 0.5 + 0.5 * math.cos(math.pi * (step - WARMUP_STEPS) / (N_STEPS - WARMUP_STEPS))


def _freeze_norms(detector: FasterRCNN) -> None:
    for module in detector.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def _batches(
    images: list[LabelledImage], config: DetectorConfig, generator: np.random.Generator
) -> Iterator[tuple]:
    """Yield the arguments of `detection_loss`, without end; a batch has images of one size."""
    by_size = defaultdict(list)
    for image in images:
        by_size[image.height, image.width].append(image)
    while True:
        chunks = []
        for group in by_size.values():
            order = generator.permutation(len(group))
            for start in range(0, len(group), BATCH_IMAGES):
                chunks.append([group[i] for i in order[start : start + BATCH_IMAGES]])
        for index in generator.permutation(len(chunks)):
            yield collate(chunks[index], config, generator)


def collate(
    images: list[LabelledImage], config: DetectorConfig, generator: np.random.Generator
) -> tuple[Tensor, list[Tensor], list[Tensor], list[Tensor]]:
    """Decode, mirror half of them, and scale boxes to the blob."""
    pixels, boxes = [], []
    for image in images:
        blob = make_blob(decode_rgb(read_encoded(image.path), str(image.path)), config).pixels
        scale_y, scale_x = blob.shape[1] / image.height, blob.shape[2] / image.width
        scaled = image.boxes_xyxy * torch.tensor([scale_x, scale_y, scale_x, scale_y])
        if generator.random() < 0.5:
            blob = blob.flip(2)
            left, right = blob.shape[2] - scaled[:, 2], blob.shape[2] - scaled[:, 0]
            scaled = torch.stack((left, scaled[:, 1], right, scaled[:, 3]), dim=1)
        pixels.append(blob)
        boxes.append(scaled)
    return (
        torch.stack(pixels),
        boxes,
        [image.object_ids for image in images],
        [image.attribute_ids for image in images],
    )


def evaluate(detector: FasterRCNN, images: list[LabelledImage]) -> dict[str, float]:
    """Measure how well regions show the things of images.

    Returns:
        Shares in [0, 1]: `recall` of things that some region overlaps by at least `FOUND`; of
        these, by the region that overlaps most, `object_accuracy` and `attribute_accuracy`; and
        the mean `overlap` of that region.
    """
    overlaps, objects, attributes = [], [], []
    for image in tqdm(images, desc="evaluating detector", unit="image"):
        regions = detect(detector, decode_rgb(read_encoded(image.path), str(image.path)))
        iou = box_iou(image.boxes_xyxy, torch.from_numpy(regions.boxes_xyxy))  # (n, n_regions)
        best = iou.argmax(dim=1).numpy()
        overlaps += iou.max(dim=1).values.tolist()
        objects += (regions.object_ids[best] == image.object_ids.numpy()).tolist()
        attributes += (regions.attribute_ids[best] == image.attribute_ids.numpy()).tolist()
    found = np.array(overlaps) >= FOUND
    return {
        "recall": float(found.mean()),
        "object_accuracy": float(np.array(objects)[found].mean()),
        "attribute_accuracy": float(np.array(attributes)[found].mean()),
        "overlap": float(np.array(overlaps)[found].mean()),
    }
