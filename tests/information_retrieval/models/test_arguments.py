"""Which HDF5 file a split is read from: minival's images are val's, if they are."""

from information_retrieval.models.arguments import DataArguments
from preprocess.captions.split_file import Split, write_split
from tests.conftest import make_split


def test_minival_is_read_from_vals_files_where_its_images_are_vals(tmp_path):
    val = make_split(5, "val")
    write_split(tmp_path / "val.json", val)
    write_split(tmp_path / "minival.json", Split("tiny", "minival", "x", val.images[:2]))
    data = DataArguments(tmp_path)
    assert data.images_file("minival") == tmp_path / "val_images.h5"
    assert data.features_file("val") == tmp_path / "val_features.h5"
    (tmp_path / "minival_images.h5").touch()
    assert data.images_file("minival") == tmp_path / "minival_images.h5"


def test_other_images_of_the_same_ids_are_not_vals(tmp_path):
    write_split(tmp_path / "val.json", make_split(5, "val"))
    write_split(tmp_path / "minival.json", make_split(2, "minival"))  # other files, equal ids
    assert DataArguments(tmp_path).images_file("minival") == tmp_path / "minival_images.h5"
