"""Which rules speak for the hard and for the easy queries of a model."""

import pytest

from error_analysis.explaining.explanations import (
    ReasonCount,
)
from error_analysis.explaining.query_reasons import (
    Evidence,
    collect_evidence,
    count_reasons,
    explain_model,
    n_explained,
)
from error_analysis.reasons.images.objects import ImageObject, Objects
from error_analysis.reasons.images.people import read_people
from error_analysis.reasons.images.plausible import NAME as PLAUSIBLE
from error_analysis.relevance.extended_relevance import ExtendedRelevance
from preprocess.captions.split_file import Caption, CaptionedImage, Split
from preprocess.storage.images_file import ImagesFile
from tests.error_analysis.explained import (
    RANKS,
    TYPO,
    VAGUE,
    caption_model,
    objects_of,
    write_keypoints,
)
from tests.error_analysis.scored import (
    make_model,
    make_split,
    save_images,
    scores_with_ranks,
)


def test_hard_queries_are_told_worst_first_with_their_reasons():
    of_caption = [()] * 30
    of_caption[3], of_caption[1], of_caption[0] = (TYPO, VAGUE), (VAGUE,), (TYPO,)
    found = explain_model(caption_model(), Evidence(tuple(of_caption), {}, None, None))
    captions = found.directions["t2i"]
    told = [(query.caption_id, query.rank, query.reasons) for query in captions.hard]
    assert told == [(5003, 25, (TYPO, VAGUE)), (5001, 12, (VAGUE,)), (5004, 12, ()), (5002, 10, ())]
    assert (captions.n_queries, captions.n_easy, n_explained(captions)) == (30, 26, 2)
    counts = [(count.name, count.hard, count.easy) for count in captions.counts]
    assert counts == [("underspecified", 2, 0), ("typo", 1, 1)]


def test_odds_are_compared_with_an_interval_by_image():
    hard = [(TYPO,), (TYPO, TYPO), *[()] * 10]
    easy = [(TYPO,), (VAGUE,), *[()] * 18]
    typo, vague = count_reasons(hard, easy, range(32))
    assert (typo.hard, typo.easy) == (2, 1)  # a query counts once
    assert typo.odds_ratio == pytest.approx((2 / 10) / (1 / 19))
    assert typo.odds_low < typo.odds_ratio < typo.odds_high
    assert typo.told.startswith("3.8 [0.")
    # The same twenty images, each with two queries that go together, tell less than forty.
    wide, narrow = (
        count_reasons([(TYPO,)] * 10 + [()] * 10, [(TYPO,)] * 4 + [()] * 16, images)[0]
        for images in ([i // 2 for i in range(40)], range(40))
    )
    assert wide.odds_high > narrow.odds_high
    assert vague.told == "no hard one"


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ((2, 1, 9, 10), "too few queries"),
        ((1, 0, 10, 1), "too few queries"),
        ((2, 0, 14, 10), "no easy one"),
        ((14, 10, 14, 10), "all"),
    ],
)
def test_why_there_is_no_odds_ratio_is_told_in_words(counts, told):
    assert ReasonCount("typo", *counts).told == told


def two_animals() -> Split:
    """Image 1 shows a cat, 2 to 13 a dog; each has one caption."""
    captions = ["a cat on a mat"] + ["a dog on a mat"] * 12
    return Split("tiny", "test", "made by a test", tuple(
        CaptionedImage(i, f"{i}.jpg", (Caption(100 + i, text),))
        for i, text in enumerate(captions, 1)
    ))  # fmt: skip


def test_confused_objects_and_lost_regions_are_found(tmp_path):
    split = two_animals()
    model = make_model(scores_with_ranks([12] + [0] * 12), split)
    captions = make_model(scores_with_ranks([12] + [0] * 12).T, split)
    objects = objects_of(tmp_path, {1: ["cat"], **{i: ["dog"] for i in range(2, 14)}})
    detected = objects_of(tmp_path, {1: ["dog"], **{i: ["dog"] for i in range(2, 14)}})
    evidence = Evidence(((),) * 13, {}, objects, detected)
    images = explain_model(model, evidence).directions["i2t"]
    assert images.confusions == (("cat", "dog", 1),)
    assert [(query.image_id, query.confusions) for query in images.hard] == [(1, (("cat", "dog"),))]
    assert "salient object confusion" in [r.name for r in images.hard[0].reasons]
    missed = explain_model(captions, evidence).directions["t2i"]
    assert missed.regions == {"region absent": 1, "matched badly": 0, "nothing to look for": 0}
    assert missed.hard[0].regions == "region absent: no region of cat"
    assert missed.hard[0].regions_verdict == "region absent"
    assert missed.hard[0].confusions == ()
    assert [r.name for r in missed.hard[0].reasons] == ["region absent"]
    sees_no_regions = explain_model(captions, evidence, reads_regions=False).directions["t2i"]
    assert sees_no_regions.regions is None
    assert sees_no_regions.hard[0].reasons == ()
    assert sees_no_regions.hard[0].regions_verdict is None


def said_of(*own: str) -> Split:
    """One image a caption, 1, 2, ..., with the captions 101, 102, ..."""
    return Split("tiny", "test", "made by a test", tuple(
        CaptionedImage(i, f"{i}.jpg", (Caption(100 + i, text),)) for i, text in enumerate(own, 1)
    ))  # fmt: skip


# The images before their own are retrieved for the captions 101 and 102, both of image 2's words.
LIKE = said_of("two dogs on a beach", "two dogs run on a beach", *["a cat indoors"] * 13)


def reasons_of(split: Split, direction: str, labels=()) -> dict[int, list[str]]:
    scores = scores_with_ranks([12] + [0] * 14)
    model = make_model(scores.T if direction == "t2i" else scores, split)
    evidence = collect_evidence(split, [], labels=labels)
    hard = explain_model(model, evidence).directions[direction].hard
    return {q.query_id: [r.evidence for r in q.reasons if r.name == PLAUSIBLE] for q in hard}


def test_a_plausible_image_of_a_caption_query_is_told_by_its_captions():
    told = "place 0: image 2, two dogs run on a beach (by captions)"
    assert reasons_of(LIKE, "t2i") == {101: [told]}
    assert reasons_of(LIKE, "i2t") == {1: ["place 0: two dogs run on a beach (by captions)"]}


@pytest.mark.parametrize("direction", ["i2t", "t2i"])
def test_where_a_query_is_labelled_the_labels_decide(direction):
    def labels(suits: dict[int, set[int]]) -> ExtendedRelevance:
        captions = {i: frozenset(found) for i, found in suits.items()}
        of_captions = {101: frozenset(i for i, found in suits.items() if 101 in found)}
        return ExtendedRelevance("ECCV Caption", "x.json", captions, of_captions)

    query = 1 if direction == "i2t" else 101
    own_only = labels({1: {101}})
    assert reasons_of(LIKE, direction, [own_only]) == {query: []}
    further = labels({1: {101, 103, 104}, 3: {101}, 4: {101}})
    shown = "image 3, a cat indoors" if direction == "t2i" else "a cat indoors"
    told = f"place 1: {shown} (by ECCV Caption, and 1 more)"
    assert reasons_of(LIKE, direction, [further]) == {query: [told]}


def test_low_quality_is_told_of_image_queries(tmp_path):
    split = make_split([1] * 30)
    images = ImagesFile(save_images(tmp_path / "images.h5", split))  # flat: no contrast
    evidence = collect_evidence(split, [], images)
    model = make_model(scores_with_ranks(RANKS), split)
    found = explain_model(model, evidence).directions["i2t"]
    assert all("low quality" in [r.name for r in query.reasons] for query in found.hard)
    silent = explain_model(model, collect_evidence(split, [])).directions["i2t"]
    assert not any("low quality" in [r.name for r in query.reasons] for query in silent.hard)


def test_poses_and_small_objects_are_told_of_image_queries_beside_low_quality(tmp_path):
    split = make_split([1] * 30)
    ids = split.image_ids.tolist()
    images = ImagesFile(save_images(tmp_path / "images.h5", split))
    people = read_people([write_keypoints(tmp_path / "poses.json", ids, hidden=103)], ids)
    shares = {101: 0.01, 103: 0.001}
    by_image = {i: (ImageObject("cat", shares.get(i, 0.5)),) for i in ids}
    objects = Objects("i.json", ("cat",), {}, by_image)
    evidence = collect_evidence(split, [], images, objects, people=people)
    hard = explain_model(make_model(scores_with_ranks(RANKS), split), evidence).directions["i2t"]
    rules = "low quality", "unusual pose or view", "small main object"
    named = {q.query_id: [r.name for r in q.reasons if r.name in rules] for q in hard.hard}
    assert named == {103: [*rules], 101: [rules[0], rules[2]], 102: [rules[0]], 104: [rules[0]]}
    [told] = [r.evidence for r in hard.hard[0].reasons if r.name == rules[1]]
    assert told == "the largest person: 0 of 17 keypoints visible"
    without = collect_evidence(split, [], people=people).of_image
    assert {i: [r.name for r in reasons] for i, reasons in without.items()} == {103: [rules[1]]}
