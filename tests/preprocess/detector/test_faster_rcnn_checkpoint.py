"""The detector of faster-rcnn.pytorch: its stages, its checkpoints, and all of it against loops."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import resnet101

from preprocess.base.errors import InputError
from preprocess.base.files import sha256_of_file
from preprocess.detector.config import DetectorConfig
from preprocess.detector.faster_rcnn import FasterRCNN, make_cell_anchors
from preprocess.detector.faster_rcnn_checkpoint import PUBLISHED, checkpoint_layout
from preprocess.detector.regions import Regions, detect
from preprocess.detector.weights import load_detector, save_detector
from tests.preprocess.detector.slow_faster_rcnn import (
    ANCHORS,
    TINY_SETTINGS,
    SlowDetector,
    random_checkpoint,
    roi_align,
    slow_regions,
)
from tests.preprocess.detector.tiny_detector import random_image, save_random_detector

# Seed of the checkpoint, seed and size of the image.
CASES = [
    (0, 0, (50, 77)),
    (1, 1, (48, 64)),
    (2, 2, (90, 61)),  # 1 of 6 regions passes
    (4, 3, (40, 110)),  # at most 128 pixels
]


def write_checkpoint(folder: Path, checkpoint: object, name: str = "faster_rcnn.pth") -> Path:
    torch.save(checkpoint, folder / name)
    return folder / name


@pytest.fixture
def path(tmp_path) -> Path:
    return write_checkpoint(tmp_path, random_checkpoint())


def load(path: Path, **settings) -> FasterRCNN:
    detector, _ = load_detector(str(path), **{**TINY_SETTINGS, **settings})
    return detector


def difference(found: Regions, expected: dict) -> float:
    """The largest of any number of the regions, those in another order among them."""
    if found.visual_feats.shape != expected["visual_feats"].shape:
        return float("inf")
    names = ("visual_feats", "boxes_xyxy", "visual_pos", "object_ids", "object_scores")
    return max(float(np.abs(getattr(found, name) - expected[name]).max()) for name in names)


@pytest.mark.parametrize(("seed", "image_seed", "size"), CASES)
def test_regions_equal_those_of_the_loops(tmp_path, seed, image_seed, size):
    checkpoint = random_checkpoint(seed)
    image = random_image(image_seed, *size)
    path = write_checkpoint(tmp_path, checkpoint)
    n_passed = slow_regions(checkpoint["model"], image)["n_passed"]
    for n_regions in {6, n_passed, 100}:  # also exactly those that pass, and all with the padding
        expected = slow_regions(checkpoint["model"], image, n_regions)
        regions = detect(load(path, n_regions=n_regions), image)
        assert difference(regions, expected) < 1e-4
        assert regions.n_fillers == max(0, n_regions - n_passed)
        assert expected["n_proposals"] < 100
    assert (regions.attribute_ids == -1).all()
    assert (regions.attribute_scores == 0).all()


@pytest.mark.long
@pytest.mark.parametrize(
    "change",
    [
        {"resize": "torch"},
        {"channel_order": "rgb"},
        {"pooling": "roi_pool"},
        {"res5_stride": 1},
        {"res5_dilation": 2},
        {"roi_size": 14},
        {"inclusive_boxes": False},
        {"box_weights": (1, 1, 1, 1)},
        {"rpn_n_before_nms": 80},
        {"rpn_nms_threshold": 0.6},
        {"nms_thresholds": (0.5,)},
        {"min_score": 0.5},
        {"selection": "all_classes", "min_score": 0},
    ],
)
def test_each_setting_shows_in_the_comparison_with_the_loops(tmp_path, change):
    differences = []
    for seed, image_seed, size in CASES:
        checkpoint = random_checkpoint(seed)
        path = write_checkpoint(tmp_path, checkpoint)
        image = random_image(image_seed, *size)
        expected = slow_regions(checkpoint["model"], image, n_regions=100)
        regions = detect(load(path, n_regions=100, **change), image)
        differences.append(difference(regions, expected))
    assert max(differences) > 1e-2


def test_the_tiny_anchors_are_those_of_the_loops():
    config = dataclasses.replace(PUBLISHED, **TINY_SETTINGS)
    assert torch.equal(make_cell_anchors(config), torch.tensor(ANCHORS))


def test_missing_proposals_are_boxes_of_zeros(path):
    generator = load(path).proposal_generator
    anchors = torch.tensor([[0, 0, 31, 31], [40, 0, 71, 31], [41, 0, 72, 31.0]])
    logits = torch.tensor([1.0, 3.0, 2.0])
    boxes, logits = generator.propose(logits, torch.zeros(3, 4), anchors, size=(64, 96))
    assert boxes.shape == (100, 4)
    # By logit, each grown to its outer edges; the last overlaps by 32 / 34 with the first.
    assert boxes[:3].tolist() == [[40, 0, 72, 32], [0, 0, 32, 32], [0, 0, 0, 0]]
    assert logits[:3].tolist() == [3, 1, float("-inf")]
    assert boxes[3:].abs().max() == 0


def test_an_inclusive_proposal_of_one_pixel_is_none_too_small(path):
    generator = load(path).proposal_generator
    beyond = torch.tensor([[-50.0, -50.0, -20.0, -20.0]])
    boxes, logits = generator.propose(torch.ones(1), torch.zeros(1, 4), beyond, size=(64, 96))
    assert (boxes[0].tolist(), logits[0]) == ([0, 0, 0, 0], 1)


def test_regions_are_aligned_in_7_cells_and_halved_to_4(path):
    heads = load(path).roi_heads
    features = torch.rand(1, 16, 4, 6, generator=torch.Generator().manual_seed(0))
    boxes = torch.tensor([[3.0, 5.0, 90.0, 60.0], [10.0, 10.0, 12.0, 12.0], [0, 0, 0, 0]])
    cells = heads.pool_cells(features, [boxes], heads.roi_size, 1 / 16)
    expected = np.stack([roi_align(features[0].double().numpy(), box) for box in boxes.tolist()])
    assert cells.shape == (3, 16, 7, 7)
    np.testing.assert_allclose(cells.numpy(), expected, atol=1e-5)
    assert heads.res5(cells).shape == (3, 24, 4, 4)
    assert torch.equal(heads.pool(features, [boxes]), heads.res5(cells).mean(dim=(2, 3)))


def test_of_an_anchors_two_logits_the_difference_stays(path):
    model = random_checkpoint()["model"]
    hidden = torch.rand(1, 8, 1, 1, generator=torch.Generator().manual_seed(0))
    slow = SlowDetector(model)
    probabilities = slow.linear(hidden.double(), "RCNN_rpn.RPN_cls_score").view(2, 6).softmax(0)
    logits = load(path).proposal_generator.rpn_head.objectness_logits(hidden).view(6)
    torch.testing.assert_close(logits.sigmoid().double(), probabilities[1])


def published_layout() -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        ours = FasterRCNN(PUBLISHED).state_dict()
        network = resnet101().state_dict()
    return checkpoint_layout(ours, dict.fromkeys(network_names(network)))


def network_names(names) -> list[str]:
    """Names in a checkpoint of torchvision's ResNet-101 names, which that code base also has."""
    stages = {"conv1": "RCNN_base.0", "bn1": "RCNN_base.1", "layer1": "RCNN_base.4"}
    stages |= {"layer2": "RCNN_base.5", "layer3": "RCNN_base.6", "layer4": "RCNN_top.0"}
    split = [name.partition(".") for name in names if not name.startswith("fc.")]
    return [f"{stages[stage]}.{rest}" for stage, _, rest in split]


def test_the_published_checkpoint_is_a_resnet101_with_heads():
    layout = published_layout()
    with torch.device("meta"):
        network = resnet101().state_dict()
    shapes = [tuple(t.shape) for name, t in network.items() if not name.startswith("fc.")]
    expected = dict(zip(network_names(network), shapes, strict=True))
    for name, shape in {
        "RCNN_rpn.RPN_Conv": (512, 1024, 3, 3),
        "RCNN_rpn.RPN_cls_score": (24, 512, 1, 1),
        "RCNN_rpn.RPN_bbox_pred": (48, 512, 1, 1),
        "RCNN_cls_score": (1601, 2048),
        "RCNN_bbox_pred": (6404, 2048),
    }.items():
        expected |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    assert {name: tuple(tensor.shape) for name, tensor in layout.items()} == expected
    assert len(layout) == 624 + 10


def test_a_checkpoint_of_old_pytorch_counts_no_batches(tmp_path):
    image = random_image(0)
    with_counts, without = (
        detect(load(write_checkpoint(tmp_path, random_checkpoint(0, counted))), image)
        for counted in (True, False)
    )
    assert np.array_equal(with_counts.visual_feats, without.visual_feats)


def test_the_older_format_of_torch_files_is_read(tmp_path, path):
    old = tmp_path / "old.pth"
    torch.save(random_checkpoint(), old, _use_new_zipfile_serialization=False)
    image = random_image(0)
    assert np.array_equal(
        detect(load(old), image).visual_feats, detect(load(path), image).visual_feats
    )


@pytest.mark.parametrize(
    ("mode", "pooling"), [("align", "roi_align"), ("pool", "roi_pool"), (None, "roi_align")]
)
def test_the_checkpoint_says_how_it_pools(tmp_path, mode, pooling):
    checkpoint = random_checkpoint() | {"pooling_mode": mode}
    if mode is None:
        del checkpoint["pooling_mode"]
    assert load(write_checkpoint(tmp_path, checkpoint)).config.pooling == pooling


def test_the_file_names_the_detector_and_labels_lie_beside_it(path):
    _, info = load_detector(str(path), **TINY_SETTINGS)
    assert (info.name, info.sha256) == ("faster_rcnn.pth", sha256_of_file(path))
    assert info.objects == info.attributes == ()
    (path.parent / "objects_vocab.txt").write_text("a\nb\nc\nd\ne\n")
    assert load_detector(str(path), **TINY_SETTINGS)[1].objects == ("a", "b", "c", "d", "e")
    (path.parent / "objects_vocab.txt").write_text("background\na\nb\nc\nd\ne\n")
    with pytest.raises(InputError, match="expected 5 labels, one a line, found 6"):
        load_detector(str(path), **TINY_SETTINGS)


def test_a_saved_detector_is_the_same_when_loaded(tmp_path, path):
    detector = load(path)
    for parameter in detector.parameters():  # numbers that float16 has
        parameter.data = parameter.half().float()
    save_detector(tmp_path / "saved", detector, (), ())
    copy, info = load_detector(str(tmp_path / "saved"))
    assert (copy.config, info.name) == (detector.config, "saved")
    image = random_image(0)
    found, expected = detect(copy, image), detect(detector, image)
    assert np.array_equal(found.visual_feats, expected.visual_feats)
    assert np.array_equal(found.boxes_xyxy, expected.boxes_xyxy)
    assert not any("attr" in name for name in copy.state_dict())


def test_missing_unexpected_and_misshapen_weights_are_listed_in_the_files_names(tmp_path):
    checkpoint = random_checkpoint()
    model = checkpoint["model"]
    del model["RCNN_base.5.0.downsample.0.weight"]
    del model["RCNN_base.1.running_mean"]
    model["RCNN_base.6.2.conv1.weight"] = torch.zeros(1)
    model["RCNN_bbox_pred.bias"] = torch.zeros(20)
    with pytest.raises(InputError) as error:
        load(write_checkpoint(tmp_path, checkpoint))
    for part in (
        "faster_rcnn.pth: not this detector's weights",
        "2 missing: RCNN_base.1.running_mean, RCNN_base.5.0.downsample.0.weight",
        "1 unexpected: RCNN_base.6.2.conv1.weight",
        "1 of another shape: RCNN_bbox_pred.bias (20,) instead of (24,)",
    ):
        assert part in str(error.value)


def with_model(checkpoint: dict, **weights) -> dict:
    return checkpoint | {"model": checkpoint["model"] | weights}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (random_checkpoint()["model"], "found the bare weights of a detector of that code base"),
        ({"backbone.stem.conv1.weight": torch.zeros(1)}, "like unc-nlp/frcnn-vg-finetuned: give"),
        ({"model": {"roi_heads.res5.0": torch.zeros(1)}}, "like unc-nlp/frcnn-vg-finetuned: give"),
        ({"epoch": 3, "state_dict": {}}, "found a dictionary of epoch, state_dict"),
        ({"model": {}}, "found a dictionary of nothing"),
        ([1], "found an object of type list"),
        (random_checkpoint() | {"class_agnostic": True}, "one box for all classes"),
        (random_checkpoint() | {"pooling_mode": "crop"}, "'crop' is not supported, expected align"),
        (
            with_model(random_checkpoint(), **{"RCNN_cls_score.bias": torch.full((6,), np.nan)}),
            "RCNN_cls_score.bias holds infinite numbers or NaN",
        ),
        (DetectorConfig, "found a damaged or other file"),
    ],
)
def test_another_file_is_one_line_that_says_what_it_is(tmp_path, content, line):
    with pytest.raises(InputError) as error:
        load(write_checkpoint(tmp_path, content))
    assert line in str(error.value)
    assert "faster_rcnn.pth" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_checkpoint_that_does_not_exist_is_not_looked_for_on_the_hub(tmp_path):
    with pytest.raises(InputError, match=r"models/faster_rcnn\.pth: no such file"):
        load_detector("models/faster_rcnn.pth")


def test_a_checkpoint_in_a_folder_of_the_other_detector_is_told_apart(tmp_path):
    folder = save_random_detector(tmp_path / "detector")
    (folder / "model.safetensors").unlink()
    write_checkpoint(folder, random_checkpoint(), "pytorch_model.bin")
    with pytest.raises(InputError, match="give --weights the file instead of its folder"):
        load_detector(str(folder))
