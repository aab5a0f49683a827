"""Scores of captions that stand in no split, and the rank lists made of them."""

import numpy as np
import pytest
import torch

from error_analysis.probing.probed_captions import (
    ScoringModel,
    check_caption,
    image_rank,
    rank_in_fold,
    row_of_image,
    rows_with_caption,
    score_captions,
)
from error_analysis.probing.rank_lists import rank_list, rank_list_to_json, side_by_side
from information_retrieval.models.loading import EncoderOptions, GalleryFiles, load_gallery
from information_retrieval.scoring.all_pairs import score_all
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Caption, CaptionedImage, Split, read_split
from tests.conftest import save_clip, save_lxmert, write_images_of
from tests.error_analysis.scored import make_split
from tests.image_readers import MAKERS, save_image_reader


@pytest.fixture(params=["lxmert", "clip", "siglip", "vilt", "blip", "sx3hre"])
def model(request, data_dir, tmp_path) -> ScoringModel:
    write_images_of(data_dir, "test")
    folder = tmp_path / request.param
    if request.param in MAKERS:
        checkpoint = save_image_reader(folder, request.param)
    else:
        checkpoint = {"lxmert": save_lxmert, "clip": save_clip}[request.param](folder)
    files = GalleryFiles(data_dir / "test_features.h5", data_dir / "test_images.h5")
    options = EncoderOptions(torch.float32, 4, 0, show_progress=False)
    return ScoringModel(str(checkpoint), files, torch.device("cpu"), options)


def test_a_probed_caption_is_scored_as_the_split_is_by_any_model(model, data_dir):
    gallery = read_split(data_dir / "test.json")
    options = (model.files, model.device, model.options)
    loaded = load_gallery(model.name, gallery, *options)
    n_images, n_captions = len(gallery.images), len(gallery.captions)
    expected = score_all(
        loaded.encode(np.arange(n_images)), loaded.column_blocks, n_images, n_captions, False
    )
    # Of different lengths, in another order, and one twice.
    columns = [4, 0, n_captions - 1, 4]
    captions = [gallery.captions[column] for column in columns]
    scores = score_captions(captions, "a test", gallery, model)
    assert scores.shape == (n_images, 4)
    np.testing.assert_allclose(scores, expected[:, columns], atol=2e-5)


def test_a_probed_caption_that_no_split_has_is_scored_alone_as_with_others(model, data_dir):
    gallery = read_split(data_dir / "test.json")
    [alone] = score_captions(["two big cat under tree"], "a test", gallery, model).T
    both = score_captions(["a dog", "two big cat under tree"], "a test", gallery, model)
    np.testing.assert_allclose(both[:, 1], alone, atol=2e-5)
    assert not np.allclose(both[:, 0], alone, atol=1e-3)


def test_a_caption_longer_than_the_models_table_is_named_by_its_option(model, data_dir):
    gallery = read_split(data_dir / "test.json")
    with pytest.raises(InputError, match=r"--edit \(2\): caption 2 has \d+ tokens, the model has"):
        score_captions(
            ["a dog", "dog " * 200],
            "--caption (1) and --edit (2)",
            gallery,
            model.of_whole_captions(),
        )


@pytest.mark.parametrize("caption", ["", "  ", "\n"])
def test_a_caption_without_text_is_refused(caption):
    with pytest.raises(InputError, match="--caption: expected a caption"):
        check_caption("--caption", caption)
    check_caption("--caption", "!? 🐕")  # punctuation and emoji are text to the model


def test_an_images_rank_counts_half_of_the_ties():
    scores = np.array([3, 1, 2, 2, 2, 0], np.float32)
    assert [image_rank(scores, row) for row in range(6)] == [0, 4, 2, 2, 2, 5]


def test_a_rank_in_a_fold_is_among_the_images_of_that_fold_alone():
    scores = np.array([9, 8, 1, 5, 7, 6], np.float32)
    folds = [slice(0, 3), slice(3, 6)]
    assert [rank_in_fold(scores, row, folds) for row in range(6)] == [0, 1, 2, 2, 0, 1]


def test_every_image_that_has_the_caption_is_found():
    texts = ["a dog", "a cat", " a dog ", "A dog"]
    images = [CaptionedImage(i, "x.jpg", (Caption(i, text),)) for i, text in enumerate(texts)]
    gallery = Split("tiny", "test", "made by a test", tuple(images))
    assert rows_with_caption(gallery, "a dog").tolist() == [0, 2]
    assert rows_with_caption(gallery, "a bird").tolist() == []


def test_an_unknown_image_is_told():
    gallery = make_split([1, 1])
    assert row_of_image(gallery, 101) == 1
    with pytest.raises(InputError, match="--image_id 7: expected one of the 2 images scored"):
        row_of_image(gallery, 7)


def test_a_rank_list_has_the_images_best_first_and_the_rank_of_the_ground_truth():
    gallery = make_split([2, 1, 1], "about {}")
    scores = np.array([0.5, 2.25, -1], np.float32)
    ranked = rank_list("edit", "a dog", scores, gallery, [2], n_listed=2)
    assert [image.image_id for image in ranked.images] == [101, 100]
    assert [image.score for image in ranked.images] == [2.25, 0.5]
    assert [image.caption for image in ranked.images] == ["about 5002", "about 5000"]
    assert ranked.ground_truth == {102: 2.0}
    assert rank_list_to_json(ranked)["ground_truth_ranks"] == [{"image_id": 102, "rank": 2}]


def test_two_lists_stand_side_by_side_with_a_star_at_the_ground_truth():
    gallery = make_split([1, 1], "about {}")
    one = rank_list("caption", "a dgo", np.array([1, 2], np.float32), gallery, [0])
    other = rank_list("edit", "a dog", np.array([3, 2], np.float32), gallery, [0])
    first, truth, _, *rows = side_by_side([one, other], width=40).splitlines()
    assert first.split("  ")[0] == "caption: a dgo"
    assert first.endswith("edit: a dog")
    words = [" ".join(line.split()) for line in (truth, *rows)]
    assert words[0] == "ground truth 100: rank 1 ground truth 100: rank 0"
    assert words[1] == "0 101 2.000 about 5001 0 * 100 3.000 about 5000"
    assert words[2] == "1 * 100 1.000 about 5000 1 101 2.000 about 5001"


def test_a_caption_of_unknown_truth_and_a_long_one_fit_the_column():
    gallery = make_split([1, 1], "very " * 40 + "{}")
    ranked = rank_list("caption", "word " * 40, np.array([1, 2], np.float32), gallery, [])
    lines = side_by_side([ranked, ranked], width=50).splitlines()
    assert max(map(len, lines)) <= 102
    assert any("ground truth: not known" in line for line in lines)
