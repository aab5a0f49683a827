"""What both kinds of HDF5 file do when damaged, of another layout, or in use."""

import errno
import fcntl
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest

from preprocess.base import file_lock
from preprocess.base.errors import InputError
from preprocess.storage import hdf5
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile, write_images_file
from tests.conftest import make_split, write_features
from tests.preprocess.storage.test_features_file import open_writer, write_rows

ROOT = Path(__file__).resolve().parents[3]
IMAGE_IDS = [7, 3, 9, 4]
KINDS = ["features", "images"]


def write_whole(kind: str, path: Path) -> None:
    if kind == "features":
        write_rows(path, n_rows=4, finish=True)
    else:
        encoded = [np.random.default_rng(i).bytes(100 + i) for i in IMAGE_IDS]
        write_images_file(path, np.array(IMAGE_IDS), encoded)


def read_whole(kind: str, path: Path) -> dict[int, bytes]:
    """The data of each image as bytes."""
    if kind == "images":
        images = ImagesFile(path)
        return {int(i): images.read_encoded(i) for i in images.image_ids}
    features = FeaturesFile(path)
    rows = {int(i): features.read(i) for i in features.image_ids}
    return {i: b"".join(a.tobytes() for a in row.values()) for i, row in rows.items()}


def is_right_or_refused(kind: str, path: Path, expected: dict[int, bytes]) -> bool:
    """Whether a read gives the data as they were written, or an InputError and nothing else."""
    try:
        return read_whole(kind, path) == expected
    except InputError as error:
        return str(path) in str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_anywhere_is_refused(tmp_path, kind):
    write_whole(kind, tmp_path / "whole.h5")
    data = (tmp_path / "whole.h5").read_bytes()
    for size in np.linspace(0, len(data) - 1, 20, dtype=int):
        (tmp_path / "cut.h5").write_bytes(data[:size])
        with pytest.raises(InputError, match=r"cut\.h5: expected an HDF5 file, found a damaged"):
            read_whole(kind, tmp_path / "cut.h5")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_with_a_changed_byte_is_refused_or_read_right(tmp_path, kind):
    write_whole(kind, tmp_path / "whole.h5")
    expected = read_whole(kind, tmp_path / "whole.h5")
    data = (tmp_path / "whole.h5").read_bytes()
    generator = np.random.default_rng(0)
    for position in generator.choice(len(data), 100, replace=False):
        changed = bytearray(data)
        changed[position] ^= generator.integers(1, 256)
        path = tmp_path / f"{position}.h5"  # a name of its own: no cache of HDF5 knows it
        path.write_bytes(changed)
        assert is_right_or_refused(kind, path, expected), f"byte {position}"


def delete(name):
    return lambda file: file.pop(name)


def replace(name, array):
    def change(file):
        del file[name]
        file[name] = array

    return change


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (delete("image_ids"), "expected dataset image_ids, found none"),
        (delete("visual_feats"), "expected dataset visual_feats, found none"),
        (delete("checksums"), "expected dataset checksums, found none"),
        (delete("done"), "expected dataset done, found none"),
        (lambda file: file.attrs.pop("complete"), "attribute complete to be bool, found none"),
        (replace("checksums", np.zeros(3, np.uint32)), r"of shape \(4,\), found \(3,\)"),
        (replace("done", np.uint8(1)), r"done \(N\) of shape \(4,\), found \(\)"),
        (replace("visual_pos", np.zeros((4, 6, 4))), "type float32, found float64"),
        (replace("visual_pos", np.zeros((4, 6, 4), ">f4")), "found byte-swapped float32"),
        (replace("image_ids", np.array([1, 2, 3, 2])), "4 different image ids, found 3"),
        (lambda file: file.attrs.update(schema=["region_features"] * 3), "expected schema region"),
    ],
)
def test_a_features_file_of_another_layout_is_refused_in_one_line(tmp_path, change, line):
    write_whole("features", tmp_path / "f.h5")
    with h5py.File(tmp_path / "f.h5", "r+") as file:
        change(file)
    with pytest.raises(InputError, match=line) as error:
        FeaturesFile(tmp_path / "f.h5")
    assert "\n" not in str(error.value)
    if "different image ids" not in line:
        with pytest.raises(InputError, match=line):
            open_writer(tmp_path / "f.h5")


def test_rows_that_changed_places_do_not_pass_their_checksums(tmp_path):
    write_whole("images", tmp_path / "i.h5")
    with h5py.File(tmp_path / "i.h5", "r+") as file:
        file["image_ids"][:] = file["image_ids"][:][[1, 0, 2, 3]]
    images = ImagesFile(tmp_path / "i.h5")
    images.read_encoded(9)
    with pytest.raises(InputError, match="image 3 do not match their checksum"):
        images.read_encoded(3)


# As another program that writes HDF5 files, and asks for HDF5's own lock.
HOLD = """
import sys, h5py
with h5py.File(sys.argv[1], "r+", locking=True):
    print("open", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another_process(path: Path) -> Iterator[None]:
    command = [sys.executable, "-c", HOLD, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        yield
        holder.stdin.close()


def test_a_file_that_another_process_writes_is_neither_read_nor_called_damaged(tmp_path):
    write_features(tmp_path / "f.h5", make_split(4))
    with held_by_another_process(tmp_path / "f.h5"):
        with pytest.raises(InputError, match="is being written by another process"):
            FeaturesFile(tmp_path / "f.h5")
        with pytest.raises(InputError, match="is being used by another process"):
            open_writer(tmp_path / "f.h5")


WITHOUT_LOCKS = """
import sys
from pathlib import Path
import h5py
from preprocess.storage.features_file import FeaturesFile
from tests.preprocess.storage.test_features_file import write_rows

opened, number = h5py.h5f.open, int(sys.argv[2])

def refuse(name, flags, fapl=None):
    if fapl is not None and fapl.get_file_locking()[0]:
        raise OSError(number, f"Unable to open file (unable to lock file, errno = {number})")
    return opened(name, flags, fapl=fapl)

h5py.h5f.open = refuse
write_rows(Path(sys.argv[1]), n_rows=4, finish=True)
print(len(FeaturesFile(Path(sys.argv[1])).read(12)))
"""


@pytest.mark.long
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, 524, errno.EROFS])
def test_where_hdf5_gets_no_lock_features_are_written_and_read_without(tmp_path, number):
    command = [sys.executable, "-c", WITHOUT_LOCKS, tmp_path / "f.h5", str(number)]
    shown = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (shown.returncode, shown.stdout) == (0, "9\n"), shown.stderr
    assert shown.stderr.count("has no locks") == 1


def no_locks(number):
    def refuse(file, operation):
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, 524, errno.EROFS])
@pytest.mark.parametrize("kind", KINDS)
def test_files_are_written_and_read_where_there_are_no_locks(tmp_path, monkeypatch, kind, number):
    monkeypatch.setattr(fcntl, "flock", no_locks(number))
    file_lock.say_that_there_are_no_locks.cache_clear()
    with warnings.catch_warnings(record=True) as warned:
        write_whole(kind, tmp_path / "one.h5")
        write_whole(kind, tmp_path / "two.h5")
    assert ["has no locks" in str(warning.message) for warning in warned] == [True]
    assert read_whole(kind, tmp_path / "one.h5") == read_whole(kind, tmp_path / "two.h5")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 288. KiB for an array"),
        OSError("Can't synchronously read data (memory allocation failed for raw data chunk)"),
        OSError(errno.EIO, "Input/output error"),
    ],
)
def test_what_the_machine_lacks_is_not_called_damage(tmp_path, monkeypatch, kind, error):
    write_whole(kind, tmp_path / "f.h5")
    expected = read_whole(kind, tmp_path / "f.h5")

    def refuse(*arguments):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(hdf5.zlib, "crc32", refuse)
        with pytest.raises(
            InputError, match=r"f\.h5: cannot be read \((not enough mem|Input)"
        ) as line:
            read_whole(kind, tmp_path / "f.h5")
    assert "delete" not in str(line.value)
    assert read_whole(kind, tmp_path / "f.h5") == expected


@pytest.mark.parametrize(("mode", "verb"), [("r", "read"), ("r+", "written")])
def test_a_file_without_permission_is_not_called_damaged(tmp_path, monkeypatch, mode, verb):
    write_features(tmp_path / "f.h5", make_split(4))

    def refuse(*arguments, **options):
        raise PermissionError(13, "Unable to open file")

    monkeypatch.setattr(hdf5.h5py, "File", refuse)
    with pytest.raises(InputError, match=rf"cannot be {verb} \(Permission denied\)"):
        hdf5.open_hdf5(tmp_path / "f.h5", FeaturesFile.schema, mode)
