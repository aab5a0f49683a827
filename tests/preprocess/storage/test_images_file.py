"""Images files: bytes kept, failed writes, files of another kind."""

import h5py
import numpy as np
import pytest

from preprocess.base.errors import InputError
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile, write_images_file
from tests.conftest import make_split, write_features


def test_encoded_images_keep_their_bytes(tmp_path):
    encoded = [b"one", b"\xff\x00two", bytes(1000)]
    write_images_file(tmp_path / "i.h5", np.array([5, 3, 9]), encoded)
    images = ImagesFile(tmp_path / "i.h5")
    assert [images.read_encoded(image_id) for image_id in (5, 3, 9)] == encoded


def test_a_writer_of_images_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "i.h5"
    write_images_file(path, np.array([1]), [b"old"])

    def failing():
        yield b"new"
        raise InputError("stop")

    with pytest.raises(InputError, match="stop"):
        write_images_file(path, np.array([1, 2]), failing())
    assert ImagesFile(path).read_encoded(1) == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["i.h5"]


def test_a_file_of_the_version_before_says_to_write_the_images_again(tmp_path):
    with h5py.File(tmp_path / "i.h5", "w") as file:
        file["image_ids"], file["checksums"] = np.arange(1), np.zeros(1, np.uint32)
        file.create_dataset("images", (1,), h5py.vlen_dtype(np.dtype("uint8")))
        file.attrs.update(schema="encoded_images", schema_version=1, complete=True)
    line = "expected schema encoded_images version 2, found encoded_images version 1; move it away "
    with pytest.raises(InputError, match=line + "and make it with `python -m preprocess.write_im"):
        ImagesFile(tmp_path / "i.h5")


@pytest.mark.parametrize("told", [7, 9])
def test_images_of_another_size_than_was_told_leave_nothing(tmp_path, told):
    with pytest.raises(InputError, match="an image file changed its size meanwhile"):
        write_images_file(tmp_path / "i.h5", np.array([1, 2]), iter([b"four", b"more"]), told)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("offsets", [[0, 6, 3, 9], [1, 3, 6, 9], [0, 3, 6, 8], [0, 3, 9]])
def test_offsets_that_do_not_divide_the_bytes_are_refused(tmp_path, offsets):
    write_images_file(tmp_path / "i.h5", np.array([5, 3, 9]), [b"one", b"two", b"six"])
    with h5py.File(tmp_path / "i.h5", "r+") as file:
        del file["offsets"]
        file["offsets"] = np.array(offsets)
    with pytest.raises(InputError, match="expected 4 ascending offsets from 0 to 9"):
        ImagesFile(tmp_path / "i.h5")


def test_a_file_of_another_schema_is_refused(tmp_path):
    write_features(tmp_path / "f.h5", make_split(3))
    with pytest.raises(InputError, match="expected schema encoded_images version 2, found region"):
        ImagesFile(tmp_path / "f.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(InputError, match="found none"):
        FeaturesFile(tmp_path / "other.h5")
    (tmp_path / "text.h5").write_text("not HDF5")
    with pytest.raises(InputError, match="damaged or truncated"):
        ImagesFile(tmp_path / "text.h5")
    with pytest.raises(InputError, match="no such file"):
        ImagesFile(tmp_path / "none.h5")
