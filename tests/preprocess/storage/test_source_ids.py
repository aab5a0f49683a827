"""Files of another split, whose images have the same ids, are told by the images' names."""

import pickle
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split
from preprocess.storage.encodings_file import EncodingsFile
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.hdf5 import SplitHdf5
from preprocess.storage.images_file import ImagesFile, write_images_file
from tests.captioning.training.small_run import write_encodings
from tests.conftest import make_split, named, write_features


def write_named(kind: str, path: Path, split: Split) -> SplitHdf5:
    if kind == "features":
        write_features(path, split)
        return FeaturesFile(path)
    if kind == "encodings":
        return EncodingsFile(write_encodings(path, split))
    encoded = [image.file_name.encode() for image in split.images]
    write_images_file(path, split.image_ids, encoded, source_ids=split.source_ids)
    return ImagesFile(path)


@pytest.mark.parametrize("kind", ["features", "images", "encodings"])
def test_a_file_of_another_split_is_told_by_the_names_of_its_images(tmp_path, kind):
    train, test = named(make_split(4), "train"), named(make_split(3), "Prüfung")
    file = write_named(kind, tmp_path / "test.h5", test)
    assert file.source_ids == ["Prüfung_0", "Prüfung_1", "Prüfung_2"]
    file.check_split(test)
    pickle.loads(pickle.dumps(file)).check_split(test.first(2))
    told = "image 1 is 'Prüfung_0', in the split 'train_0'; give that split's file"
    with pytest.raises(InputError, match=told):
        file.check_split(train.first(3))
    with pytest.raises(InputError, match=told):
        file.check_names(train)  # of which an image is not in the file
    with pytest.raises(InputError, match="image 4 is not in the file"):
        file.check_split(train)


@pytest.mark.parametrize("kind", ["features", "images", "encodings"])
def test_where_one_side_has_no_names_ids_tell_the_images(tmp_path, kind):
    split = named(make_split(3), "test")
    images = tuple(replace(image, source_id=None) for image in split.images)
    plain = replace(split, images=images)
    file = write_named(kind, tmp_path / "plain.h5", plain)
    assert file.source_ids is None
    file.check_split(split)
    write_named(kind, tmp_path / "test.h5", split).check_split(plain)
    with h5py.File(tmp_path / "plain.h5") as found:
        assert "source_ids" not in found  # its bytes are those of earlier versions


@pytest.mark.parametrize("damage", [[b"a\xff"] * 3, [b"a"], [1, 2, 3]])
def test_names_that_are_damaged_are_refused(tmp_path, damage):
    write_named("images", tmp_path / "i.h5", named(make_split(3), "test"))
    with h5py.File(tmp_path / "i.h5", "r+") as file:
        del file["source_ids"]
        file["source_ids"] = np.array(damage)
    with pytest.raises(InputError, match=r"i\.h5: expected an HDF5 file, found a damaged"):
        ImagesFile(tmp_path / "i.h5")
