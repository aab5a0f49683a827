import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from demo.render import RenderArguments, render
from demo.training.detector_losses import detection_loss
from demo.training.train_detector import (
    collate,
    demo_config,
    evaluate,
    initialize,
    read_labelled_images,
    read_labels,
)
from preprocess.detector.faster_rcnn import FasterRCNN
from preprocess.detector.weights import load_detector

SHIPPED = Path(__file__).resolve().parents[3] / "demo" / "models" / "detector"


@pytest.fixture(scope="module")
def scene_dir(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    render(RenderArguments(folder, seed=31, n_train=40, n_restval=0, n_val=40, n_test=0))
    return folder


@pytest.fixture(scope="module")
def labels(scene_dir):
    return read_labels(scene_dir / "annotations" / "instances_train2014.json")


def test_labels_are_categories_by_id_and_colours_in_alphabetical_order(labels):
    assert labels.objects[:3] == ("house", "tree", "car")
    assert len(labels.objects) == 12
    assert list(labels.attributes) == sorted(labels.attributes)


def test_boxes_lie_inside_their_images_with_their_corners_in_order(scene_dir, labels):
    images = read_labelled_images(scene_dir, "val2014", labels)
    assert len(images) == 40
    for image in images:
        upper_left, lower_right = image.boxes_xyxy.split(2, dim=1)
        assert (upper_left >= 0).all()
        assert (upper_left < lower_right).all()
        assert (lower_right <= torch.tensor([image.width, image.height])).all()
        assert len(image.boxes_xyxy) == len(image.object_ids) == len(image.attribute_ids)


def test_a_mirrored_image_has_its_boxes_mirrored(scene_dir, labels):
    image = read_labelled_images(scene_dir, "val2014", labels)[0]
    config = demo_config(12, 8)
    seen = {}
    for seed in range(20):
        pixels, (boxes,), _, _ = collate([image], config, np.random.default_rng(seed))
        seen[boxes[0, 0].item()] = pixels[0], boxes
    (pixels, boxes), (mirrored_pixels, mirrored_boxes) = seen.values()
    width = pixels.shape[2]
    assert torch.equal(pixels.flip(2), mirrored_pixels)
    torch.testing.assert_close(mirrored_boxes[:, 0], width - boxes[:, 2])
    torch.testing.assert_close(mirrored_boxes[:, 2], width - boxes[:, 0])
    assert torch.equal(mirrored_boxes[:, 1::2], boxes[:, 1::2])


def test_training_lowers_the_loss_of_the_image_it_sees(scene_dir, labels):
    torch.manual_seed(0)
    image = read_labelled_images(scene_dir, "val2014", labels)[0]
    detector = FasterRCNN(dataclasses.replace(demo_config(12, 8), min_size=128, max_size=176))
    initialize(detector)
    detector.train()
    optimizer = torch.optim.AdamW([p for p in detector.parameters() if p.requires_grad], lr=2e-3)
    batch = collate([image], detector.config, np.random.default_rng(0))
    losses = []
    for _ in range(25):
        losses.append(detection_loss(detector, *batch))
        losses[-1].backward()
        optimizer.step()
        optimizer.zero_grad()
    assert torch.stack(losses[-5:]).mean() < 0.6 * torch.stack(losses[:3]).mean()


def test_the_detector_in_the_repository_finds_things_that_it_has_not_seen(scene_dir, labels):
    detector, info = load_detector(str(SHIPPED))
    assert (info.objects, info.attributes) == (labels.objects, labels.attributes)
    quality = evaluate(detector, read_labelled_images(scene_dir, "val2014", labels))
    assert quality["recall"] > 0.9
    assert quality["object_accuracy"] > 0.9
    assert quality["attribute_accuracy"] > 0.9
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 3.5e6
