"""Shards become the file that one process would have written, or one clear line says why not."""

import shutil

import h5py
import pytest

from preprocess import merge_features
from preprocess.captions.split_file import read_split
from preprocess.extracting.shards import Shard
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.features_writer import FeaturesWriter
from tests.conftest import assert_one_clear_line
from tests.preprocess.detector.tiny_detector import save_random_detector, save_random_image
from tests.preprocess.small_extraction import (
    assert_same_file,
    extract,
    is_complete,
    write_split_file,
)

N_SHARDS = 3


@pytest.fixture
def output(tmp_path, more_images):
    return tmp_path / "test_features.h5"


def extract_shard(monkeypatch, output, index: int, *options: str, count: int = N_SHARDS) -> None:
    shard = ("--num_shards", str(count), "--shard_index", str(index))
    extract(monkeypatch, output.parent, output, *shard, *options)


@pytest.fixture
def shards(monkeypatch, output, weights) -> list:
    """The files of three shards of ten images."""
    for index in range(N_SHARDS):
        extract_shard(monkeypatch, output, index)
    return [Shard(index, N_SHARDS).path(output) for index in range(N_SHARDS)]


@pytest.fixture
def merge(run_main, output):
    def run(*options, split: str = "test"):
        split_file = output.parent / f"{split}.json"
        options = ("--split_file", split_file, "--output", output, *options)
        return run_main(merge_features.main, *options)

    return run


def test_the_merged_file_is_that_of_one_process(
    monkeypatch, capsys, tmp_path, weights, output, shards, merge
):
    assert merge() == 0
    assert f"wrote {output}: 10 images from 3 shards" in capsys.readouterr().out
    extract(monkeypatch, tmp_path, tmp_path / "whole.h5")
    assert_same_file(output, tmp_path / "whole.h5")
    assert all(path.exists() for path in shards)


def test_shards_can_be_named_in_any_order(tmp_path, output, shards, merge):
    moved = [path.rename(tmp_path / f"{name}.h5") for path, name in zip(shards, "cab", strict=True)]
    assert_one_clear_line(merge(), "no shards beside it", "preprocess.extract_features")
    assert merge("--shards", *moved) == 0
    assert is_complete(output)


def test_skipped_images_stay_skipped(monkeypatch, capsys, tmp_path, weights, output, merge):
    (tmp_path / "images" / "24.jpg").write_bytes(b"no image")
    for index in range(N_SHARDS):
        extract_shard(monkeypatch, output, index, "--skip_damaged")
    assert merge() == 0
    assert "1 of them skipped as damaged" in capsys.readouterr().out
    extract(monkeypatch, tmp_path, tmp_path / "whole.h5", "--skip_damaged")
    assert_same_file(output, tmp_path / "whole.h5")
    assert list(FeaturesFile(output).skipped) == [24]
    without = read_split(tmp_path / "test_without_skipped.json")
    assert without.image_ids.tolist() == [*range(20, 24), *range(25, 30)]


def test_data_of_a_shard_that_are_damaged_are_told_with_the_options_that_repeat_it(
    output, shards, merge
):
    with h5py.File(shards[1], "r+") as file:
        file["visual_pos"][1, 0, 0] += 0.25
    line = "(`python -m preprocess.extract_features --num_shards 3 --shard_index 1`)"
    assert_one_clear_line(merge(), shards[1], "do not match their checksum", line)
    assert not is_complete(output)


def test_an_interrupted_merge_goes_on(monkeypatch, tmp_path, weights, output, shards, merge):
    written = []

    def write_four(self, row, write=FeaturesWriter.write, **arrays):
        if len(written) == 4:
            raise KeyboardInterrupt
        written.append(row)
        write(self, row, **arrays)

    with monkeypatch.context() as patched:
        patched.setattr(FeaturesWriter, "write", write_four)
        assert merge() == 130
    assert not is_complete(output)
    assert merge() == 0
    extract(monkeypatch, tmp_path, tmp_path / "whole.h5")
    assert_same_file(output, tmp_path / "whole.h5")


def test_an_image_that_a_shard_has_anew_is_copied_again(
    monkeypatch, tmp_path, weights, output, shards, merge
):
    assert merge() == 0
    save_random_image(tmp_path / "images" / "24.jpg", 77)
    extract_shard(monkeypatch, output, 24 % 20 % N_SHARDS)
    assert merge() == 0
    extract(monkeypatch, tmp_path, tmp_path / "whole.h5")
    assert_same_file(output, tmp_path / "whole.h5")


def test_a_truncated_shard_is_named(output, shards, merge):
    shards[1].write_bytes(shards[1].read_bytes()[:-100])
    assert_one_clear_line(merge(), shards[1], "damaged or truncated", "--shard_index 1")
    assert not output.exists()


def test_an_incomplete_shard_is_named(monkeypatch, tmp_path, output, shards, merge):
    (tmp_path / "images" / "21.jpg").write_bytes(b"no image")
    shards[1].unlink()
    with pytest.raises(Exception, match=r"21\.jpg"):
        extract_shard(monkeypatch, output, 1)
    assert_one_clear_line(merge(), shards[1], "expected a complete file, found 2 of 3 images")
    assert not output.exists()


def test_a_missing_shard_is_named(output, shards, merge):
    shards[1].unlink()
    assert_one_clear_line(merge(), shards[1], "no such shard (1 of 3 are missing)")
    assert not output.exists()


def test_two_shards_with_the_same_image_are_named(output, shards, merge):
    again = shards[0].with_name("again.h5")
    shutil.copy(shards[0], again)
    status = merge("--shards", *shards, again)
    assert_one_clear_line(status, f"image 20 is in {shards[0]} and in {again}")
    assert not output.exists()


def test_shards_of_different_weights_are_named(monkeypatch, output, weights, shards, merge):
    save_random_detector(weights, seed=1)
    shards[2].unlink()
    extract_shard(monkeypatch, output, 2)
    hashes = [FeaturesFile(path).attributes["weights_sha256"] for path in (shards[0], shards[2])]
    assert_one_clear_line(merge(), shards[2], shards[0], "other weights_sha256", *hashes)
    assert not output.exists()


def test_shards_of_different_types_and_numbers_are_named(monkeypatch, output, shards, merge):
    shards[2].unlink()
    extract_shard(monkeypatch, output, 2, "--dtype", "float16")
    assert_one_clear_line(merge(), shards[2], "dtype (expected float32, found float16)")
    extract_shard(monkeypatch, output, 0, count=4)
    assert_one_clear_line(merge(), "num_shards (expected 3, found 4)")


def test_shards_of_another_split_are_named(tmp_path, output, shards, merge):
    write_split_file(tmp_path / "other.json", list(range(21, 31)))
    assert_one_clear_line(merge(split="other"), "image 20 is not in split 'other'")
    write_split_file(tmp_path / "larger.json", list(range(19, 30)))
    status = merge(split="larger")
    assert_one_clear_line(status, "1 of 11 images are in no shard, such as image 19")
    assert not output.exists()


def test_a_file_that_is_no_shard_is_named(monkeypatch, tmp_path, weights, output, merge):
    extract(monkeypatch, tmp_path, tmp_path / "whole.h5")
    status = merge("--shards", tmp_path / "whole.h5")
    assert_one_clear_line(status, "whole.h5: expected a shard")


def test_a_damaged_row_of_a_shard_is_not_copied(output, shards, merge):
    with h5py.File(shards[1], "r+") as file:
        file["visual_feats"][1, 0, 0] += 1
    assert_one_clear_line(merge(), shards[1], "image 24", "checksum")
    assert not is_complete(output)
