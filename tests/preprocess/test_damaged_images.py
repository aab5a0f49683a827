"""Images that are damaged, absent or changed: what is kept, skipped and named."""

import pytest

from preprocess import extract_features
from preprocess.base.errors import InputError
from preprocess.base.files import sha256_of_file
from preprocess.captions.split_file import read_split
from preprocess.extracting import image_blobs
from preprocess.storage.features_file import FeaturesFile
from tests.conftest import assert_one_clear_line
from tests.preprocess.detector.tiny_detector import save_random_image
from tests.preprocess.small_extraction import (
    assert_same_file,
    command_options,
    datasets,
    extract,
    is_complete,
    write_split_file,
)


def damage(path) -> bytes:
    good = path.read_bytes()
    path.write_bytes(b"no image")
    return good


def test_a_file_is_finished_without_damaged_images_where_that_is_asked_for(
    monkeypatch, capsys, tmp_path, weights, images
):
    output = tmp_path / "f.h5"
    good = damage(images / "11.jpg")
    for _ in range(2):
        extract(monkeypatch, tmp_path, output, "--skip_damaged")
        assert (
            "4 images, 6 regions of 24 numbers; skipped as damaged: 11\n" in capsys.readouterr()[0]
        )
        assert is_complete(output)
    features = FeaturesFile(output)
    assert list(features.skipped) == [11]
    features.check_covers([10, 12, 13])
    for refused in (lambda: features.read(11), lambda: features.check_covers([10, 11])):
        with pytest.raises(InputError, match="found 1 skipped as damaged: 11;"):
            refused()

    (images / "11.jpg").write_bytes(good)
    extract(monkeypatch, tmp_path, output, "--skip_damaged")
    extract(monkeypatch, tmp_path, tmp_path / "whole.h5")
    assert_same_file(output, tmp_path / "whole.h5")


def test_a_skipped_image_counts_as_missing_without_the_option(
    monkeypatch, run_main, tmp_path, weights, images
):
    damage(images / "11.jpg")
    extract(monkeypatch, tmp_path, tmp_path / "f.h5", "--skip_damaged")
    status = run_main(extract_features.main, *command_options(tmp_path, tmp_path / "f.h5"))
    assert_one_clear_line(status, "1 of 4 images gave no features", "11.jpg", "--skip_damaged")
    assert not is_complete(tmp_path / "f.h5")


def test_an_image_that_is_missing_is_skipped_but_not_if_all_are(
    monkeypatch, tmp_path, weights, images
):
    (images / "12.jpg").unlink()
    extract(monkeypatch, tmp_path, tmp_path / "f.h5", "--skip_damaged")
    assert list(FeaturesFile(tmp_path / "f.h5").skipped) == [12]
    for path in images.iterdir():
        path.unlink()
    with pytest.raises(InputError, match="4 of 4 are missing"):
        extract(monkeypatch, tmp_path, tmp_path / "g.h5", "--skip_damaged")


def test_skipping_does_nothing_where_every_image_is_whole(monkeypatch, tmp_path, weights, images):
    extract(monkeypatch, tmp_path, tmp_path / "a.h5")
    extract(monkeypatch, tmp_path, tmp_path / "b.h5", "--skip_damaged")
    assert_same_file(tmp_path / "a.h5", tmp_path / "b.h5")


@pytest.mark.parametrize("options", [(), ("--skip_damaged",)])
def test_an_image_that_became_damaged_keeps_its_features(
    monkeypatch, capsys, tmp_path, weights, images, options
):
    output = tmp_path / "f.h5"
    extract(monkeypatch, tmp_path, output)
    before = sha256_of_file(output)
    damage(images / "11.jpg")
    extract(monkeypatch, tmp_path, output, *options)
    error = capsys.readouterr().err
    assert "warning: 1 of 4 images keep the features of their former files: " in error
    assert f"{images / '11.jpg'}: expected a whole image file" in error
    assert sha256_of_file(output) == before


@pytest.mark.parametrize("options", [(), ("--skip_damaged",)])
def test_an_image_that_cannot_be_read_any_more_keeps_its_features(
    monkeypatch, capsys, tmp_path, weights, images, options
):
    output = tmp_path / "f.h5"
    extract(monkeypatch, tmp_path, output)
    before = sha256_of_file(output)
    if options:
        (images / "11.jpg").unlink()
    monkeypatch.setattr(
        image_blobs, "read_encoded", unreadable(images / "11.jpg", image_blobs.read_encoded)
    )
    extract(monkeypatch, tmp_path, output, *options)
    line = "warning: 1 of 4 images keep the features of their former files: "
    assert f"{line}{images / '11.jpg'}: cannot be read" in capsys.readouterr().err
    assert sha256_of_file(output) == before


def unreadable(path, read):
    def read_others(other):
        if other == path:
            raise InputError(f"{path}: cannot be read (Permission denied)")
        return read(other)

    return read_others


def test_of_changed_images_the_whole_ones_are_exchanged(monkeypatch, tmp_path, weights, images):
    output = tmp_path / "f.h5"
    extract(monkeypatch, tmp_path, output)
    before = datasets(output)
    damage(images / "11.jpg")
    save_random_image(images / "12.jpg", seed=77)
    extract(monkeypatch, tmp_path, output)
    assert is_complete(output)
    same = before["checksums"] == datasets(output)["checksums"]
    assert same.tolist() == [True, True, False, True]


def test_the_split_of_the_images_with_features_reads_a_file_with_skipped_ones(
    monkeypatch, capsys, tmp_path, weights, images
):
    damage(images / "11.jpg")
    extract(monkeypatch, tmp_path, tmp_path / "f.h5", "--skip_damaged")
    path = tmp_path / "test_without_skipped.json"
    assert f"wrote {path}: the 3 images with features" in capsys.readouterr().out
    split = read_split(path)
    assert split.split == "test"
    assert split.source.endswith("without 1 damaged images")
    FeaturesFile(tmp_path / "f.h5").check_covers(split.image_ids)


def test_every_damaged_image_is_named(monkeypatch, capsys, run_main, tmp_path, weights):
    for image_id in range(13):
        save_random_image(tmp_path / "images" / f"{image_id}.jpg", image_id)
        if image_id:
            damage(tmp_path / "images" / f"{image_id}.jpg")
    write_split_file(tmp_path / "test.json", list(range(13)))
    status = run_main(extract_features.main, *command_options(tmp_path, tmp_path / "f.h5"))
    assert_one_clear_line(status, "12 of 13 images gave no features", "all are listed above")
    lines = capsys.readouterr().err.splitlines()
    for image_id in range(1, 13):
        start = f"{tmp_path / 'images' / f'{image_id}.jpg'}: expected a whole image file"
        assert any(line.startswith(start) for line in lines)
