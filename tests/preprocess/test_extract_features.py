import json
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from preprocess import extract_features
from preprocess.errors import InputError
from preprocess.features_file import ROW_DATASETS, FeaturesFile
from preprocess.files import sha256_of_file
from preprocess.split_file import Caption, CaptionedImage, Split, write_split
from tests.preprocess.tiny_detector import (
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


def test_an_image_that_changed_is_extracted_again_and_the_others_are_not(
    monkeypatch, tmp_path, weights, images
):
    output = tmp_path / "features.h5"
    extract(monkeypatch, tmp_path, output)
    before = datasets(output)
    save_random_image(images / "12.jpg", seed=77)
    extract(monkeypatch, tmp_path, tmp_path / "fresh.h5")
    detected = []

    def count(detector, blob, detect_in_blob=extract_features.detect_in_blob):
        detected.append(blob)
        return detect_in_blob(detector, blob)

    monkeypatch.setattr(extract_features, "detect_in_blob", count)
    extract(monkeypatch, tmp_path, output)
    assert len(detected) == 1
    assert is_complete(output)
    after, fresh = datasets(output), datasets(tmp_path / "fresh.h5")
    assert all(np.array_equal(after[name], fresh[name]) for name in fresh)
    assert not np.array_equal(before["visual_feats"][2], after["visual_feats"][2])


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--num_workers", "-1"], "--num_workers: expected at least 0, found -1"),
        (["--device", "bogus"], "--device bogus: expected a device of this machine"),
        (["--device", "cuda:99"], "--device cuda:99: expected a device of this machine"),
        (["--device", "meta"], "--device meta: expected a device of this machine"),
        (["--n_regions", "0"], "n_regions: expected numbers above 0, found 0"),
    ],
)
def test_a_bad_option_stops_before_anything_is_written(
    monkeypatch, tmp_path, weights, images, options, line
):
    with pytest.raises(InputError, match=line):
        extract(monkeypatch, tmp_path, tmp_path / "out" / "features.h5", *options)
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written_is_said_before_the_detector_is_loaded(
    monkeypatch, tmp_path, weights, images
):
    monkeypatch.setattr(extract_features, "load_detector", None)
    with pytest.raises(InputError, match="found a folder"):
        extract(monkeypatch, tmp_path, images)
