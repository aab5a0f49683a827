"""What rankings tell: whether captions alone can rank the same gallery, and which can be probed."""

import json

import pytest

from error_analysis.chaining.told import check_probed, predicts_boxes, read_told
from preprocess.base.errors import InputError
from preprocess.captions.split_file import write_split
from tests.error_analysis.scored import make_split, save_rankings
from tests.error_analysis.small_folds import FOLD, folds_scores, folds_split


def told_of(folder, split, n_images: int, **metadata):
    """Read the rankings of the first images of a split of 60."""
    gallery = split.first(n_images)
    scores = folds_scores()[:n_images, split.caption_image_index[: len(gallery.captions)]]
    write_split(folder / "test.json", split)
    told = {"split_sha256": split.sha256, **metadata}
    path = save_rankings(folder / "mine" / "test.npz", scores, gallery, **told)
    return read_told([path], None, folder / "test.json")


@pytest.mark.parametrize(
    ("protocol", "n_images"), [("full", 5 * FOLD), ("1k", FOLD), ("5fold", 5 * FOLD)]
)
def test_the_oracle_has_the_protocol_of_the_rankings(protocol, n_images, tmp_path, small_folds):
    told = told_of(tmp_path, folds_split(2), n_images, protocol=protocol)
    assert told.oracle == protocol
    assert told.names == ("mine",)
    assert len(told.image_ids) == n_images


def test_rankings_of_the_first_images_that_name_no_protocol_have_one(tmp_path, small_folds):
    assert told_of(tmp_path, folds_split(2), FOLD, protocol="full").oracle == "1k"


def test_a_gallery_of_no_protocol_has_no_oracle(tmp_path, small_folds):
    assert told_of(tmp_path, folds_split(2), FOLD - 1).oracle is None


@pytest.mark.parametrize(("n_alone", "oracle"), [(29, "full"), (30, "full"), (31, None)])
def test_there_is_no_oracle_where_most_images_have_one_caption(n_alone, oracle, tmp_path):
    split = make_split([1] * n_alone + [2] * (60 - n_alone))
    assert told_of(tmp_path, split, 60).oracle == oracle


PATH = {"path": "mine/test.npz"}


@pytest.mark.parametrize(
    ("metadata", "line"),
    [
        ({}, "rankings that name no checkpoint"),
        ({"model": "mine", "scores_file": "mine.npy"}, "rankings that name no checkpoint"),
        ({"model": "runs/far/away"}, "made by runs/far/away, which is no folder here"),
        ({"model": "openai/clip"}, "test_images.h5, and there is no such file"),
        ({"model": "unc/lxmert", "features_sha256": "0"}, "test_features.h5, and there is no"),
    ],
)
def test_what_cannot_be_probed_is_told(metadata, line, tmp_path):
    with pytest.raises(InputError, match=f"--probe_models clip: mine/test.npz: .*{line}"):
        check_probed("clip", {**PATH, **metadata}, tmp_path / "test.json")


def test_the_split_of_a_probe_has_a_name_that_it_finds(tmp_path):
    with pytest.raises(InputError, match=r"expected a split file \*.json"):
        check_probed("clip", {**PATH, "model": "openai/clip"}, tmp_path / "test.txt")


def test_a_checkpoint_of_the_hub_or_in_a_folder_can_be_probed(tmp_path):
    (tmp_path / "test_images.h5").touch()
    for model in ("openai/clip-vit-base-patch32", str(tmp_path)):
        check_probed("clip", {**PATH, "model": model}, tmp_path / "test.json")


@pytest.mark.parametrize(
    ("config", "does"),
    [
        ({"model_type": "xvlm", "has_box_head": True}, True),
        ({"model_type": "xvlm", "has_box_head": False}, False),
        ({"model_type": "clip"}, False),
        (None, False),
    ],
)
def test_only_an_xvlm_that_has_its_box_head_predicts_boxes(config, does, tmp_path):
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config))
    assert predicts_boxes({"model": str(tmp_path)}) == does
