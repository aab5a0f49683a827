"""Disks that are too small, of which a limit of file sizes is one: a line, and nothing lost."""

import errno
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from preprocess.base.disk_space import writing_model
from preprocess.base.errors import InputError
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.features_writer import FeaturesWriter
from tests.conftest import assert_one_clear_line

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits the size of Linux's files")

N_IMAGES = 40
# N_IMAGES rows of 36 KiB; no file may exceed argv[2] KiB, from its creation or from row 10 on.
WRITE = f"""
import resource, sys
import numpy as np
from preprocess.base.command_line import run_command
from preprocess.storage.features_file import ROW_DATASETS
from preprocess.storage.features_writer import FeaturesWriter

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def main():
    if sys.argv[3] == "created":
        limit(int(sys.argv[2]) * 1024)
    with FeaturesWriter(sys.argv[1], np.arange({N_IMAGES}), 9, 1024, "float32", {{}}) as writer:
        for row in writer.missing_rows():
            if row == 10:
                limit(int(sys.argv[2]) * 1024)
            writer.write(int(row), **{{name: row for name in ROW_DATASETS}})
        writer.finish()
    print("finished")

run_command(main)
"""


def write(path, limit_kib: int, limited: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", WRITE, path, str(limit_kib), limited]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("limit_kib", [0, 1, 5, 700])
def test_a_disk_too_small_for_the_file_is_told_before_anything_is_written(tmp_path, limit_kib):
    found = write(tmp_path / "f.h5", limit_kib, "created")
    assert_one_clear_line(found.stderr.strip(), tmp_path / "f.h5", "the disk is full: make room")
    assert found.returncode == 1
    assert not list(tmp_path.iterdir())


def test_the_space_of_a_file_is_taken_when_it_is_made(tmp_path):
    with FeaturesWriter(tmp_path / "f.h5", np.arange(N_IMAGES), 9, 1024, "float32", {}):
        pass
    status = (tmp_path / "f.h5").stat()
    if status.st_blocks == 0:
        pytest.skip("this file system does not take space beforehand")
    assert 512 * status.st_blocks >= status.st_size > N_IMAGES * 9 * 1024 * 4


@pytest.mark.parametrize("limit_kib", [40, 500, 1300])
def test_a_disk_that_fills_up_meanwhile_loses_no_row_that_is_marked_done(tmp_path, limit_kib):
    path = tmp_path / "f.h5"
    found = write(path, limit_kib, "opened")
    assert_one_clear_line(found.stderr.strip(), path, "the disk is full: make room")
    assert found.returncode == 1
    with h5py.File(path) as file:
        assert not file.attrs["complete"]
        done = np.flatnonzero(file["done"][:])
        assert done.tolist() == list(range(10))
        assert all((file["visual_feats"][row] == row).all() for row in done)
    with pytest.raises(InputError, match="expected a complete file"):
        FeaturesFile(path)
    assert write(path, 10_000, "opened").stdout == "finished\n"
    with h5py.File(path) as file:
        assert file.attrs["complete"]
        assert all((file["visual_feats"][row] == row).all() for row in range(N_IMAGES))


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        RuntimeError("[enforce fail at inline_container.cc:671] . unexpected pos 4595136 vs 4595"),
        Exception("Error while serializing: I/O error: No space left on device (os error 28)"),
        Exception("Error while serializing: I/O error: Disk quota exceeded (os error 122)"),
    ],
)
def test_a_checkpoint_that_the_disk_has_no_room_for_is_one_line(error):
    with (
        pytest.raises(
            InputError, match=r"runs/a: cannot be written \(the disk is full\); make room"
        ),
        writing_model("runs/a"),
    ):
        raise error


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), InputError("no such file")])
def test_other_errors_of_training_stay_what_they_are(error):
    with pytest.raises(type(error), match=str(error)), writing_model("runs/a"):
        raise error
