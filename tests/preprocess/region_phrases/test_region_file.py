"""The region file: round trips, changed bytes, writes that stop."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

from preprocess.base.errors import InputError
from preprocess.base.files import read_json, write_json
from preprocess.region_phrases.region_file import ImageRegions, Region, RegionsFile
from tests.preprocess.region_phrases.small_regions import IMAGES, split_of, write_small


@pytest.fixture
def path(tmp_path):
    return write_small(tmp_path / "train_regions.json", tally={"crowds": 3}, tokenized=True)


def test_images_come_back_as_they_went_in(path):
    found = RegionsFile(path)
    assert (found.dataset, found.split, found.source) == ("tiny", "train", "a test")
    assert found.tokenized
    assert found.tally == {"crowds": 3}
    assert found.split_sha256 is None
    assert found.image_ids.tolist() == [9, 25]
    assert found.image_ids.dtype == np.int64
    assert found.image_sizes.tolist() == [[480, 640], [0, 0]]
    assert found.image_sizes.dtype == np.int32
    assert list(found.file_names) == [image.file_name for image in IMAGES]
    assert len(found) == 2
    assert found.n_regions == 3
    for row, image in enumerate(IMAGES):
        assert found.regions(row) == image.regions
        assert found.captions(row) == image.captions


def test_boxes_are_rounded_to_float32(tmp_path):
    box = (359.17, 146.17, 112.45, 213.57)
    image = ImageRegions(1, "a.jpg", 480, 640, (Region(box, ("x",)),))
    (region,) = RegionsFile(write_small(tmp_path / "r.json", [image])).regions(0)
    assert region.box == tuple(float(np.float32(side)) for side in box)


def test_it_is_json_with_the_seal_that_all_json_has(path, tmp_path):
    content = read_json(path, "")
    assert [image["image_id"] for image in content["images"]] == [9, 25]
    write_json(tmp_path / "again.json", content)
    assert json.loads((tmp_path / "again.json").read_text())["sha256"] == RegionsFile(path).sha256


def test_there_is_one_image_a_line(path):
    first, *lines, last = path.read_text("ascii").splitlines()
    assert json.loads(first + "]}") == {"dataset": "tiny", "images": []}
    assert [json.loads(line.rstrip(","))["image_id"] for line in lines] == [9, 25]
    assert last.startswith("],")


def test_other_content_has_another_hash(path, tmp_path):
    other = write_small(tmp_path / "b.json", IMAGES[:1], tally={"crowds": 3}, tokenized=True)
    same = write_small(tmp_path / "c.json", tally={"crowds": 3}, tokenized=True)
    assert RegionsFile(path).sha256 == RegionsFile(same).sha256 != RegionsFile(other).sha256


def test_every_changed_byte_is_noticed(path):
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(InputError) as error:
            RegionsFile(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)


def test_every_cut_and_every_line_too_many_is_noticed(path):
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    changed = [whole[:end] for end in range(len(whole))]
    changed += [whole + b"\n", whole + lines[1], lines[0] + whole]
    changed += [b"".join(lines[:place] + lines[place + 1 :]) for place in range(len(lines))]
    for content in changed:
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"preprocess\.regions"):
            RegionsFile(path)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('{\n  "images": []\n}\n', "expected a region file"),
        ("", "expected a region file"),
        ("version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    ],
)
def test_another_file_is_refused(tmp_path, content, line):
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(InputError, match=line):
        RegionsFile(tmp_path / "r.json")


def test_no_file_and_a_folder_are_one_line(tmp_path):
    with pytest.raises(InputError, match="no such file; make it with"):
        RegionsFile(tmp_path / "r.json")
    with pytest.raises(InputError, match="cannot be read"):
        RegionsFile(tmp_path)


def test_a_write_that_fails_leaves_the_old_file(path):
    whole = path.read_bytes()

    def images():
        yield IMAGES[0]
        raise InputError("the source is cut")

    with pytest.raises(InputError, match="the source is cut"):
        write_small(path, images())
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == whole


def test_a_process_killed_while_it_writes_leaves_the_old_file(path):
    whole = path.read_bytes()
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from tests.preprocess.region_phrases.small_regions import IMAGES, write_small\n"
        "def images():\n"
        "    yield from IMAGES\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_small(Path(sys.argv[1]), images())\n"
    )
    assert subprocess.run([sys.executable, "-c", code, path], check=False).returncode == -9
    assert path.read_bytes() == whole
    write_small(path)  # over what the kill left
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_images_that_cannot_be_in_one_file_are_refused(tmp_path):
    path = tmp_path / "r.json"
    no_box = ImageRegions(1, "a.jpg", 1, 1, (Region((0, 0, float("nan"), 1), ("x",)),))
    for images, line in (
        ([], "at least one image"),
        ([*IMAGES, IMAGES[0]], "image 9 occurs twice"),
        ([no_box], "image 1"),
    ):
        with pytest.raises(InputError, match=line):
            write_small(path, images)
        assert not list(tmp_path.iterdir())


def test_there_is_no_row_before_the_first_and_after_the_last(path):
    found = RegionsFile(path)
    for row in (-1, 2):
        with pytest.raises(IndexError):
            found.regions(row)


def test_a_file_of_another_split_is_refused(path):
    found = RegionsFile(path)
    found.check_covers(split_of([9, 25, 26]))
    found.check_covers(split_of([9, 30]))  # half of them
    line = "a region file of another split: 0 of its 2 images .tiny, train. are in test of coco"
    with pytest.raises(InputError, match=line):
        found.check_covers(split_of([10, 30], "test"))


def test_the_split_that_it_was_made_with_is_known_by_its_hash(tmp_path):
    split = split_of([1, 2])
    path = write_small(tmp_path / "r.json", split_sha256=split.sha256)
    RegionsFile(path).check_covers(split)


def test_a_worker_process_gets_it_whole(path):
    found = pickle.loads(pickle.dumps(RegionsFile(path)))
    assert found.regions(0) == IMAGES[0].regions
