"""The loop from image files to rows: batches, order, precision, compilation."""

import json
import os
import shutil
import signal
import warnings

import numpy as np
import pytest
import torch

from preprocess.base.device import autocast_dtype, check_compiler
from preprocess.base.errors import InputError
from preprocess.detector.config import DetectorConfig
from preprocess.extracting import detector_on_device, extraction
from preprocess.extracting.extraction import detect_in_images
from preprocess.extracting.image_blobs import ImageBlobs
from preprocess.storage.features_file import ROW_DATASETS, FeaturesFile
from tests.preprocess.detector.tiny_detector import TINY, random_detector, save_random_image
from tests.preprocess.small_extraction import (
    assert_same_file,
    datasets,
    extract,
    is_complete,
    write_split_file,
)


def assert_close(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    for name in ROW_DATASETS:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("batch_size", ["2", "3", "8"])
@pytest.mark.parametrize("seed", [0, 1])
def test_features_depend_neither_on_batch_size_nor_on_the_order_of_images(
    monkeypatch, tmp_path, weights, more_images, batch_size, seed
):
    extract(monkeypatch, tmp_path, tmp_path / "alone.h5")
    order = np.random.default_rng(seed).permutation(np.arange(20, 30)).tolist()
    write_split_file(tmp_path / "mixed.json", order)
    output = tmp_path / "batches.h5"
    extract(monkeypatch, tmp_path, output, "--batch_size", batch_size, split="mixed")
    alone, batches = FeaturesFile(tmp_path / "alone.h5"), FeaturesFile(output)
    assert batches.image_ids.tolist() == order
    for image_id in order:
        assert_close(alone.read(image_id), batches.read(image_id))


def test_an_image_has_the_same_features_beside_other_neighbours(tmp_path, more_images):
    paths = [more_images / f"{i}.jpg" for i in (20, 22, 23, 20, 25, 20)]
    blobs = ImageBlobs(paths, TINY)
    detector = random_detector()
    found = detect_in_images(detector, [blobs[row] for row in range(6)], torch.float32)
    for other in (3, 5):
        assert_close(vars_of(found[0]), vars_of(found[other]))


def vars_of(regions) -> dict[str, np.ndarray]:
    return {name: getattr(regions, name, 0) for name in ROW_DATASETS}


def test_blobs_of_different_sizes_never_share_a_pass_whatever_the_headers_said(more_images):
    paths = [more_images / f"{i}.jpg" for i in (20, 21, 22)]  # the second is upright
    blobs = ImageBlobs(paths, TINY)
    detector = random_detector()
    together = detect_in_images(detector, [blobs[row] for row in range(3)], torch.float32)
    for row in range(3):
        alone = detect_in_images(detector, [blobs[row]], torch.float32)[row]
        assert_close(vars_of(together[row]), vars_of(alone))


def test_a_run_interrupted_within_a_batch_goes_on_to_the_same_bits(
    monkeypatch, tmp_path, weights, more_images
):
    extract(monkeypatch, tmp_path, tmp_path / "whole.h5", "--batch_size", "3")
    written = []

    def write_five(*arguments, write_row=extraction.write_row):
        if len(written) == 5:
            raise KeyboardInterrupt
        written.append(arguments)
        write_row(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(extraction, "write_row", write_five)
        with pytest.raises(KeyboardInterrupt):
            extract(patched, tmp_path, tmp_path / "resumed.h5", "--batch_size", "3")
    assert not is_complete(tmp_path / "resumed.h5")
    extract(monkeypatch, tmp_path, tmp_path / "resumed.h5", "--batch_size", "3")
    assert_same_file(tmp_path / "whole.h5", tmp_path / "resumed.h5")


@pytest.mark.parametrize("num_workers", ["0", "2"])
def test_a_damaged_image_does_not_hurt_the_others_of_its_batch(
    monkeypatch, tmp_path, weights, more_images, num_workers
):
    extract(monkeypatch, tmp_path, tmp_path / "whole.h5")
    good = (more_images / "23.jpg").read_bytes()
    (more_images / "23.jpg").write_bytes(good[: len(good) // 2])  # its header is whole
    options = ("--batch_size", "4", "--num_workers", num_workers)
    with pytest.raises(InputError, match=r"1 of 10 images gave no features: .*23\.jpg: expected"):
        extract(monkeypatch, tmp_path, tmp_path / "f.h5", *options)
    whole, damaged = datasets(tmp_path / "whole.h5"), datasets(tmp_path / "f.h5")
    others = np.arange(10) != 3
    assert damaged["done"].tolist() == others.astype(int).tolist()
    assert_close(
        {name: whole[name][others] for name in ROW_DATASETS},
        {name: damaged[name][others] for name in ROW_DATASETS},
    )


def test_the_memory_layout_changes_features_by_rounding_only(
    monkeypatch, tmp_path, weights, images
):
    extract(monkeypatch, tmp_path, tmp_path / "a.h5", "--no_channels_last")
    extract(monkeypatch, tmp_path, tmp_path / "b.h5")
    assert_close(datasets(tmp_path / "a.h5"), datasets(tmp_path / "b.h5"))


@pytest.mark.long
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_compilation_changes_features_by_rounding_only(monkeypatch, tmp_path, weights, images):
    extract(monkeypatch, tmp_path, tmp_path / "a.h5")
    extract(monkeypatch, tmp_path, tmp_path / "b.h5", "--compile", "--batch_size", "2")
    assert_close(datasets(tmp_path / "a.h5"), datasets(tmp_path / "b.h5"))


def test_a_machine_without_a_compiler_is_said_in_one_line(monkeypatch):
    def fail(function):
        def compiled(*arguments):
            raise RuntimeError("backend='inductor' raised:\nInvalidCxxCompiler: none found\n...")

        return compiled

    monkeypatch.setattr(torch, "compile", fail)
    with pytest.raises(InputError, match=r"--compile: torch cannot compile for cpu .*none found"):
        check_compiler(torch.device("cpu"))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_gives_similar_features_and_says_so_in_the_file(
    monkeypatch, tmp_path, weights, images, precision
):
    extract(monkeypatch, tmp_path, tmp_path / "full.h5")
    extract(monkeypatch, tmp_path, tmp_path / "half.h5", "--precision", precision)
    settings = json.loads(FeaturesFile(tmp_path / "half.h5").attributes["settings"])
    assert settings["precision"] == precision
    full, half = datasets(tmp_path / "full.h5"), datasets(tmp_path / "half.h5")
    # Other regions may win in an image: means over regions, and most of them, are compared.
    means = (full["visual_feats"].mean(axis=1), half["visual_feats"].mean(axis=1))
    assert np.isclose(*means, rtol=0.1, atol=0.1).mean() > 0.9
    assert not np.array_equal(full["visual_feats"], half["visual_feats"])


def test_a_run_of_another_precision_does_not_go_on_with_a_file(
    monkeypatch, tmp_path, weights, images
):
    extract(monkeypatch, tmp_path, tmp_path / "f.h5")
    line = r"setting precision \(expected bfloat16, found float32\)"
    with pytest.raises(InputError, match=line):
        extract(monkeypatch, tmp_path, tmp_path / "f.h5", "--precision", "bfloat16")


def test_a_precision_that_the_device_does_not_have_is_refused(monkeypatch):
    def disabled(*arguments):
        warnings.warn("dtype is not supported. Disabling autocast.", UserWarning, stacklevel=2)

    assert autocast_dtype("float32", torch.device("cpu")) == torch.float32
    monkeypatch.setattr(torch, "autocast", disabled)
    with pytest.raises(InputError, match="--precision float16: not on the device cpu"):
        autocast_dtype("float16", torch.device("cpu"))


def test_features_that_are_not_finite_stop_the_run(more_images):
    detector = random_detector()
    detector.roi_heads.res5[0].conv1.weight.fill_(float("inf"))
    image = ImageBlobs([more_images / "20.jpg"], TINY)[0]
    with pytest.raises(InputError, match=r"20\.jpg: its features in .* are infinite or NaN"):
        detect_in_images(detector, [image], torch.float32)


def test_a_device_that_is_too_small_for_the_batch_is_said_in_one_line(monkeypatch, more_images):
    def fail(*arguments):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(extraction, "detect_in_blobs", fail)
    image = ImageBlobs([more_images / "20.jpg"], TINY)[0]
    with pytest.raises(InputError, match=r"--batch_size: 1 images of \(64, 85\) pixels"):
        detect_in_images(random_detector(), [image], torch.float32)


def test_a_worker_that_was_killed_is_told_in_one_line(monkeypatch, tmp_path, weights, images):
    def die(self, row):
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patched:
        patched.setattr(ImageBlobs, "__getitem__", die)
        with pytest.raises(InputError, match="--num_workers: a worker was killed"):
            extract(patched, tmp_path, tmp_path / "f.h5", "--num_workers", "1")
    extract(monkeypatch, tmp_path, tmp_path / "f.h5", "--num_workers", "1")
    assert is_complete(tmp_path / "f.h5")


def test_a_run_that_is_compiled_does_not_go_on_with_a_file_that_is_not(
    monkeypatch, tmp_path, weights, images
):
    extract(monkeypatch, tmp_path, tmp_path / "f.h5")
    monkeypatch.setattr(detector_on_device, "check_compiler", lambda device: None)
    with pytest.raises(InputError, match=r"setting compile \(expected True, found False\)"):
        extract(monkeypatch, tmp_path, tmp_path / "f.h5", "--compile")


@pytest.mark.long
def test_the_published_network_gives_an_image_the_same_features_in_a_batch(tmp_path):
    config = DetectorConfig(min_size=200, max_size=400, rpn_n_after_nms=50)  # of 300, for time
    detector = random_detector(config=config)
    blobs = ImageBlobs([tmp_path / f"{i}.jpg" for i in range(2)], config)
    for seed, path in enumerate(blobs.paths):
        save_random_image(path, seed, 200, 250)
    images = [blobs[0], blobs[1]]
    together = detect_in_images(detector, images, torch.float32)
    for image in images:
        alone = vars_of(detect_in_images(detector, [image], torch.float32)[image.row])
        batched = vars_of(together[image.row])
        boxes = np.abs(alone["visual_pos"][:, None] - batched["visual_pos"]).max(axis=2)
        twins = boxes.argmin(axis=1)  # random scores are nearly ties: ranks may be exchanged
        same = boxes.min(axis=1) < 1e-5
        assert same.mean() > 0.8
        expected, found = alone["visual_feats"][same], batched["visual_feats"][twins[same]]
        assert np.linalg.norm(found - expected) < 1e-5 * np.linalg.norm(expected)
