"""The scores of listed pairs, against those of all pairs; and the bars of what takes long."""

import numpy as np
import pytest

from information_retrieval.models.lxmert.encoded_gallery import encode_gallery
from information_retrieval.models.lxmert.listed_pairs import score_listed_pairs
from information_retrieval.models.lxmert.region_features import region_batches
from information_retrieval.scoring.all_pairs import score_all
from preprocess.base.errors import InputError
from preprocess.storage.features_file import FeaturesFile
from tests.conftest import make_lxmert, make_split, write_features

SPLIT = make_split(25, "test")
PROGRESS = ("encoding images", "encoding captions", "scoring")


@pytest.fixture
def case(tmp_path):
    """A model, the token ids of captions of three lengths, features and image ids."""
    write_features(tmp_path / "test_features.h5", SPLIT)
    generator = np.random.default_rng(0)
    lengths = generator.integers(4, 7, len(SPLIT.captions))
    token_ids = [generator.integers(5, 40, length).tolist() for length in lengths]
    return make_lxmert(), token_ids, FeaturesFile(tmp_path / "test_features.h5"), SPLIT.image_ids


def some_pairs(n_pairs: int) -> list[np.ndarray]:
    generator = np.random.default_rng(1)
    return [generator.integers(0, size, n_pairs) for size in (25, len(SPLIT.captions))]


@pytest.mark.parametrize("options", [{"block_pairs": 1}, {"batch_size": 2, "block_pairs": 7}])
def test_listed_pairs_are_scored_alike_in_any_blocks_and_order(case, options):
    gallery = encode_gallery(*case)
    sizes = gallery.n_images, gallery.n_captions
    expected = score_all(gallery, gallery.column_blocks, *sizes, show_progress=False)
    rows, columns = some_pairs(60)
    scores = score_listed_pairs(*case, rows, columns, show_progress=False, **options)
    np.testing.assert_allclose(scores, expected[rows, columns], atol=1e-5)


def test_progress_is_shown_of_each_part_when_it_is_asked_for(case, capsys):
    score_listed_pairs(*case, *some_pairs(3), batch_size=10)
    shown = capsys.readouterr().err
    assert all(f"{part}: 100%" in shown for part in PROGRESS)
    assert "3/3" in shown  # batches of images
    assert f"{len(SPLIT.captions)}/{len(SPLIT.captions)}" in shown
    encode_gallery(*case, show_progress=True)
    shown = capsys.readouterr().err
    assert all(f"{part}: 100%" in shown for part in PROGRESS[:2])
    encode_gallery(*case)
    score_listed_pairs(*case, *some_pairs(3), show_progress=False)
    assert capsys.readouterr().err == ""


def test_the_regions_of_images_come_in_their_order_and_in_batches(case):
    *_, features, image_ids = case
    image_ids = image_ids[::-1]
    batches = list(region_batches(features, image_ids, batch_size=10))
    assert [len(visual_feats) for visual_feats, _ in batches] == [10, 10, 5]
    for part in (0, 1):
        found = np.concatenate([batch[part].numpy() for batch in batches])
        np.testing.assert_array_equal(found, [features.read_regions(i)[part] for i in image_ids])


def test_an_image_without_features_is_refused_before_anything_is_scored(case):
    model, token_ids, features, _ = case
    with pytest.raises(InputError, match="image 7 is not in the file"):
        score_listed_pairs(model, token_ids, features, np.array([7]), *some_pairs(3))
