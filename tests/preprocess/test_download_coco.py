"""COCO arrives whole, once, from a server that does not make it easy."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from preprocess import download_coco
from preprocess.downloads.coco_archives import COCO_2014
from tests.conftest import assert_one_clear_line
from tests.preprocess.downloads.coco_server import serving
from tests.preprocess.downloads.small_coco import KARPATHY_PATH, make_small_coco, zipped

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def coco(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return make_small_coco(tmp_path_factory.mktemp("coco"), patch)


@pytest.fixture
def server(coco):
    with serving(dict(coco.files)) as served:
        yield served


@pytest.fixture
def words(coco, server, tmp_path) -> list[str]:
    """The options of a download from the server into data/."""
    return [
        *("--data_dir", str(tmp_path / "data"), "--checksums", str(coco.checksums)),
        *("--mirror", server.url, "--karpathy_url", server.url + KARPATHY_PATH),
        *("--retries", "2", "--retry_wait", "0"),
    ]


@pytest.fixture
def fetch(words, run_main):
    return lambda *more: run_main(download_coco.main, *words, *more)


def unpacked(data: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(data)): path.read_bytes()
        for path in data.rglob("*")
        if path.is_file() and path.parent.name != "archives"
    }


def test_everything_arrives_and_a_repeated_command_downloads_nothing(
    fetch, coco, server, tmp_path, capsys
):
    assert fetch() == 0
    assert unpacked(tmp_path / "data") == coco.expected()
    assert len(server.requests) == 4
    for name, data in coco.files.items():
        archive = tmp_path / "data" / "archives" / name.rpartition("/")[2]
        assert archive.read_bytes() == data
    capsys.readouterr()
    assert fetch() == 0
    assert "train2014.zip: all 6 files are in" in capsys.readouterr().out
    assert fetch("--verify") == 0
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "faults", [["drop"] * 8, ["corrupt"], [503, "page", "short", 503], [None, "drop", "corrupt"]]
)
@pytest.mark.parametrize("has_ranges", [True, False])
def test_everything_arrives_from_a_bad_server(faults, has_ranges, fetch, coco, server, tmp_path):
    server.faults, server.has_ranges = list(faults), has_ranges
    status = fetch()
    while status != 0:  # given up: the same command goes on
        assert_one_clear_line(status, server.url, "The same command goes on")
        status = fetch()
    assert not server.faults
    assert unpacked(tmp_path / "data") == coco.expected()


def test_only_what_is_lacking_is_unpacked_or_downloaded_again(fetch, coco, server, tmp_path):
    data = tmp_path / "data"
    assert fetch("--delete_archives") == 0
    assert not list(data.glob("archives/*.zip"))
    assert fetch() == 0
    assert len(server.requests) == 4
    next(data.glob("images/val2014/*.jpg")).unlink()
    assert fetch() == 0
    assert [path for path, _, _ in server.requests[4:]] == ["/zips/val2014.zip"]
    image = next(data.glob("images/val2014/*.jpg"))
    image.write_bytes(bytes(image.stat().st_size))
    assert fetch() == 0
    assert unpacked(data) != coco.expected()
    assert fetch("--verify") == 0
    assert unpacked(data) == coco.expected()
    assert len(server.requests) == 5


def test_archives_that_are_there_already_are_checked_and_used(fetch, coco, server, tmp_path):
    archive = tmp_path / "data" / "archives" / "train2014.zip"
    archive.parent.mkdir(parents=True)
    good = coco.files["/zips/train2014.zip"]
    for wrong, line in ((good[:-1], "bytes, found"), (good[:-1] + b"?", "expected SHA-256")):
        archive.write_bytes(wrong)
        assert_one_clear_line(fetch(), archive, line, "remove it, and the same command downloads")
        assert archive.read_bytes() == wrong
    archive.write_bytes(good)
    assert fetch() == 0
    assert "/zips/train2014.zip" not in [path for path, _, _ in server.requests]
    assert unpacked(tmp_path / "data") == coco.expected()


def test_images_and_splits_that_the_user_has_are_not_downloaded(fetch, coco, server, tmp_path):
    given = ("--image_root", coco.source / "images")
    given += ("--karpathy_json", coco.source / "dataset_coco.json")
    assert fetch(*given) == 0
    assert [path for path, _, _ in server.requests] == ["/annotations/annotations_trainval2014.zip"]
    assert {path.split("/")[0] for path in unpacked(tmp_path / "data")} == {"annotations"}


def test_an_archive_that_leaves_its_folder_is_refused(fetch, coco, server, tmp_path):
    evil = zipped(coco.source / "images", "val2014/*.jpg", {"../../../evil.jpg": b"evil"})
    archive = tmp_path / "data" / "archives" / "val2014.zip"
    archive.parent.mkdir(parents=True)
    server.files["/zips/val2014.zip"] = evil
    recorded = json.loads(coco.checksums.read_text())
    recorded.pop("sha256")  # the seal, of what is changed here
    recorded["val2014.zip"].update(n_bytes=len(evil), sha256=hashlib.sha256(evil).hexdigest())
    (tmp_path / "evil.json").write_text(json.dumps(recorded))
    status = fetch("--checksums", tmp_path / "evil.json")
    assert_one_clear_line(status, archive, "'../../../evil.jpg' would leave the folder")
    assert not list(tmp_path.rglob("evil.jpg"))
    assert not (tmp_path / "data" / "images").exists()


@pytest.mark.long
@pytest.mark.parametrize(
    "seen",
    [
        "archives/annotations_trainval2014.zip.partial",
        "archives/val2014.zip.partial",
        "images/val2014/*.jpg",
        "archives/train2014.zip.partial",
    ],
)
def test_killed_the_same_command_ends_with_the_same_files(seen, words, coco, server, tmp_path):
    server.seconds_a_piece = 0.03
    command = [sys.executable, "-m", "preprocess.download_coco", *words]
    child = subprocess.Popen(command, cwd=ROOT)
    while not list((tmp_path / "data").glob(seen)):
        assert child.poll() is None, "it ended before it was killed"
        time.sleep(0.002)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, "it ended before it was killed"
    assert unpacked(tmp_path / "data") != coco.expected()
    server.seconds_a_piece = 0.0
    assert subprocess.run(command, cwd=ROOT).returncode == 0
    assert unpacked(tmp_path / "data") == coco.expected()
    assert not list(tmp_path.rglob("*.partial*"))


def test_of_two_downloads_into_one_folder_the_second_stops(words, server, tmp_path, fetch):
    server.seconds_a_piece = 0.05
    command = [sys.executable, "-m", "preprocess.download_coco", *words]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        child.stdout.readline()
        assert_one_clear_line(fetch(), tmp_path / "data", "another process is downloading into it")
    finally:
        child.kill()
        child.communicate()


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--mirror", "ftp://host/coco"], ["--mirror", "http://", "archives/"]),
        (["--karpathy_url", "caption_datasets.zip"], ["--karpathy_url"]),
        (["--retries", "-1"], ["--retries", "at least 0"]),
        (["--retry_wait", "-1"], ["--retry_wait"]),
        (["--image_root", "/nowhere"], ["--image_root /nowhere", "train2014"]),
        (["--karpathy_json", "/nowhere.json"], ["--karpathy_json /nowhere.json: no such file"]),
        (["--checksums", "/nowhere.json"], ["/nowhere.json: no such file", "train2014.zip"]),
    ],
)
def test_a_bad_option_is_one_line_and_nothing_is_made(options, parts, fetch, tmp_path):
    assert_one_clear_line(fetch(*options), *parts)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "recorded",
    [
        [],
        {"train.zip": {"n_bytes": 1, "sha256": "a"}},
        {"val2014.zip": 3},
        {"val2014.zip": {"n_bytes": 1}},
        {"val2014.zip": {"n_bytes": "1", "sha256": "a"}},
        {"val2014.zip": {"n_bytes": 1, "sha256": "a", "url": "elsewhere"}},
    ],
    ids=str,
)
def test_checksums_that_are_none_are_one_line(recorded, fetch, tmp_path):
    (tmp_path / "bad.json").write_text(json.dumps(recorded))
    assert_one_clear_line(fetch("--checksums", tmp_path / "bad.json"), "bad.json", "expected")


def test_the_published_archives_are_those_of_coco():
    names = [archive.name for archive in COCO_2014]
    assert sorted(names) == [
        "annotations_trainval2014.zip",
        "caption_datasets.zip",
        "train2014.zip",
        "val2014.zip",
    ]
    assert sum(archive.n_images for archive in COCO_2014) == 113_287 + 5_000 + 5_000
    assert all(len(bytes.fromhex(archive.sha256)) == 32 for archive in COCO_2014)
