"""Archives of arrays: the same bytes each time, and nothing read that was not written."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from information_retrieval.ranking.npz_file import read_npz, write_npz
from preprocess.base.errors import InputError

ARRAYS = {"a": np.arange(6).reshape(2, 3), "b": np.array("text"), "c": np.float32([1.5])}


def read(path):
    return read_npz(path, "an .npz of letters", "make it with a pen")


def test_arrays_come_back_and_numpy_reads_them_too(tmp_path):
    write_npz(tmp_path / "x.npz", ARRAYS, uncompressed=("a",))
    for arrays in (read(tmp_path / "x.npz"), np.load(tmp_path / "x.npz")):
        assert sorted(arrays) == sorted(ARRAYS)
        for name, array in ARRAYS.items():
            assert arrays[name].dtype == array.dtype
            np.testing.assert_array_equal(arrays[name], array)


def test_the_same_arrays_make_the_same_file(tmp_path, monkeypatch):
    write_npz(tmp_path / "x.npz", ARRAYS)
    monkeypatch.setattr("time.localtime", lambda *_: (2030, 1, 1, 0, 0, 0, 0, 1, 0))
    write_npz(tmp_path / "y.npz", ARRAYS)
    assert (tmp_path / "x.npz").read_bytes() == (tmp_path / "y.npz").read_bytes()


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_an_array_of_objects_is_refused_and_runs_nothing(tmp_path):
    objects = np.array([Malicious(tmp_path / "ran"), None], object)
    np.savez(tmp_path / "x.npz", a=objects)
    with pytest.raises(InputError, match=r"x\.npz: expected an \.npz of letters, .*with a pen"):
        read(tmp_path / "x.npz")
    (tmp_path / "y.npz").write_bytes(pickle.dumps(Malicious(tmp_path / "ran")))
    with pytest.raises(InputError, match="File is not a zip file"):
        read(tmp_path / "y.npz")
    assert not (tmp_path / "ran").exists()


def test_a_header_that_asks_for_less_than_there_is_is_refused(tmp_path):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.arange(9))
    data = buffer.getvalue().replace(b"(9,)", b"(2,)")
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.npy", data)
    with pytest.raises(InputError, match=r"a\.npy is longer than its array"):
        read(tmp_path / "x.npz")


def test_a_header_that_asks_for_more_than_there_is_memory_is_refused(tmp_path):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.arange(9))
    data = buffer.getvalue().replace(b"(9,), }         ", b"(9999999999999,)} ")
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.npy", data)
    with pytest.raises(InputError, match="found a damaged or foreign file"):
        read(tmp_path / "x.npz")


def test_a_member_said_to_be_encrypted_is_refused(tmp_path):
    write_npz(tmp_path / "x.npz", {"a": np.arange(3)})
    data = bytearray((tmp_path / "x.npz").read_bytes())
    data[6] |= 1  # the flags of the member's own header
    data[data.index(b"PK\1\2") + 8] |= 1  # and of the directory's
    (tmp_path / "x.npz").write_bytes(data)
    with pytest.raises(InputError, match="encrypted"):
        read(tmp_path / "x.npz")
