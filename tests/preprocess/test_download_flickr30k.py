"""Karpathy's splits of Flickr30k arrive, and images that are not there are told."""

import json
from pathlib import Path

import pytest

from preprocess import download_flickr30k
from preprocess.download_flickr30k import main
from tests.conftest import assert_one_clear_line
from tests.preprocess.downloads.coco_server import serving
from tests.preprocess.downloads.small_coco import KARPATHY_PATH
from tests.preprocess.downloads.small_flickr30k import karpathy_content, make_small_flickr30k


@pytest.fixture
def images(tmp_path) -> Path:
    return tmp_path / "flickr30k-images"


@pytest.fixture
def flickr30k(tmp_path, images, run_main):
    """Run the command with a given JSON, on the images."""
    make_small_flickr30k(tmp_path / "small", images)
    given = tmp_path / "small" / "dataset_flickr30k.json"
    options = ("--data_dir", tmp_path / "data", "--karpathy_json", given)
    return lambda root=images, *more: run_main(main, *options, "--image_root", root, *more)


def test_only_flickr30ks_json_is_unpacked_and_only_once_downloaded(
    tmp_path, images, run_main, capsys
):
    archive, checksums = make_small_flickr30k(tmp_path / "small", images)
    with serving({KARPATHY_PATH: archive}) as server:
        options = ("--data_dir", tmp_path / "data", "--image_root", images)
        options += ("--checksums", checksums, "--karpathy_url", server.url + KARPATHY_PATH)
        assert run_main(main, *options) == 0
        assert f"{images}: has 4 of 4 images" in capsys.readouterr().out
        assert run_main(main, *options) == 0
        assert len(server.requests) == 1
    found = (tmp_path / "data" / "dataset_flickr30k.json").read_bytes()
    assert found == (tmp_path / "small" / "dataset_flickr30k.json").read_bytes()
    assert not (tmp_path / "data" / "dataset_coco.json").exists()


def test_a_json_that_is_there_is_used_and_nothing_is_downloaded_or_written(flickr30k, tmp_path):
    assert flickr30k() == 0
    assert not (tmp_path / "data").exists()


def test_missing_images_are_counted_the_first_named_and_from_whom_they_come(
    flickr30k, images, capsys
):
    (images / "1000092795.jpg").unlink()
    (images / "1007129816.jpg").unlink()
    status = flickr30k()
    assert_one_clear_line(status, images, "2 of Flickr30k's 4 images are missing, the first is")
    assert_one_clear_line(status, "1000092795.jpg", "University of Illinois", "Kaggle's archive")
    assert flickr30k(images, "--skip_damaged") == 0
    shown = capsys.readouterr()
    assert "warning: " in shown.err
    assert "the first is 1000092795.jpg" in shown.err
    assert f"{images}: has 2 of 4 images" in shown.out


@pytest.mark.parametrize("above", ["flickr30k_images/flickr30k_images", "flickr30k-images"])
def test_the_folder_above_the_images_is_refused_with_theirs(flickr30k, images, tmp_path, above):
    inner = tmp_path / "outer" / above
    inner.parent.mkdir(parents=True)
    images.rename(inner)
    status = flickr30k(tmp_path / "outer")
    assert_one_clear_line(status, "4 images are missing", f"{inner}: pass that as --image_root")


def test_a_folder_and_a_json_that_are_not_there_are_named(flickr30k, images, run_main, tmp_path):
    status = flickr30k(tmp_path / "none")
    assert_one_clear_line(status, "none: no such folder", "University of Illinois")
    options = ("--image_root", images, "--karpathy_json", tmp_path / "none.json")
    assert_one_clear_line(run_main(main, *options), "--karpathy_json", "none.json: no such file")
    (tmp_path / "list.json").write_text("[]")
    options = ("--image_root", images, "--karpathy_json", tmp_path / "list.json")
    assert_one_clear_line(run_main(main, *options), "list.json: not Karpathy's format")


def test_a_json_of_another_data_set_is_refused(flickr30k, tmp_path):
    path = tmp_path / "small" / "dataset_flickr30k.json"
    path.write_text(json.dumps({**karpathy_content(), "dataset": "coco"}))
    assert_one_clear_line(flickr30k(), path, "expected Karpathy's dataset_flickr30k.json", "'coco'")


def test_a_json_of_another_size_is_warned_of_and_karpathys_is_not(
    flickr30k, tmp_path, monkeypatch, capsys
):
    path = tmp_path / "small" / "dataset_flickr30k.json"
    assert flickr30k() == 0
    assert capsys.readouterr().err.splitlines() == [
        f"warning: {path}: expected the 31,014 images of Karpathy's dataset_flickr30k.json, found 4"
    ]
    monkeypatch.setattr(download_flickr30k, "FLICKR30K_IMAGES", {"train": 2, "val": 1, "test": 1})
    assert flickr30k() == 0
    assert capsys.readouterr().err == ""
