"""VizWiz's archives arrive whole, whatever their folders are, though nobody knows their size."""

import io
import json
import zipfile

import pytest

from preprocess.base.errors import InputError
from preprocess.base.files import sha256_of_file
from preprocess.downloads.http_file import Retries
from preprocess.downloads.vizwiz_archives import ANNOTATIONS, IMAGES
from tests.preprocess.downloads.coco_server import serving
from tests.preprocess.downloads.small_vizwiz import archives_of, files_below, make_small_vizwiz

RETRIES = Retries(number=2, wait=0)
NAME = "VizWiz_val_00000000.jpg"


@pytest.fixture
def source(tmp_path):
    make_small_vizwiz(tmp_path / "source")
    return tmp_path / "source"


def obtain_all(server, data_dir, verify=False) -> list[str]:
    said: list[str] = []
    for archive in (ANNOTATIONS, *IMAGES):
        archive.obtain(server.url, data_dir, verify, RETRIES, said.append)
    return said


@pytest.mark.parametrize("with_folders", [True, False])
def test_files_are_in_the_same_places_with_and_without_folders_in_the_archives(
    source, tmp_path, with_folders
):
    with serving(archives_of(source, with_folders)) as server:
        obtain_all(server, tmp_path / "data")
        assert files_below(tmp_path / "data") == files_below(source)
        n_requests = len(server.requests)
        said = obtain_all(server, tmp_path / "data")
        assert len(server.requests) == n_requests
    assert said == [
        "annotations.zip: all 3 files are there",
        "val.zip: all 3 files are there",
        "train.zip: all 4 files are there",
    ]


def test_cut_off_it_goes_on_from_there_and_the_archives_hash_is_written_down(source, tmp_path):
    archives = archives_of(source)
    with serving(archives) as server:
        server.faults = [503, None, "drop", None, "drop"]
        obtain_all(server, tmp_path / "data")
        assert not server.faults
        # Of the first archive: refused; its size, by a reply that is left; half; the rest.
        half = len(archives["/caption/annotations.zip"]) // 2
        assert server.ranges[:4] == [None, None, None, f"bytes={half}-"]
    assert files_below(tmp_path / "data") == files_below(source)
    folder = tmp_path / "data" / "archives"
    receipt = json.loads((folder / "val.zip.members.json").read_text())
    assert receipt["archive_sha256"] == sha256_of_file(folder / "val.zip")


def test_a_damaged_archive_is_told_and_once_removed_downloaded_again(source, tmp_path):
    archives = archives_of(source)
    damaged = bytearray(archives["/images/val.zip"])
    damaged[100] ^= 1  # in the data of the first file
    with serving({**archives, "/images/val.zip": bytes(damaged)}) as server:
        with pytest.raises(InputError, match=r"val\.zip: val/VizWiz_val_00000000\.jpg is damaged"):
            obtain_all(server, tmp_path / "data")
        server.files = archives
        (tmp_path / "data" / "archives" / "val.zip").unlink()
        obtain_all(server, tmp_path / "data")
    assert files_below(tmp_path / "data") == files_below(source)


def test_a_changed_byte_is_mended_with_verify_and_a_missing_file_always(source, tmp_path):
    with serving(archives_of(source)) as server:
        obtain_all(server, tmp_path / "data")
        n_requests = len(server.requests)
        first, second = sorted((tmp_path / "data" / "images" / "val").iterdir())[:2]
        whole = first.read_bytes()
        first.write_bytes(whole[:-1] + b"x")
        second.unlink()
        assert "unpacked 1 of 3 files of val.zip" in " ".join(obtain_all(server, tmp_path / "data"))
        said = obtain_all(server, tmp_path / "data", verify=True)
        assert "unpacked 1 of 3 files of val.zip" in " ".join(said)
        assert len(server.requests) == n_requests
    assert first.read_bytes() == whole


def test_archives_may_be_deleted_and_others_files_are_refused(source, tmp_path):
    archives = archives_of(source)
    with serving(archives) as server:
        obtain_all(server, tmp_path / "data")
        for path in (tmp_path / "data" / "archives").glob("*.zip"):
            path.unlink()
        n_requests = len(server.requests)
        obtain_all(server, tmp_path / "data")
        assert len(server.requests) == n_requests
        server.files = {**archives, "/images/val.zip": archives["/images/train.zip"]}
        with pytest.raises(InputError, match=r"val\.zip: expected files \*VizWiz_val_\*\.jpg, fou"):
            IMAGES[0].obtain(server.url, tmp_path / "new", False, RETRIES, print)


def test_files_in_a_folder_of_another_name_are_refused_with_it(source, tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.write(source / "images" / "val" / NAME, f"other/{NAME}")
    with (
        serving({"/images/val.zip": buffer.getvalue()}) as server,
        pytest.raises(InputError, match=r"in val/, found them in other; is it another archive"),
    ):
        IMAGES[0].obtain(server.url, tmp_path / "data", False, RETRIES, print)
