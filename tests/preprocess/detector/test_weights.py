"""Detector folders: what is saved and loaded, and damaged ones."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from preprocess.base.errors import InputError
from preprocess.base.files import read_json, sha256_of_file
from preprocess.detector.config import DetectorConfig, read_detector_config
from preprocess.detector.regions import detect
from preprocess.detector.weights import load_detector, save_detector
from tests.preprocess.detector.tiny_detector import (
    TINY,
    random_detector,
    random_image,
    save_random_detector,
)


@pytest.fixture
def weights(tmp_path) -> Path:
    return save_random_detector(tmp_path / "detector")


def test_a_saved_detector_is_the_same_when_loaded(tmp_path, weights):
    detector, info = load_detector(str(weights))
    save_detector(tmp_path / "copy", detector, info.objects, info.attributes)
    copy, copied_info = load_detector(str(tmp_path / "copy"))
    image = random_image(0)
    assert np.array_equal(detect(detector, image).visual_feats, detect(copy, image).visual_feats)
    assert (info.name, copied_info.name) == ("detector", "copy")
    assert info.sha256 == copied_info.sha256
    assert len(info.objects) == 5
    assert info.attributes == ("attribute 0", "attribute 1", "attribute 2")


def test_half_precision_weights_are_widened_and_anchors_kept_exact(weights):
    stored = load_file(weights / "model.safetensors")
    detector, _ = load_detector(str(weights))
    assert stored["backbone.stem.conv1.weight"].dtype == torch.float16
    assert all(p.dtype == torch.float32 for p in detector.parameters())
    anchors = "proposal_generator.anchor_generator.cell_anchors.0"
    assert torch.equal(detector.state_dict()[anchors], random_detector().state_dict()[anchors])


def test_missing_unexpected_and_misshapen_weights_are_listed(weights):
    state = load_file(weights / "model.safetensors")
    del state["backbone.res2.0.conv1.weight"]
    state["RCNN_base.0.weight"] = torch.zeros(1)
    state["roi_heads.box_predictor.cls_score.bias"] = torch.zeros(7)
    save_file(state, weights / "model.safetensors")
    with pytest.raises(InputError) as error:
        load_detector(str(weights))
    for part in (
        "1 missing: backbone.res2.0.conv1.weight",
        "1 unexpected: RCNN_base.0.weight",
        "1 of another shape: roi_heads.box_predictor.cls_score.bias (7,) instead of (6,)",
    ):
        assert part in str(error.value)


def test_weights_that_are_missing_are_listed_up_to_fifty(weights):
    state = load_file(weights / "model.safetensors")
    for n_missing, more in ((50, ""), (60, " and 10 more")):
        names = sorted(state)[:n_missing]
        kept = {name: tensor for name, tensor in state.items() if name not in names}
        save_file(kept, weights / "model.safetensors")
        with pytest.raises(InputError) as error:
            load_detector(str(weights))
        assert str(error.value).endswith(f"{n_missing} missing: {', '.join(names[:50])}{more}")


def test_batch_norm_variances_beyond_the_range_of_half_precision_are_kept(tmp_path):
    detector = random_detector()
    detector.backbone.stem.conv1.norm.running_var.fill_(1e6)
    save_detector(tmp_path / "detector", detector, (), ())
    loaded, info = load_detector(str(tmp_path / "detector"))
    assert loaded.backbone.stem.conv1.norm.running_var[0] == 1e6
    assert info.objects == info.attributes == ()


def test_weights_that_are_not_finite_are_refused(weights):
    state = load_file(weights / "model.safetensors")
    state["roi_heads.res5.0.conv1.weight"][0] = float("nan")
    save_file(state, weights / "model.safetensors")
    with pytest.raises(InputError, match=r"roi_heads\.res5\.0\.conv1\.weight holds infinite"):
        load_detector(str(weights))


def test_a_pickled_state_dict_is_read_and_other_pickles_are_refused(weights):
    state = load_file(weights / "model.safetensors")
    (weights / "model.safetensors").unlink()
    torch.save(state, weights / "pytorch_model.bin")
    detector, info = load_detector(str(weights))
    assert info.sha256 == sha256_of_file(weights / "pytorch_model.bin")
    assert detect(detector, random_image(0)).visual_feats.shape == (6, 24)
    torch.save({"model": state, "config": DetectorConfig}, weights / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"pytorch_model\.bin: expected a state dict"):
        load_detector(str(weights))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.safetensors", b"damaged", "expected a state dict, found a damaged or other file"),
        ("config.json", b"{", "expected JSON"),
        ("config.json", b'{"depth": 101}', "not the configuration of a detector"),
        ("config.json", b'{"n_regions": 301}', "n_regions: expected 1 to 300"),
        ("objects_vocab.txt", b"person\ncar\n", "expected 5 labels, one a line, found 2"),
    ],
)
def test_a_damaged_file_of_a_detector_is_named(weights, name, content, message):
    (weights / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        load_detector(str(weights))
    assert name in str(error.value)


def test_weights_that_are_neither_folder_nor_hub_id_are_bad_input():
    with pytest.raises(InputError, match="neither a local folder nor a hub id"):
        load_detector("no/such/folder")


def test_an_empty_folder_is_no_detector(tmp_path):
    with pytest.raises(InputError, match=r"neither config\.json nor config\.yaml"):
        load_detector(str(tmp_path))


def test_the_published_configuration_gives_the_architecture_but_not_the_test_settings(tmp_path):
    published = {
        "INPUT": {"FORMAT": "BGR", "MIN_SIZE_TEST": 800, "MAX_SIZE_TEST": 1333},
        "MODEL": {"PIXEL_MEAN": [102.9801, 115.9465, 122.7717]},
        "RESNETS": {"DEPTH": 101, "RES2_OUT_CHANNELS": 256, "STEM_OUT_CHANNELS": 64},
        "ANCHOR_GENERATOR": {"SIZES": [[64, 128, 256, 512]], "ASPECT_RATIOS": [[0.5, 1.0, 2.0]]},
        "PROPOSAL_GENERATOR": {"HIDDEN_CHANNELS": 512},
        "RPN": {"PRE_NMS_TOPK_TEST": 6000, "POST_NMS_TOPK_TEST": 300, "NMS_THRESH": 0.7},
        "ROI_HEADS": {"NUM_CLASSES": 1600, "NMS_THRESH_TEST": [0.5, 0.6, 0.7]},
        "ROI_BOX_HEAD": {"NUM_ATTRS": 400, "POOLER_RESOLUTION": 14},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(published))
    assert read_detector_config(tmp_path) == DetectorConfig()
    published["RESNETS"]["DEPTH"] = 50
    published["ROI_HEADS"]["NUM_CLASSES"] = 80
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(published))
    config = read_detector_config(tmp_path)
    assert (config.stage_blocks, config.n_objects) == ((3, 4, 6, 3), 80)


def test_settings_can_be_changed_when_a_detector_is_loaded(weights):
    detector, _ = load_detector(str(weights), n_regions=4, min_size=48)
    assert (detector.config.n_regions, detector.config.min_size) == (4, 48)
    assert detector.config.max_size == TINY.max_size
    assert detect(detector, random_image(0)).visual_feats.shape == (4, 24)


def damaged(data: bytes) -> dict[str, bytes]:
    return {
        "empty": b"",
        "text": b"a cat",
        "hello": b"hello",
        "random": np.random.default_rng(0).bytes(500),
        "cut": data[: len(data) // 2],
        "cut short": data[:5],
    }


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize("damage", damaged(b""))
def test_damaged_weights_are_one_line(weights, name, damage):
    state = load_file(weights / "model.safetensors")
    if name == "pytorch_model.bin":
        (weights / "model.safetensors").unlink()
        torch.save(state, weights / name)
    (weights / name).write_bytes(damaged((weights / name).read_bytes())[damage])
    with pytest.raises(InputError, match=f"{name}: expected a state dict, found") as error:
        load_detector(str(weights))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"n_objects": -1}, "n_objects: expected numbers above 0, found -1"),
        ({"n_objects": 5.0}, "n_objects: expected integers, found 5.0"),
        ({"n_objects": True}, "n_objects: expected integers, found True"),
        ({"roi_size": 0}, "roi_size: expected numbers above 0, found 0"),
        ({"min_size": "64"}, "min_size: expected integers, found '64'"),
        ({"stage_channels": [8, 8, 16.5, 24]}, "stage_channels: expected integers"),
        ({"stage_widths": 8}, "stage_widths: expected 4 numbers, found 8"),
        ({"anchor_sizes": []}, "anchor_sizes: expected some numbers"),
        ({"anchor_sizes": [float("nan")]}, "anchor_sizes: expected numbers, found"),
        ({"box_weights": [10, 10, 5]}, "box_weights: expected 4 numbers"),
        ({"n_regions": [6]}, "n_regions: expected integers"),
    ],
)
def test_a_size_that_makes_no_detector_is_named(weights, changes, line):
    content = read_json(weights / "config.json", "")
    (weights / "config.json").write_text(json.dumps({**content, **changes}))
    with pytest.raises(InputError, match=line) as error:
        load_detector(str(weights))
    assert str(weights / "config.json") in str(error.value)
