"""Unpacking writes whole files below its folder, and nothing else."""

import os
import signal
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from preprocess.base.errors import InputError
from preprocess.downloads.zip_members import (
    damaged_members,
    list_members,
    missing_members,
    read_receipt,
    unpack,
    write_receipt,
)

ROOT = Path(__file__).resolve().parents[3]
FILES = {f"val2014/{i}.jpg": np.random.default_rng(i).bytes(3000) for i in range(5)}


def write_zip(path: Path, files: dict[str, bytes], compression=zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in files.items():
            entry = zipfile.ZipInfo("placeholder")
            entry.filename = name  # as it is: the constructor would tidy it
            file.writestr(entry, data, compression)
    return path


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def archive(tmp_path) -> Path:
    return write_zip(tmp_path / "val2014.zip", {"val2014/": b"", **FILES, "README.txt": b"no"})


def test_the_files_that_match_are_unpacked(archive, tmp_path):
    members = list_members(archive, "val2014/*.jpg")
    assert [member.name for member in members] == list(FILES)
    assert missing_members(members, tmp_path / "images") == list(members)
    unpack(archive, members, tmp_path / "images")
    assert content(tmp_path / "images") == FILES
    assert missing_members(members, tmp_path / "images") == []
    assert damaged_members(members, tmp_path / "images") == []


@pytest.mark.parametrize(
    "name",
    [
        "../escaped.jpg",
        "val2014/../../escaped.jpg",
        "/tmp/escaped.jpg",
        "..\\escaped.jpg",
        "C:/escaped.jpg",
        "val2014/..",
        "val2014/a\0.jpg",
    ],
)
def test_a_name_that_leaves_the_folder_stops_all_of_it(name, tmp_path):
    archive = write_zip(tmp_path / "evil.zip", {**FILES, name: b"evil"})
    with pytest.raises(InputError, match=r"would leave the folder.*nothing is unpacked"):
        list_members(archive, "val2014/*.jpg")
    assert [path.name for path in tmp_path.iterdir()] == ["evil.zip"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_a_link_or_device_stops_all_of_it(kind, tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as file:
        entry = zipfile.ZipInfo("val2014")
        entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
        file.writestr(entry, "/tmp")
        file.writestr("val2014/a.jpg", b"written through the link")
    with pytest.raises(InputError, match=r"'val2014' would leave .* or is a link"):
        list_members(tmp_path / "evil.zip", "val2014/*.jpg")


def test_a_name_that_is_there_twice_is_told(tmp_path):
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as file:
        file.writestr("val2014/a.jpg", b"one")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("val2014/a.jpg", b"two")
    with pytest.raises(InputError, match=r"has 'val2014/a.jpg' 2 times"):
        list_members(tmp_path / "twice.zip", "val2014/*.jpg")


@pytest.mark.parametrize(
    ("written", "line"),
    [(b"<html>", "expected a zip archive"), (b"", "expected a zip archive")],
)
def test_another_file_is_told(written, line, tmp_path):
    (tmp_path / "page.zip").write_bytes(written)
    with pytest.raises(InputError, match=line):
        list_members(tmp_path / "page.zip", "*")


def test_an_archive_without_the_files_is_told(archive, tmp_path):
    with pytest.raises(InputError, match=r"expected files train2014/\*, found none"):
        list_members(archive, "train2014/*")
    with pytest.raises(InputError, match=r"expected files \*, found none"):
        list_members(write_zip(tmp_path / "empty.zip", {}), "*")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_archive_leaves_no_damaged_file(compression, tmp_path):
    archive = write_zip(tmp_path / "val2014.zip", FILES, compression)
    members = list_members(archive, "*.jpg")
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as file:
        place = file.getinfo("val2014/3.jpg").header_offset
    data[place + 1000] ^= 1
    archive.write_bytes(data)
    with pytest.raises(InputError, match=r"val2014/3.jpg is damaged .*remove the archive"):
        unpack(archive, members, tmp_path / "images")
    whole = {name: data for name, data in FILES.items() if name < "val2014/3.jpg"}
    assert content(tmp_path / "images") == whole


@pytest.mark.parametrize("written", [b"", b"<html>", "cut", "gone"])
def test_an_archive_that_was_replaced_by_none_is_one_line(written, archive, tmp_path):
    members = list_members(archive, "*.jpg")
    if written == "gone":
        archive.unlink()
    else:
        archive.write_bytes(archive.read_bytes()[:-30] if written == "cut" else written)
    with pytest.raises(InputError, match=r"expected a zip archive, found .*remove the archive"):
        unpack(archive, members, tmp_path / "images")
    assert not (tmp_path / "images").exists()


@pytest.mark.parametrize("data", [None, FILES["val2014/2.jpg"]])
def test_an_archive_that_was_replaced_by_another_is_told(data, archive, tmp_path):
    members = list_members(archive, "*.jpg")
    write_zip(archive, {} if data is None else dict.fromkeys(FILES, data))
    with pytest.raises(InputError, match=r"val2014/0.jpg is damaged .*remove the archive"):
        unpack(archive, members, tmp_path / "images")
    assert content(tmp_path) == {"val2014.zip": archive.read_bytes()}


def test_missing_cut_and_changed_files_are_found_and_written_again(archive, tmp_path):
    members, folder = list_members(archive, "*.jpg"), tmp_path / "images"
    unpack(archive, members, folder)
    (folder / "val2014/0.jpg").unlink()
    (folder / "val2014/1.jpg").write_bytes(b"cut")
    changed = folder / "val2014/2.jpg"
    changed.write_bytes(bytes(3000))
    assert missing_members(members, folder) == list(members[:2])
    assert damaged_members(members, folder) == list(members[:3])
    unpack(archive, damaged_members(members, folder), folder)
    assert content(folder) == FILES


def test_a_file_in_the_place_of_a_folder_is_one_line(archive, tmp_path):
    (tmp_path / "images").write_text("not a folder")
    with pytest.raises(InputError, match=r"images/val2014/0.jpg: cannot be written"):
        unpack(archive, list_members(archive, "*.jpg"), tmp_path / "images")


def test_a_receipt_knows_the_members_of_its_archive_only(archive, tmp_path):
    members = list_members(archive, "*.jpg")
    assert read_receipt(tmp_path / "receipt.json", "a" * 64) is None
    write_receipt(tmp_path / "receipt.json", "a" * 64, members)
    assert read_receipt(tmp_path / "receipt.json", "a" * 64) == members
    assert read_receipt(tmp_path / "receipt.json", "b" * 64) is None


@pytest.mark.parametrize("text", ["{", "[]", '{"archive_sha256": "a"}', '{"members": 3}'])
def test_a_damaged_receipt_is_one_line(text, tmp_path):
    (tmp_path / "receipt.json").write_text(text)
    with pytest.raises(InputError, match="remove it, and the same command makes it again"):
        read_receipt(tmp_path / "receipt.json", "a")


UNPACK = """
import sys
from pathlib import Path
from preprocess.downloads.zip_members import list_members, unpack
archive, folder = map(Path, sys.argv[1:])
unpack(archive, list_members(archive, "*"), folder)
"""


def test_killed_in_the_middle_every_file_is_whole_or_not_there(tmp_path):
    files = {f"val2014/{i}.jpg": np.random.default_rng(i).bytes(20_000) for i in range(3000)}
    archive, folder = write_zip(tmp_path / "big.zip", files), tmp_path / "images"
    members = list_members(archive, "*")
    for target in (1, 100, 500):
        child = subprocess.Popen([sys.executable, "-c", UNPACK, archive, folder], cwd=ROOT)
        while len(list(folder.rglob("*.jpg"))) < target:
            assert child.poll() is None, "it ended before it was killed"
            time.sleep(0.001)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        found = content(folder)
        whole = {name: data for name, data in found.items() if not name.endswith(".partial")}
        assert len(found) - len(whole) <= 1
        assert all(files[name] == data for name, data in whole.items())
        assert 0 < len(missing_members(members, folder)) == len(files) - len(whole)
        for name in found:
            (folder / name).unlink()
    partial = folder / "val2014" / ".7.jpg.partial"
    partial.write_bytes(b"left behind")
    unpack(archive, missing_members(members, folder), folder)
    assert content(folder) == files
