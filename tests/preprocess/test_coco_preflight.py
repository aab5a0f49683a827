"""Before COCO is downloaded, the disk is known to suffice or not."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from preprocess import coco_preflight
from preprocess.downloads import step_needs
from preprocess.downloads.coco_archives import COCO_2014
from preprocess.downloads.http_file import partial_of
from preprocess.downloads.step_needs import (
    GB,
    StepNeeds,
    download_needs,
    features_needs,
    peak_bytes,
    published_images,
)
from preprocess.storage.features_writer import FeaturesWriter
from tests.conftest import assert_one_clear_line, write_data_dir, write_images_of

EVERYTHING = ["download", "weights", "splits", "images", "features"]


@pytest.fixture
def preflight(tmp_path, run_main, monkeypatch):
    """Run it for a new folder, on a disk with so many free bytes."""

    def run(free: int, *options) -> str | int:
        monkeypatch.setattr(coco_preflight, "free_bytes", lambda folder: free)
        return run_main(coco_preflight.main, "--data_dir", tmp_path / "new" / "coco", *options)

    return run


def test_every_step_has_a_line_and_they_add_up(preflight, capsys, tmp_path):
    assert preflight(200 * GB, "--steps", *EVERYTHING) == 0
    shown = capsys.readouterr().out
    rows = dict(re.findall(r"^(\w+) +([\d.]+) +[\d.]+ +[\d.]+", shown, flags=re.MULTILINE))
    assert list(rows) == [*EVERYTHING, "together"]
    disk = {step: float(value) for step, value in rows.items()}
    assert disk["together"] == pytest.approx(sum(disk[step] for step in EVERYTHING), abs=0.3)
    assert 41 < disk["download"] < 43
    assert 36 < disk["features"] < 38
    assert "GPU: " in shown
    assert "measured, 1 CPU core" in shown
    assert not (tmp_path / "new").exists()


def test_a_disk_that_is_too_small_is_one_line(preflight, tmp_path):
    status = preflight(60 * GB, "--steps", "download", "images")
    assert_one_clear_line(
        status, tmp_path / "new" / "coco", "62.", "download, images", "60.0 GB free", "--steps"
    )
    assert preflight(60 * GB, "--steps", "download") == 0
    assert preflight(60 * GB, "--steps", "download", "images", "--delete_archives") == 0


def test_what_the_user_has_needs_no_disk(preflight, tmp_path):
    given = ["--image_root", tmp_path, "--karpathy_json", tmp_path / "dataset_coco.json"]
    for name in ("train2014", "val2014"):
        (tmp_path / name).mkdir()
    (tmp_path / "dataset_coco.json").write_text('{"images": []}')
    assert preflight(2 * GB, "--steps", "download", *given) == 0
    assert preflight(2 * GB, "--steps", "download") != 0


def test_a_part_of_coco_needs_a_part(preflight, tmp_path, capsys):
    part = tmp_path / "part.json"
    part.write_text(json.dumps({"images": [{}] * 90}))
    steps = ["--steps", "splits", "images", "features"]
    assert preflight(GB // 10, *steps, "--karpathy_json", part) == 0
    assert re.search(r"together +0\.[01] ", capsys.readouterr().out)
    part.write_text("[]")
    status = preflight(GB, *steps, "--karpathy_json", part)
    assert_one_clear_line(status, "part.json: not Karpathy's format")


@pytest.mark.parametrize("option", ["--image_root", "--karpathy_json"])
def test_what_the_user_says_to_have_is_looked_for(option, preflight, tmp_path):
    status = preflight(200 * GB, "--steps", "splits", "images", option, tmp_path / "none")
    assert_one_clear_line(status, f"{option} {tmp_path / 'none'}: ")


def test_deleted_archives_leave_their_disk_to_later_steps(preflight, capsys):
    everything = ["--steps", "download", "splits", "images", "features"]
    # Zip files 20.4 GB, unpacked 21.4, splits 0.1, images 20.2, features 36.5.
    assert preflight(99 * GB, *everything) == 0
    assert preflight(98 * GB, *everything) != 0
    capsys.readouterr()
    assert preflight(79 * GB, *everything, "--delete_archives") == 0
    assert "79.0 GB free, 78.2 GB needed" in capsys.readouterr().out
    assert preflight(78 * GB, *everything, "--delete_archives") != 0


def test_the_peak_is_of_the_steps_in_their_order(tmp_path):
    def step(disk: int, kept: int) -> StepNeeds:
        return StepNeeds("", tmp_path, disk, kept, 0, 0.0, "")

    assert peak_bytes([step(9, 4), step(3, 3)]) == 9
    assert peak_bytes([step(9, 4), step(3, 3), step(5, 5)]) == 12
    assert peak_bytes([step(0, -6), step(8, 8)]) == 2


def test_steps_on_one_disk_share_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(coco_preflight, "free_bytes", lambda folder: 5)
    needs = [StepNeeds(step, tmp_path / step, 3, 3, 0, 0.0, "") for step in ("download", "images")]
    with pytest.raises(coco_preflight.InputError, match="for download, images"):
        coco_preflight.check_disks(needs)
    coco_preflight.check_disks(needs[:1])


def test_too_little_memory_is_a_warning(preflight, monkeypatch, capsys):
    monkeypatch.setattr(coco_preflight, "available_memory", lambda: GB)
    assert preflight(200 * GB, "--steps", "splits") == 0
    assert "warning: 1.5 GB of memory needed, found 1.0 GB" in capsys.readouterr().err


@pytest.mark.parametrize("steps", [["dowload"], ["images", "all"]])
def test_an_unknown_step_is_one_line(steps, preflight):
    assert_one_clear_line(preflight(GB, "--steps", *steps), "--steps: expected some of download")


def test_what_is_there_already_is_not_counted(tmp_path):
    whole = download_needs(COCO_2014, tmp_path, delete_archives=False).disk_bytes
    partial = partial_of(tmp_path / "archives" / "val2014.zip")
    partial.parent.mkdir()
    with partial.open("wb") as file:
        file.truncate(GB)
    assert download_needs(COCO_2014, tmp_path, False).disk_bytes == whole - GB
    sizes = [archive.n_bytes for archive in COCO_2014]
    deleted = download_needs(COCO_2014, tmp_path, delete_archives=True)
    assert whole - deleted.disk_bytes == sum(sizes) - max(sizes)


def test_an_archive_that_is_there_and_will_be_deleted_gives_its_disk_back(tmp_path):
    unpacked = sum(archive.unpacked_bytes for archive in COCO_2014)
    path = tmp_path / "archives" / "val2014.zip"
    path.parent.mkdir()
    path.write_bytes(bytes(10**6))
    needs = download_needs(COCO_2014, tmp_path, delete_archives=True)
    assert needs.kept_bytes == unpacked - path.stat().st_blocks * 512 < unpacked
    path.rename(tmp_path / "elsewhere.zip")
    path.symlink_to(tmp_path / "elsewhere.zip")
    needs = download_needs(COCO_2014, tmp_path, delete_archives=True)
    assert needs.kept_bytes == unpacked - path.lstat().st_blocks * 512


def test_images_files_that_stay_as_they_are_need_no_disk(tmp_path, preflight, capsys):
    data, images = write_data_dir(tmp_path / "new" / "coco"), ["--steps", "images"]
    for split in ("train", "val", "test"):
        write_images_of(data, split)
    assert preflight(0, *images) == 0
    next((data / "images").rglob("*.jpg")).write_bytes(b"of another size")
    assert_one_clear_line(preflight(0, *images), "GB of disk needed for images")


def test_features_that_are_begun_have_their_disk(tmp_path):
    empty = features_needs(published_images(COCO_2014), tmp_path, with_gpu=False)
    attributes = {"extractor": "", "weights": "", "weights_sha256": "", "settings": "{}"}
    path = tmp_path / "test_features.h5"
    with FeaturesWriter(path, np.arange(40), 36, 2048, "float32", attributes):
        pass
    if path.stat().st_blocks == 0:
        pytest.skip("this file system does not take space beforehand")
    begun = features_needs(published_images(COCO_2014), tmp_path, with_gpu=False)
    assert begun.disk_bytes == empty.disk_bytes - path.stat().st_blocks * 512
    assert begun.hours < empty.hours


def test_the_bytes_of_an_image_are_those_of_a_features_file(tmp_path):
    attributes = {"extractor": "", "weights": "", "weights_sha256": "", "settings": "{}"}
    sizes = []
    for n_images in (20, 60):
        path = tmp_path / f"{n_images}.h5"
        with FeaturesWriter(path, np.arange(n_images), 36, 2048, "float32", attributes):
            pass
        sizes.append(path.stat().st_size)
    assert (sizes[1] - sizes[0]) / 40 == pytest.approx(step_needs.FEATURE_BYTES, rel=0.01)


def test_a_checksums_file_changes_what_is_needed(preflight, tmp_path):
    recorded = {
        name: {"n_bytes": 1, "sha256": "a", "unpacked_bytes": 1, "n_images": 0}
        for name in (archive.name for archive in COCO_2014)
    }
    path = Path(tmp_path / "checksums.json")
    path.write_text(json.dumps(recorded))
    assert preflight(100_000, "--checksums", path) == 0
