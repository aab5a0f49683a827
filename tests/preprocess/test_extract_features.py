import json
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from preprocess import extract_features
from preprocess.detector_config import DetectorConfig, read_detector_config
from preprocess.detector_weights import load_detector, save_detector
from preprocess.errors import InputError
from preprocess.features_file import ROW_DATASETS, FeaturesFile
from preprocess.files import sha256_of_file
from preprocess.regions import detect
from preprocess.split_file import Caption, CaptionedImage, Split, write_split
from tests.preprocess.tiny_detector import (
    TINY,
    random_detector,
    random_image,
    save_random_detector,
    save_random_image,
)

SIZES = [(48, 64), (64, 48), (48, 64), (90, 60)]  # height, width


@pytest.fixture
def weights(tmp_path) -> Path:
    return save_random_detector(tmp_path / "detector")


@pytest.fixture
def images(tmp_path) -> Path:
    """A folder of four images, whose ids are 10, 11, 12, 13, and the split file test.json."""
    for index, (height, width) in enumerate(SIZES):
        save_random_image(tmp_path / "images" / f"{10 + index}.jpg", index, height, width)
    write_split_file(tmp_path / "test.json", [10, 11, 12, 13])
    return tmp_path / "images"


def write_split_file(path: Path, image_ids: list[int]) -> None:
    captioned = tuple(
        CaptionedImage(i, f"{i}.jpg", (Caption(i, "coloured blocks"),)) for i in image_ids
    )
    write_split(path, Split("blocks", path.stem, "random", captioned))


def extract(monkeypatch, folder: Path, output: Path, *options: str, split: str = "test") -> None:
    command = ["extract_features", "--split_file", str(folder / f"{split}.json")]
    command += ["--image_root", str(folder / "images"), "--weights", str(folder / "detector")]
    command += ["--output", str(output), "--num_workers", "0", "--device", "cpu", *options]
    monkeypatch.setattr(sys, "argv", command)
    extract_features.main()


def is_complete(path: Path) -> bool:
    with h5py.File(path) as file:
        return bool(file.attrs["complete"])


def datasets(path: Path) -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        return {name: file[name][:] for name in file}


def test_the_command_writes_each_images_regions(monkeypatch, capsys, tmp_path, weights, images):
    output = tmp_path / "test_features.h5"
    extract(monkeypatch, tmp_path, output)
    assert f"wrote {output}: 4 images, 6 regions of 24 numbers" in capsys.readouterr().out
    features = FeaturesFile(output)
    assert features.image_ids.tolist() == [10, 11, 12, 13]
    assert (features.n_regions, features.feature_dim) == (6, 24)
    for image_id, size in zip(features.image_ids, SIZES, strict=True):
        rows = features.read(image_id)
        assert rows.keys() == set(ROW_DATASETS)
        assert rows["image_sizes"].tolist() == list(size)
        assert ((rows["visual_pos"] >= 0) & (rows["visual_pos"] <= 1)).all()


def test_the_file_says_which_weights_and_settings_made_it(monkeypatch, tmp_path, weights, images):
    output = tmp_path / "features.h5"
    extract(monkeypatch, tmp_path, output, "--nms_thresholds", "0.4", "0.6", "--min_size", "48")
    attributes = FeaturesFile(output).attributes
    settings = json.loads(attributes["settings"])
    assert attributes["weights"] == "detector"
    assert attributes["weights_sha256"] == sha256_of_file(weights / "model.safetensors")
    assert settings["nms_thresholds"] == [0.4, 0.6]
    assert (settings["min_size"], settings["max_size"]) == (48, 128)
    assert settings["object_labels"][0] == "object 0"


def test_features_do_not_depend_on_the_order_of_images(monkeypatch, tmp_path, weights, images):
    write_split_file(tmp_path / "reversed.json", [13, 12, 11, 10])
    for split in ("test", "reversed"):
        extract(monkeypatch, tmp_path, tmp_path / f"{split}.h5", split=split)
    forward, backward = (FeaturesFile(tmp_path / f"{s}.h5") for s in ("test", "reversed"))
    for image_id in (10, 11, 12, 13):
        one, other = forward.read(image_id), backward.read(image_id)
        assert all(np.array_equal(one[name], other[name]) for name in ROW_DATASETS)


def test_decoding_in_other_processes_changes_nothing(monkeypatch, tmp_path, weights, images):
    extract(monkeypatch, tmp_path, tmp_path / "alone.h5")
    extract(monkeypatch, tmp_path, tmp_path / "workers.h5", "--num_workers", "2")
    alone, workers = datasets(tmp_path / "alone.h5"), datasets(tmp_path / "workers.h5")
    assert all(np.array_equal(alone[name], workers[name]) for name in alone)


def test_an_interrupted_run_goes_on_to_the_same_file(monkeypatch, tmp_path, weights, images):
    whole, resumed = tmp_path / "whole.h5", tmp_path / "resumed.h5"
    extract(monkeypatch, tmp_path, whole)
    detected = []

    def detect_two(detector, blob, detect_in_blob=extract_features.detect_in_blob):
        if len(detected) == 2:
            raise KeyboardInterrupt
        detected.append(blob)
        return detect_in_blob(detector, blob)

    with monkeypatch.context() as patched:
        patched.setattr(extract_features, "detect_in_blob", detect_two)
        with pytest.raises(KeyboardInterrupt):
            extract(patched, tmp_path, resumed)
    assert not is_complete(resumed)
    assert datasets(resumed)["done"].tolist() == [1, 1, 0, 0]

    extract(monkeypatch, tmp_path, resumed)
    assert is_complete(resumed)
    one, other = datasets(whole), datasets(resumed)
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_finished_file_is_left_as_it_is(monkeypatch, tmp_path, weights, images):
    output = tmp_path / "features.h5"
    extract(monkeypatch, tmp_path, output)
    before = sha256_of_file(output)
    monkeypatch.setattr(extract_features, "detect_in_blob", None)
    extract(monkeypatch, tmp_path, output)
    assert sha256_of_file(output) == before


def test_other_weights_do_not_go_on_with_a_file(monkeypatch, tmp_path, weights, images):
    output = tmp_path / "features.h5"
    extract(monkeypatch, tmp_path, output)
    save_random_detector(weights, seed=1)
    with pytest.raises(InputError, match="made with other weights_sha256"):
        extract(monkeypatch, tmp_path, output)


def test_a_missing_image_stops_before_anything_is_written(monkeypatch, tmp_path, weights, images):
    (images / "12.jpg").unlink()
    with pytest.raises(InputError, match=r"12\.jpg: no such image \(1 of 4 are missing\)"):
        extract(monkeypatch, tmp_path, tmp_path / "features.h5")
    assert not (tmp_path / "features.h5").exists()


@pytest.mark.parametrize("damage", ["truncated", "text", "empty"])
@pytest.mark.parametrize("num_workers", ["0", "1"])
def test_a_damaged_image_is_named_and_costs_no_other_image(
    monkeypatch, tmp_path, weights, images, damage, num_workers
):
    whole, resumed = tmp_path / "whole.h5", tmp_path / "resumed.h5"
    extract(monkeypatch, tmp_path, whole)
    good = (images / "11.jpg").read_bytes()
    bad = {"truncated": good[: len(good) // 2], "text": b"no image", "empty": b""}[damage]
    (images / "11.jpg").write_bytes(bad)
    with pytest.raises(InputError, match=r"1 of 4 images gave no features: .*11\.jpg: expected"):
        extract(monkeypatch, tmp_path, resumed, "--num_workers", num_workers)
    assert not is_complete(resumed)
    assert datasets(resumed)["done"].tolist() == [1, 0, 1, 1]

    (images / "11.jpg").write_bytes(good)
    extract(monkeypatch, tmp_path, resumed)
    one, other = datasets(whole), datasets(resumed)
    assert all(np.array_equal(one[name], other[name]) for name in one)


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
