import json

import numpy as np
import pytest
from PIL import Image

from preprocess import extract_features
from preprocess.base.errors import InputError
from preprocess.base.files import sha256_of_file
from preprocess.extracting import extraction
from preprocess.storage.features_file import ROW_DATASETS, FeaturesFile
from tests.conftest import assert_one_clear_line
from tests.preprocess.conftest import SIZES
from tests.preprocess.detector.tiny_detector import (
    random_image,
    save_random_detector,
    save_random_image,
)
from tests.preprocess.small_extraction import (
    command_options,
    datasets,
    extract,
    is_complete,
    write_split_file,
)
from tests.preprocess.storage.test_features_file import lose_row


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
    assert settings["precision"] == "float32"
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


def test_a_damaged_row_of_a_finished_file_is_mended_by_the_same_command(
    monkeypatch, capsys, tmp_path, weights, images
):
    output = tmp_path / "features.h5"
    extract(monkeypatch, tmp_path, output)
    whole = datasets(output)
    lose_row(output, 1)
    extract(monkeypatch, tmp_path, output, "--verify")
    assert "1 images do not match their checksums" in capsys.readouterr().out
    assert all(np.array_equal(whole[name], found) for name, found in datasets(output).items())


def test_an_interrupted_run_goes_on_to_the_same_file(monkeypatch, tmp_path, weights, images):
    whole, resumed = tmp_path / "whole.h5", tmp_path / "resumed.h5"
    extract(monkeypatch, tmp_path, whole)
    detected = []

    def detect_two(*arguments, detect_in_blobs=extraction.detect_in_blobs):
        if len(detected) == 2:
            raise KeyboardInterrupt
        detected.append(arguments)
        return detect_in_blobs(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(extraction, "detect_in_blobs", detect_two)
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
    monkeypatch.setattr(extraction, "detect_in_blobs", None)
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

    def count(*arguments, detect_in_blobs=extraction.detect_in_blobs):
        detected.append(arguments)
        return detect_in_blobs(*arguments)

    monkeypatch.setattr(extraction, "detect_in_blobs", count)
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
        (["--batch_size", "0"], "--batch_size: expected at least 1, found 0"),
        (["--draw_first", "0"], "--draw_first: expected at least 1, found 0"),
        (["--num_shards", "5", "--shard_index", "4"], "--num_shards 5: expected at most 4"),
        (["--num_shards", "2"], "--shard_index: expected 0 to 1 of --num_shards 2, found none"),
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
    monkeypatch.setattr("preprocess.extracting.detector_on_device.load_detector", None)
    with pytest.raises(InputError, match="found a folder"):
        extract(monkeypatch, tmp_path, images)


def test_the_detector_has_a_default(run_main, capsys):
    assert run_main(extract_features.main, "--help") == 0
    assert "unc-nlp/frcnn-vg-finetuned" in "".join(capsys.readouterr().out.split())


def test_images_of_every_kind_give_features(monkeypatch, tmp_path, weights):
    image = Image.fromarray(random_image(0))
    grey = image.convert("L")
    kinds = {
        "rgb": image,
        "alpha": image.convert("RGBA"),
        "grey": grey,
        "16-bit": Image.fromarray(np.asarray(grey).astype(np.uint16) * 257),
        "cmyk": image.convert("CMYK"),
    }
    (tmp_path / "images").mkdir()
    for image_id, (kind, converted) in enumerate(kinds.items()):
        # The name says .jpg of any format: readers look at the bytes.
        path = tmp_path / "images" / f"{image_id}.jpg"
        converted.save(path, "TIFF" if kind == "cmyk" else "PNG")
    write_split_file(tmp_path / "test.json", list(range(len(kinds))))
    extract(monkeypatch, tmp_path, tmp_path / "f.h5")
    feats = dict(zip(kinds, datasets(tmp_path / "f.h5")["visual_feats"], strict=True))
    assert np.array_equal(feats["rgb"], feats["alpha"])
    assert np.array_equal(feats["grey"], feats["16-bit"])
    assert not np.array_equal(feats["rgb"], feats["grey"])


@pytest.mark.parametrize(
    ("size", "line"),
    [
        ((16, 16), "expected at least 32 pixels each way, found 16 x 16"),
        ((400, 31), "expected at least 32 pixels each way, found 400 x 31"),
        ((20000, 300), "an image of 20000 x 300 pixels is too long and thin"),
        ((20000, 20000), "expected at most 178,956,970 pixels, found more"),
    ],
)
def test_an_image_of_a_size_that_cannot_be_used_is_named(
    run_main, tmp_path, weights, images, size, line
):
    Image.new("1", size).save(images / "11.jpg", "PNG")
    options = command_options(tmp_path, tmp_path / "f.h5", "--batch_size", "2")
    status = run_main(extract_features.main, *options)
    assert_one_clear_line(status, "1 of 4 images gave no features", images / "11.jpg", line)


def test_pictures_are_drawn_from_a_file_that_is_already_there(
    monkeypatch, capsys, tmp_path, weights, images
):
    extract(monkeypatch, tmp_path, tmp_path / "f.h5")
    pictures = tmp_path / "pictures"
    extract(monkeypatch, tmp_path, tmp_path / "f.h5", "--draw", str(pictures), "--draw_first", "3")
    assert f"drew 3 images with their regions in {pictures}" in capsys.readouterr().out
    assert sorted(path.name for path in pictures.iterdir()) == ["10.jpg", "11.jpg", "12.jpg"]
    with Image.open(pictures / "11.jpg") as picture:
        assert picture.size == (750, 1000)


@pytest.mark.parametrize("below", ["", "pictures"])
def test_a_file_in_the_place_of_the_folder_of_pictures_is_said_first(
    monkeypatch, tmp_path, weights, images, below
):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("preprocess.extracting.detector_on_device.load_detector", None)
    with pytest.raises(InputError, match=r"file.*(expected a folder|cannot be written)"):
        extract(monkeypatch, tmp_path, tmp_path / "f.h5", "--draw", str(tmp_path / "file" / below))


def test_features_of_other_weights_in_the_folder_are_warned_of(
    monkeypatch, capsys, tmp_path, weights, images
):
    extract(monkeypatch, tmp_path, tmp_path / "train_features.h5")
    before = sha256_of_file(weights / "model.safetensors")
    save_random_detector(weights, seed=1)
    extract(monkeypatch, tmp_path, tmp_path / "test_features.h5")
    after = sha256_of_file(weights / "model.safetensors")
    (line,) = [li for li in capsys.readouterr().err.splitlines() if li.startswith("warning: ")]
    assert all(part in line for part in (before, after, "train_features.h5", "test_features.h5"))
