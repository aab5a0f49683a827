import h5py
import numpy as np
import pytest

from preprocess.storage.mapped_rows import MappedRows, can_map


@pytest.fixture
def path(tmp_path):
    rows = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file["contiguous"] = rows
        file.create_dataset("chunk a row", data=rows, chunks=(1, 2, 3))
        file.create_dataset("chunk of rows", data=rows, chunks=(2, 2, 3))
        file.create_dataset("compressed", data=rows, chunks=(1, 2, 3), compression=1)
        file.create_dataset("number a row", data=np.arange(4))
    return tmp_path / "rows.h5"


@pytest.mark.parametrize("name", ["contiguous", "chunk a row", "number a row"])
def test_a_mapped_row_is_what_hdf5_reads(path, name):
    with h5py.File(path) as file:
        assert can_map(file[name])
        expected = file[name][:]
        mapped = MappedRows(path, {name: file[name]})
    for row in (2, 0, 3, 1):
        np.testing.assert_array_equal(mapped.read(name, row), expected[row])


@pytest.mark.parametrize("name", ["chunk of rows", "compressed"])
def test_rows_that_do_not_lie_in_the_file_as_they_are_cannot_be_mapped(path, name):
    with h5py.File(path) as file:
        assert not can_map(file[name])


@pytest.mark.parametrize("name", ["contiguous", "chunk a row"])
def test_rows_that_are_not_inside_the_file_are_refused(path, tmp_path, name):
    shorter = tmp_path / "shorter.h5"
    with h5py.File(path) as file:
        shorter.write_bytes(path.read_bytes()[:200])
        with pytest.raises(ValueError, match=f"{name} is not inside the file"):
            MappedRows(shorter, {name: file[name]})
