"""What repairing typos does to ranks."""

import json

import numpy as np
import pytest

from error_analysis.probing import typo_repair
from error_analysis.probing.typo_repair import (
    RepairedQuery,
    find_repairs,
    read_repairs,
    repair_queries,
    repairs_to_json,
    repairs_to_text,
    summarize,
)
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Caption, CaptionedImage, Split
from tests.error_analysis.scored import make_split


def query(before: float, after: float, control: float = 0) -> RepairedQuery:
    ranks = map(float, (before, after, control))
    return RepairedQuery(1, 2, "a dgo", "a dog", "the dgo", *ranks)


def test_the_summary_is_that_counted_by_hand():
    ranks = ((20, 0, 21), (12, 11, 12), (3, 3, 10), (9.5, 10, 8), (40, 5, 9))
    queries = [query(*changed) for changed in ranks]
    summary = summarize(queries)
    assert (summary.n_queries, summary.n_hard, summary.median_before) == (5, 3, 12)
    repaired, control = summary.repaired, summary.control
    assert (repaired.n_better, repaired.n_same, repaired.n_worse) == (3, 1, 1)
    assert (repaired.median_after, repaired.median_recovered) == (5, 1)  # of 20, 1, 0, -0.5, 35
    assert (repaired.n_healed, repaired.n_broken) == (2, 1)
    assert (control.n_better, control.n_same, control.n_worse) == (2, 1, 2)
    assert (control.median_after, control.median_recovered) == (10, 0)  # of -1, 0, -7, 1.5, 31
    assert (control.n_healed, control.n_broken) == (1, 1)
    content = repairs_to_json(queries)
    assert content["summary"]["repaired"]["healed_percent"] == pytest.approx(200 / 3)
    assert content["summary"]["control"]["healed_percent"] == pytest.approx(100 / 3)
    assert content["queries"][3]["rank_before"] == 9.5
    assert content["queries"][0]["recovered"] == 20
    assert content["queries"][0]["rank_control"] == 21
    text = repairs_to_text(queries, n_shown=1)
    assert "2 of 3 hard queries are hard no longer" in text
    assert "control: 2 rank better, 1 the same, 2 worse; median rank 10" in text
    assert "rank 20 -> 0: a dgo" in text
    assert "12 -> 11" not in text


def test_without_a_hard_query_no_share_is_made_up():
    content = repairs_to_json([query(3, 1)])
    assert content["summary"]["repaired"]["healed_percent"] is None
    json.dumps(content)


def word_scores(captions, source, gallery, model) -> np.ndarray:
    """A stub model: an image scores the caption's words that are its own first caption's."""
    said = [set(image.captions[0].caption.split()) for image in gallery.images]
    return np.array([[len(set(c.split()) & s) for c in captions] for s in said], np.float32)


@pytest.fixture
def gallery(monkeypatch) -> Split:
    monkeypatch.setattr(typo_repair, "score_captions", word_scores)
    said = [("red dog", "rde dog"), ("red cat", "a red cta"), ("blue dog", "blu dgo")]
    images = [
        CaptionedImage(i, "x.jpg", tuple(Caption(10 * i + j, c) for j, c in enumerate(captions)))
        for i, captions in enumerate(said, start=1)
    ]
    return Split("tiny", "test", "made by a test", tuple(images))


def test_a_repaired_caption_is_ranked_against_the_same_images(gallery):
    repairs = {1: "red dog", 3: "a red cat", 5: "blue dog"}
    found = repair_queries(repairs, gallery, None, [slice(0, 3)])
    ranks = {q.caption_id: (q.image_id, q.rank_before, q.rank_after) for q in found}
    # "rde dog" ties images 1 and 3; "a red cta" ties 1 and 2; "blu dgo" ties all three.
    assert ranks == {11: (1, 0.5, 0), 21: (2, 0.5, 0), 31: (3, 1, 0)}
    assert found[0].caption_id == 31  # most recovered first
    assert (found[0].typed, found[0].repaired) == ("blu dgo", "blue dog")
    # The typo stays in the control, and so does the rank.
    controls = {q.caption_id: (q.control, q.rank_control) for q in found}
    assert controls == {11: ("rde dog.", 1), 21: ("the red cta", 0.5), 31: ("blu dgo.", 1)}


def test_ranks_before_may_come_from_known_scores_and_are_those_of_the_fold(gallery):
    known = np.tile(np.array([[3], [2], [1]], np.float32), 6)
    [found] = repair_queries({5: "blue dog"}, gallery, None, [slice(0, 3)], known)
    assert (found.rank_before, found.rank_after) == (2, 0)
    [found] = repair_queries({5: "blue dog"}, gallery, None, [slice(0, 1), slice(1, 3)], known)
    assert found.rank_before == 1


def test_without_a_typo_there_is_nothing_to_probe_and_it_is_told(gallery):
    found = repair_queries({}, gallery, None, [slice(0, 3)])
    assert found == []
    assert repairs_to_text(found, 10).startswith("no caption with a typo")
    assert repairs_to_json(found) == {"summary": None, "queries": []}


@pytest.mark.long
def test_the_typo_rule_gives_the_repairs():
    captions = ("two giraffes near a tree", "two giarffs near a tree")
    image = CaptionedImage(1, "x.jpg", tuple(Caption(i, c) for i, c in enumerate(captions)))
    gallery = Split("tiny", "test", "made by a test", (image,))
    training = ["two giraffes near a tree", "a giraffe and two giraffes", "giraffes by a tree"] * 9
    assert find_repairs(gallery, training) == {1: "two giraffes near a tree"}


def test_repairs_are_read_by_caption_id_and_those_that_change_nothing_are_left_out(tmp_path):
    split = make_split([1, 1, 1])
    path = tmp_path / "repairs.json"
    path.write_text(json.dumps({"5001": "mended", "5000": "caption 5000", "5002": "outside"}))
    assert read_repairs(path, split.first(2), split) == {1: "mended"}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"7": "a dog"}, "has caption 7, which is not in split 'test'"),
        ({"5001": " "}, "caption 5001: expected its repaired text, found ' '"),
        ({"5001": {"kind": "typo"}}, "expected its repaired text"),
        (["a dog"], "expected an object, found a list"),
    ],
)
def test_repairs_of_another_form_or_split_are_refused(tmp_path, content, line):
    split = make_split([1, 1])
    path = tmp_path / "repairs.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=line):
        read_repairs(path, split, split)
