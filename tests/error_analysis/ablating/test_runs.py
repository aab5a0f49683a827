"""Each rankings file finds its split, and of each is kept what the comparison needs."""

from dataclasses import replace

import numpy as np
import pytest

from error_analysis.ablating.runs import assign_splits, read_galleries
from information_retrieval.ranking.rankings import rank_scores, write_rankings
from preprocess.base.errors import InputError, InputWarning
from preprocess.captions.split_file import write_split
from tests.error_analysis.ablating.small_arms import (
    ARMS,
    GOOD,
    POOR,
    QUICK,
    gallery_of_arms,
    save_arms,
    splits_of,
)
from tests.error_analysis.scored import make_split, scores_with_ranks
from tests.error_analysis.small_folds import N_IMAGES, folds_split, save_folds


def test_files_of_two_galleries_are_told_apart_in_any_order(tmp_path):
    paths, names = save_arms(tmp_path, ARMS, "test")
    others, other_names = save_arms(tmp_path, ARMS, "other")
    mixed = [path for two in zip(others, paths, strict=True) for path in two]
    arms = [name for two in zip(other_names, names, strict=True) for name in two]
    found = assign_splits(mixed, arms, splits_of(tmp_path, "test", "other"))
    assert list(found) == mixed
    assert {path.stem for path in found} == {"test", "other"}
    assert all(path.stem == file.stem for path, file in found.items())


def test_a_file_that_does_not_tell_its_split_is_tried_with_each(tmp_path):
    paths, names = save_arms(tmp_path, {"good": GOOD[:1]}, "test")
    split = make_split([1] * 5)
    moved = replace(split, images=tuple(replace(i, image_id=9 + i.image_id) for i in split.images))
    write_split(tmp_path / "moved.json", moved)
    old = tmp_path / "old.npz"
    write_rankings(old, rank_scores(scores_with_ranks([0] * 5), moved, {"model": "tiny"}))
    found = assign_splits([*paths, old], [*names, "good"], splits_of(tmp_path, "test", "moved"))
    assert [file.stem for file in found.values()] == ["test", "moved"]


def test_a_file_that_fits_two_splits_and_does_not_tell_is_refused(tmp_path):
    paths, names = save_arms(tmp_path, {"good": GOOD[:1]}, "test")
    split = make_split([1] * 5)
    write_split(tmp_path / "small.json", split)
    old = tmp_path / "old.npz"
    # Its five images are also the first ones of the other split.
    write_rankings(old, rank_scores(scores_with_ranks([0] * 5), split, {"model": "tiny"}))
    with pytest.raises(
        InputError, match=r"old\.npz: fits .*test\.json, .*small\.json, and does not"
    ):
        assign_splits([*paths, old], [*names, "good"], splits_of(tmp_path, "test", "small"))


def test_a_file_of_no_gallery_is_named(tmp_path):
    paths, names = save_arms(tmp_path)
    write_split(tmp_path / "mine.json", make_split([2, 2]))
    write_split(tmp_path / "other.json", make_split([3, 2]))
    with pytest.raises(
        InputError, match=r"good_0/test\.npz: expected rankings of .*mine\.json, .*"
    ):
        assign_splits(paths, names, splits_of(tmp_path, "mine", "other"))
    missing = tmp_path / "none.npz"
    with pytest.raises(InputError, match=r"none\.npz: no such file; make it"):
        assign_splits([missing], ["good"], splits_of(tmp_path, "test", "other"))


def test_arms_of_unequal_numbers_of_seeds_are_one_line_with_the_numbers(tmp_path):
    paths, names = save_arms(tmp_path, {"good": GOOD, "poor": POOR[:1]})
    with pytest.raises(InputError, match=r"test\.json: expected .* found 2 of good, 1 of poor"):
        assign_splits(paths, names, splits_of(tmp_path, "test"))


def test_every_arm_must_have_each_gallery(tmp_path):
    paths, names = save_arms(tmp_path)
    others, other_names = save_arms(tmp_path, {"good": GOOD}, "other")
    splits = splits_of(tmp_path, "test", "other")
    with pytest.raises(InputError, match=r"other\.json: expected .* found 2 of good, 0 of poor"):
        assign_splits([*paths, *others], [*names, *other_names], splits)
    with pytest.raises(InputError, match=r"other\.json: expected .* found 0 of good, 0 of poor"):
        assign_splits(paths, names, splits)


def test_what_is_found_is_added_up_by_image_and_seeds_stay_in_order(tmp_path):
    gallery = gallery_of_arms(tmp_path)
    assert (gallery.n_images, gallery.n_captions, gallery.n_seeds) == (12, 12, 2)
    assert gallery.name == "tiny test"
    assert [run.model for run in gallery.runs["poor"]] == ["runs/poor_0", "runs/poor_1"]
    found = gallery.runs["good"][0].found
    assert found["i2t_r1"].tolist() == [1] * 9 + [0] * 3
    assert found["i2t_r5"].tolist() == [1] * 12


def test_two_captions_of_an_image_that_are_found_count_two(tmp_path):
    split = make_split([2, 1])
    write_split(tmp_path / "test.json", split)
    scores = np.array([[2, 2, 0], [1, 1, 1]], np.float32)
    path = tmp_path / "a.npz"
    write_rankings(path, rank_scores(scores, split, {"split_sha256": split.sha256}))
    splits = splits_of(tmp_path, "test")
    [gallery] = read_galleries({path: tmp_path / "test.json"}, ["a"], splits, None, QUICK)
    assert gallery.runs["a"][0].found["t2i_r1"].tolist() == [2, 1]


def test_rankings_of_other_captions_of_one_split_are_refused(tmp_path):
    split = make_split([2] * 6)
    write_split(tmp_path / "test.json", split)
    paths = []
    for n in (2, 1):
        part, path = split.first(6, n), tmp_path / f"{n}.npz"
        scores = np.ones((6, 6 * n), np.float32)
        write_rankings(path, rank_scores(scores, part, {"split_sha256": split.sha256}))
        paths.append(path)
    splits = splits_of(tmp_path, "test")
    files = assign_splits(paths, ["a", "b"], splits)
    with pytest.raises(InputError, match=r"1\.npz: expected the gallery of .*2\.npz"):
        read_galleries(files, ["a", "b"], splits, None, QUICK)


def test_two_files_with_the_same_ranks_are_warned_of(tmp_path):
    with pytest.warns(InputWarning, match=r"good_1/test\.npz: every rank is that of .*good_0"):
        gallery_of_arms(tmp_path, {"good": (GOOD[0], GOOD[0])})


def test_galleries_of_one_name_are_told_apart_by_their_files(tmp_path):
    paths, names = save_arms(tmp_path, ARMS, "test")
    others, other_names = save_arms(tmp_path, ARMS, "other")
    splits = splits_of(tmp_path, "test", "other")
    files = assign_splits([*paths, *others], [*names, *other_names], splits)
    found = read_galleries(files, [*names, *other_names], splits, None, QUICK, ("poor",))
    assert [gallery.name for gallery in found] == [
        f"tiny test of {tmp_path / name}.json" for name in ("test", "other")
    ]
    assert list(found[0].runs) == ["poor", "good"]  # as asked for


@pytest.mark.usefixtures("small_folds")
def test_of_files_of_five_folds_the_whole_gallery_is_taken_and_a_part_if_asked_for(tmp_path):
    paths = save_folds(tmp_path, "one", "two")
    splits = {tmp_path / "test.json": folds_split(2)}
    files = assign_splits(paths, ["a", "b"], splits)
    [whole] = read_galleries(files, ["a", "b"], splits, None, QUICK)
    assert (whole.protocol, whole.n_images) == ("5k", N_IMAGES)
    [part] = read_galleries(files, ["a", "b"], splits, "1k", QUICK)
    assert (part.protocol, part.n_images, part.n_captions) == ("1k", 12, 24)
