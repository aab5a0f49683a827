from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from error_analysis.queries.model_rankings import gallery_of, read_model_rankings
from information_retrieval.ranking.protocols import protocol_metrics
from information_retrieval.ranking.rankings import rank_scores
from preprocess.base.errors import InputError
from tests.error_analysis.scored import make_split, save_rankings

SPLIT = make_split([2, 3, 1])
SCORES = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)


def save(folder: Path, *names: str, **metadata) -> list[Path]:
    return [save_rankings(folder / n / "test.npz", SCORES, SPLIT, **metadata) for n in names]


def test_a_model_is_named_by_the_folder_of_its_rankings(tmp_path):
    models = read_model_rankings(save(tmp_path, "lxmert", "clip"), SPLIT)
    assert [model.name for model in models] == ["lxmert", "clip"]


def test_a_name_in_the_metadata_goes_before_the_folder(tmp_path):
    [model] = read_model_rankings(save(tmp_path, "run_17", name="CLIP, negatives"), SPLIT)
    assert model.name == "CLIP, negatives"


def test_given_names_go_before_all_others(tmp_path):
    models = read_model_rankings(save(tmp_path, "a", "b"), SPLIT, ["x", "y"])
    assert [model.name for model in models] == ["x", "y"]


@pytest.mark.parametrize("names", [["x"], ["x", "x"], ["x", " "], ["x", "query"]])
def test_names_that_are_not_one_each_and_unique_are_refused(tmp_path, names):
    with pytest.raises(InputError, match="--names: expected"):
        read_model_rankings(save(tmp_path, "a", "b"), SPLIT, names, reserved_names=("query",))


def test_two_files_of_one_folder_need_names(tmp_path):
    paths = [save_rankings(tmp_path / f"{n}.npz", SCORES, SPLIT) for n in "ab"]
    with pytest.raises(InputError, match="unique name"):
        read_model_rankings(paths, SPLIT)


def test_the_gallery_is_what_was_scored_of_the_split():
    part = SPLIT.first(2, captions_per_image=1)
    rankings = rank_scores(SCORES[:2, :2], part, {"split_sha256": SPLIT.sha256})
    assert gallery_of(rankings, SPLIT) == part


def test_captions_out_of_the_order_of_the_split_are_refused():
    rankings = rank_scores(SCORES, SPLIT, {"path": "x.npz"})
    swapped = replace(rankings, caption_ids=rankings.caption_ids[[1, 0, 2, 3, 4, 5]])
    with pytest.raises(InputError, match=r"x\.npz: .* order"):
        gallery_of(swapped, SPLIT)


def test_rankings_of_different_galleries_are_refused_and_both_files_named(tmp_path):
    [whole] = save(tmp_path, "whole")
    first = rank_scores(SCORES[:2, :5], SPLIT.first(2), {})
    part = save_rankings(
        tmp_path / "part.npz", first.scores, SPLIT.first(2), split_sha256=SPLIT.sha256
    )
    with pytest.raises(InputError, match=r"part\.npz: .*whole.*3 images.*2 images, 5 captions"):
        read_model_rankings([whole, part], SPLIT)


def test_rankings_of_another_split_are_refused(tmp_path):
    with pytest.raises(InputError, match="another split"):
        read_model_rankings(save(tmp_path, "clip"), make_split([2, 3, 1], "other {}"))


def test_metrics_are_those_of_the_protocol(tmp_path):
    [model] = read_model_rankings(save(tmp_path, "clip"), SPLIT)
    assert model.metrics() == protocol_metrics(SCORES, SPLIT.caption_image_index, "full")


def test_the_originals_file_without_ids_is_read(tmp_path):
    labels = SPLIT.caption_image_index == np.arange(3)[:, None]
    ranks = {"i2t_ranks": np.zeros(3), "t2i_ranks": np.zeros(6)}
    np.savez(tmp_path / "old.npz", labels=labels, logits=SCORES, **ranks)
    [model] = read_model_rankings([tmp_path / "old.npz"], SPLIT, ["old"])
    assert model.description()["protocol"] == "full"
    assert model.description()["model"] is None
