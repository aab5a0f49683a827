"""The rankings file, ours and the original's, and whose split it belongs to."""

import json
from dataclasses import replace

import numpy as np
import pytest

from information_retrieval.ranking.rankings import rank_scores, read_rankings, write_rankings
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Caption, Split
from tests.conftest import make_split


@pytest.fixture
def split() -> Split:
    return make_split(12, "test")


@pytest.fixture
def scores(split) -> np.ndarray:
    shape = (len(split.images), len(split.captions))
    return np.random.default_rng(0).normal(size=shape).astype(np.float32).round(1)


def save(path, split, scores, **metadata) -> None:
    metadata = {"split_sha256": split.sha256, **metadata}
    write_rankings(path, rank_scores(scores, split, metadata))


def test_rankings_come_back_as_they_were_written(tmp_path, split, scores):
    save(tmp_path / "r.npz", split, scores, model="m")
    rankings = read_rankings(tmp_path / "r.npz", split)
    expected = rank_scores(scores, split, {})
    np.testing.assert_array_equal(rankings.scores, scores)
    np.testing.assert_array_equal(rankings.caption_ids, split.caption_ids)
    np.testing.assert_array_equal(rankings.image_ids, split.image_ids)
    for direction in ("i2t", "t2i"):
        for count in ("higher", "tied", "truths"):
            found = getattr(getattr(rankings.ranks, direction), count)
            np.testing.assert_array_equal(found, getattr(getattr(expected.ranks, direction), count))
    assert rankings.metadata["model"] == "m"


def test_the_file_has_the_originals_keys_with_images_as_rows(tmp_path, split, scores):
    save(tmp_path / "r.npz", split, scores)
    with np.load(tmp_path / "r.npz") as archive:
        assert archive["logits"].shape == archive["labels"].shape == scores.shape
        assert archive["labels"].sum(axis=0).tolist() == [1] * len(split.captions)
        assert len(archive["i2t_ranks"]) == 12
        assert len(archive["t2i_ranks"]) == len(split.captions)
        assert json.loads(str(archive["metadata"]))["split_sha256"] == split.sha256


def test_a_file_of_before_whose_ranks_are_half_of_the_ties_is_read_by_todays_rule(
    tmp_path, split, scores
):
    now = rank_scores(np.zeros_like(scores), split, {"split_sha256": split.sha256}).ranks.i2t
    save(tmp_path / "r.npz", split, np.zeros_like(scores))
    with np.load(tmp_path / "r.npz") as archive:
        arrays = {key: archive[key] for key in archive.files if not key.endswith("_truths")}
    metadata = json.loads(str(arrays["metadata"]))
    assert metadata.pop("version") == 2
    arrays["metadata"] = np.array(json.dumps(metadata))
    arrays["i2t_ranks"] = now.higher + now.tied / 2
    assert (arrays["i2t_ranks"] != now.ranks()).any()
    np.savez(tmp_path / "old.npz", **arrays)
    np.testing.assert_array_equal(
        read_rankings(tmp_path / "old.npz", split).ranks.i2t.ranks(), now.ranks()
    )


def test_a_file_of_a_later_version_is_refused(tmp_path, split, scores):
    save(tmp_path / "r.npz", split, scores)
    with np.load(tmp_path / "r.npz") as archive:
        arrays = dict(archive)
    metadata = {**json.loads(str(arrays["metadata"])), "version": 3}
    np.savez(tmp_path / "new.npz", **{**arrays, "metadata": np.array(json.dumps(metadata))})
    with pytest.raises(InputError, match="of version 2 or older, found 3; read it with the newer"):
        read_rankings(tmp_path / "new.npz", split)


@pytest.mark.parametrize("layout", ["images", "captions", "flat images", "flat captions"])
def test_the_originals_file_is_read_whichever_axis_is_the_images(tmp_path, split, scores, layout):
    labels = split.caption_image_index == np.arange(12)[:, None]
    logits = scores.astype(np.float16)
    if "captions" in layout:
        labels, logits = labels.T, logits.T
    if "flat" in layout:
        labels, logits = labels.reshape(-1), logits.reshape(-1)
    np.savez(
        tmp_path / "o.npz",
        i2t_ranks=np.zeros(12),
        t2i_ranks=np.zeros(len(split.captions)),
        labels=labels.astype(np.int64),
        logits=logits,
    )
    rankings = read_rankings(tmp_path / "o.npz", split)
    np.testing.assert_array_equal(rankings.scores, scores.astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(rankings.caption_ids, split.caption_ids)
    expected = rank_scores(rankings.scores, split, {}).ranks
    np.testing.assert_array_equal(rankings.ranks.i2t.ranks(), expected.i2t.ranks())


@pytest.mark.parametrize(
    ("labels_like", "logits_like"),
    [("captions", "images"), ("images", "captions"), ("flat", "images"), ("images", "flat")],
)
def test_labels_and_logits_in_two_layouts_are_refused(
    tmp_path, split, scores, labels_like, logits_like
):
    def lay(array, like):
        return {"images": array, "captions": array.T, "flat": array.reshape(-1)}[like]

    labels = split.caption_image_index == np.arange(12)[:, None]
    np.savez(
        tmp_path / "o.npz",
        i2t_ranks=np.zeros(12),
        t2i_ranks=np.zeros(len(split.captions)),
        labels=lay(labels, labels_like),
        logits=lay(scores, logits_like),
    )
    with pytest.raises(InputError, match="labels and logits in one layout"):
        read_rankings(tmp_path / "o.npz", split)


def test_the_originals_file_for_another_split_is_refused(tmp_path, split, scores):
    other = make_split(12, "other", seed=5)
    labels = split.caption_image_index == np.arange(12)[:, None]
    ranks = {"i2t_ranks": np.zeros(12), "t2i_ranks": np.zeros(len(split.captions))}
    np.savez(tmp_path / "o.npz", labels=labels, logits=scores, **ranks)
    with pytest.raises(InputError, match="another split"):
        read_rankings(tmp_path / "o.npz", other)
    np.savez(tmp_path / "o.npz", labels=np.roll(labels, 1, 0), logits=scores, **ranks)
    with pytest.raises(InputError, match="the labels do not pair captions"):
        read_rankings(tmp_path / "o.npz", split)


def test_rankings_of_the_first_images_belong_to_the_whole_split(tmp_path, split, scores):
    gallery = split.first(5, captions_per_image=2)
    part = scores[:5, : len(gallery.captions)]
    rankings = rank_scores(part, gallery, {"split_sha256": split.sha256})
    write_rankings(tmp_path / "r.npz", rankings)
    assert read_rankings(tmp_path / "r.npz", split).image_ids.tolist() == list(range(100, 105))


def test_rankings_of_another_split_are_refused(tmp_path, split, scores):
    save(tmp_path / "r.npz", split, scores)
    with pytest.raises(InputError, match="belong to another split"):
        read_rankings(tmp_path / "r.npz", make_split(12, "test", first_id=500))
    first = split.images[0]
    edited = replace(first, captions=(Caption(first.captions[0].caption_id, "edited"),))
    with pytest.raises(InputError, match="belong to another split"):
        read_rankings(tmp_path / "r.npz", replace(split, images=(edited, *split.images[1:])))


def test_ranks_that_do_not_fit_the_scores_are_refused(tmp_path, split, scores):
    save(tmp_path / "r.npz", split, scores)
    with np.load(tmp_path / "r.npz") as archive:
        arrays = dict(archive)
    arrays["t2i_ranks"][3] += 1
    np.savez(tmp_path / "r.npz", **arrays)
    with pytest.raises(InputError, match="t2i_ranks are not those of its logits"):
        read_rankings(tmp_path / "r.npz", split)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_score_that_is_not_finite_names_the_pair(split, scores, bad):
    scores[3, 7] = bad
    line = f"image {split.image_ids[3]} and caption {split.caption_ids[7]} is {bad}"
    with pytest.raises(InputError, match=line):
        rank_scores(scores, split, {})


def test_bad_files_are_refused(tmp_path, split, scores):
    with pytest.raises(InputError, match="no such file"):
        read_rankings(tmp_path / "none.npz", split)
    (tmp_path / "text.npz").write_text("text")
    with pytest.raises(InputError, match="damaged or foreign"):
        read_rankings(tmp_path / "text.npz", split)
    np.savez(tmp_path / "keys.npz", logits=scores)
    with pytest.raises(InputError, match="lacks"):
        read_rankings(tmp_path / "keys.npz", split)
    np.savez(tmp_path / "object.npz", logits=np.array([{}], object))
    with pytest.raises(InputError, match="damaged or foreign"):
        read_rankings(tmp_path / "object.npz", split)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("metadata", np.array("[1]")),
        ("metadata", np.array("{")),
        ("logits", np.array([["a"]])),
        ("image_ids", np.arange(3)),
        ("caption_ids", np.arange(3)),
        ("caption_image_index", np.array(0)),
        ("i2t_ranks", np.array(0.0)),
    ],
)
def test_a_key_with_something_else_is_refused(tmp_path, split, scores, key, value):
    save(tmp_path / "r.npz", split, scores)
    with np.load(tmp_path / "r.npz") as archive:
        arrays = dict(archive)
    np.savez(tmp_path / "r.npz", **{**arrays, key: value})
    with pytest.raises(InputError, match=r"r\.npz: "):
        read_rankings(tmp_path / "r.npz", split)


def test_an_npy_file_is_refused(tmp_path, split, scores):
    np.save(tmp_path / "r.npy", scores)
    with pytest.raises(InputError, match="damaged or foreign"):
        read_rankings(tmp_path / "r.npy", split)


@pytest.mark.parametrize("keep", np.linspace(0.02, 0.99, 12))
def test_a_truncated_file_is_refused(tmp_path, split, scores, keep):
    path = tmp_path / "r.npz"
    save(path, split, scores)
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data))])
    with pytest.raises(InputError, match="damaged or foreign"):
        read_rankings(path, split)
