"""VizWiz-Captions arrives, or what is there is used, and images that are missing are told."""

import pytest

from preprocess.download_vizwiz import main
from tests.conftest import assert_one_clear_line
from tests.preprocess.downloads.coco_server import serving
from tests.preprocess.downloads.small_vizwiz import archives_of, files_below, make_small_vizwiz


@pytest.fixture
def source(tmp_path):
    make_small_vizwiz(tmp_path / "source")
    return tmp_path / "source"


@pytest.fixture
def given(source, tmp_path, run_main):
    """Run the command with images and annotations that are there, and further options."""
    options = ("--data_dir", tmp_path / "data", "--image_root", source / "images")
    return lambda *more: run_main(main, *options, "--annotations", source / "annotations", *more)


def test_all_is_downloaded_once_and_counted(source, tmp_path, run_main, capsys):
    with serving(archives_of(source)) as server:
        options = ("--data_dir", tmp_path / "data", "--mirror", server.url + "/")
        assert run_main(main, *options) == 0
        assert run_main(main, *options) == 0
        assert len(server.requests) == 6  # of each archive its size, and itself
    assert files_below(tmp_path / "data") == files_below(source)
    shown = capsys.readouterr().out
    assert f"{tmp_path / 'data' / 'images'}: has 7 of 7 images" in shown
    assert "bytes, as the server says)" in shown


def test_images_that_are_there_are_not_downloaded(source, tmp_path, run_main):
    with serving(archives_of(source)) as server:
        options = ("--data_dir", tmp_path / "data", "--image_root", source / "images")
        assert run_main(main, *options, "--mirror", server.url) == 0
        assert {path for path, *_ in server.requests} == {"/caption/annotations.zip"}
    assert not (tmp_path / "data" / "images").exists()


def test_with_all_there_nothing_is_downloaded_or_written(given, tmp_path):
    assert given() == 0
    assert not (tmp_path / "data").exists()


def test_missing_images_are_counted_and_the_first_is_named(given, source, capsys):
    for number in (1, 3):
        (source / "images" / "train" / f"VizWiz_train_{number:08d}.jpg").unlink()
    line = "2 of 7 images are missing, the first is train/VizWiz_train_00000001.jpg"
    assert_one_clear_line(given(), source / "images", line, "--skip_damaged")
    assert given("--skip_damaged") == 0
    shown = capsys.readouterr()
    assert line in shown.err
    assert "has 5 of 7 images" in shown.out


def test_what_is_not_there_is_named_before_anything_is_downloaded(source, tmp_path, run_main):
    (source / "images" / "val").rename(source / "images" / "validation")
    (source / "annotations" / "val.json").unlink()
    for option, folder, line in (
        ("--image_root", source / "images", "expected folders train and val, found no val"),
        ("--annotations", source / "annotations", "train.json and val.json, found no val.json"),
        ("--mirror", "archives", "expected an address http://... or https://..., found archives"),
    ):
        status = run_main(main, "--data_dir", tmp_path / "data", option, folder)
        assert_one_clear_line(status, f"{option}", line)
    assert not (tmp_path / "data").exists()


def test_an_address_that_is_wrong_is_one_line(source, tmp_path, run_main):
    with serving({}) as server:
        status = run_main(main, "--data_dir", tmp_path / "data", "--mirror", server.url)
    assert_one_clear_line(status, "/caption/annotations.zip: the server answered 404", "address")
