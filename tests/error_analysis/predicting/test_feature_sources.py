"""Which files may tell of the queries."""

import pytest

from error_analysis.predicting.feature_sources import Sources, features_of
from preprocess.base.errors import InputError
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile
from tests.conftest import named, write_features
from tests.error_analysis.scored import make_split, save_images


@pytest.mark.parametrize("kind", ["images", "features"])
def test_files_of_another_split_by_the_same_ids_are_refused(tmp_path, kind):
    gallery, other = (named(make_split([1] * 3), name) for name in ("test", "train"))
    if kind == "images":
        file = ImagesFile(save_images(tmp_path / "f.h5", other))
    else:
        write_features(tmp_path / "f.h5", other)
        file = FeaturesFile(tmp_path / "f.h5")
    with pytest.raises(InputError, match="image 1 is 'train_0', in the split 'test_0'"):
        features_of(gallery, Sources(rules=False, **{kind: file}))
