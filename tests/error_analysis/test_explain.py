import json
import sys
from pathlib import Path

import numpy as np
import pytest

from error_analysis.explain import main
from error_analysis.explaining.explanations import (
    Explanations,
    ReasonCount,
    explanations_of,
    explanations_to_json,
    ranks_sha256,
    read_explanations,
)
from error_analysis.explaining.query_reasons import (
    Evidence,
    collect_evidence,
    count_reasons,
    explain_model,
    n_explained,
)
from error_analysis.reasons.images.objects import ImageObject, Objects
from error_analysis.reasons.images.people import KEYPOINTS, read_people
from error_analysis.reasons.images.plausible import NAME as PLAUSIBLE
from error_analysis.reasons.reason import Reason
from error_analysis.relevance.extended_relevance import ExtendedRelevance
from preprocess.base.errors import InputError
from preprocess.base.files import write_json
from preprocess.captions.split_file import Caption, CaptionedImage, Split, write_split
from preprocess.storage.images_file import ImagesFile
from tests.conftest import assert_one_clear_line
from tests.error_analysis.labels import write_eccv
from tests.error_analysis.scored import (
    make_model,
    make_split,
    save_images,
    save_rankings,
    scores_with_ranks,
)

TYPO, VAGUE = Reason("typo", "x, for y", "y"), Reason("underspecified", "many")
RANKS = [0, 12, 10, 25, 12] + [0] * 25


def caption_model(ranks=RANKS, name="a"):
    """A model whose caption queries have these ranks."""
    return make_model(scores_with_ranks(ranks).T, make_split([1] * len(ranks)), name)


def objects_of(path, by_image) -> Objects:
    found = {i: tuple(ImageObject(c, 0.5) for c in names) for i, names in by_image.items()}
    return Objects(path, ("cat", "dog", "cow"), {}, found)


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
    assert "salient object confusion" in [r.name for r in images.hard[0].reasons]
    missed = explain_model(captions, evidence).directions["t2i"]
    assert missed.regions == {"region absent": 1, "matched badly": 0, "nothing to look for": 0}
    assert missed.hard[0].regions == "region absent: no region of cat"
    assert [r.name for r in missed.hard[0].reasons] == ["region absent"]
    sees_no_regions = explain_model(captions, evidence, reads_regions=False).directions["t2i"]
    assert sees_no_regions.regions is None
    assert sees_no_regions.hard[0].reasons == ()


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


def write_keypoints(path: Path, ids: list[int], hidden: int) -> Path:
    """One person an image, in its middle; of one the keypoints are labelled but hidden."""
    people = [
        {
            "image_id": i,
            "category_id": 1,
            "bbox": [20, 20, 50, 50],
            "area": 900,
            "keypoints": [25, 25, 1 if i == hidden else 2] * 17,
        }
        for i in ids
    ]
    content = {
        "images": [{"id": i, "width": 100, "height": 100} for i in ids],
        "categories": [{"id": 1, "keypoints": KEYPOINTS}],
        "annotations": people,
    }
    write_json(path, content)
    return path


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


def test_what_is_written_is_read(tmp_path):
    of_caption = ((TYPO, Reason("long modifier", '<b> "é" \u2028')), *[()] * 29)
    objects = objects_of(tmp_path, {100 + i: ["cat"] for i in range(30)})
    models = [caption_model([30 - i for i in range(1, 31)], name) for name in "ab"]
    evidence = Evidence(of_caption, {}, objects, objects)
    whole = Explanations(tuple(explain_model(m, evidence) for m in models), {"hard_rank": 10})
    write_json(tmp_path / "reasons.json", explanations_to_json(whole))
    assert read_explanations(tmp_path / "reasons.json") == whole


def test_reasons_are_found_by_the_ranks_whatever_the_name():
    evidence = Evidence(((),) * 30, {}, None, None)
    whole = Explanations((explain_model(caption_model(name="old"), evidence),), {})
    found = explanations_of("reasons.json", whole, [caption_model(name="new")])
    assert found["new"].name == "old"


def test_reasons_of_other_rankings_are_refused():
    evidence = Evidence(((),) * 30, {}, None, None)
    whole = Explanations((explain_model(caption_model(name="old"), evidence),), {})
    other = caption_model([3, *RANKS[1:]])
    with pytest.raises(InputError, match=r"reasons\.json: expected the reasons of .* \(old\)"):
        explanations_of("reasons.json", whole, [other])
    renumbered = make_model(scores_with_ranks(RANKS).T, make_split([1] * 30, "other {}"))
    assert ranks_sha256(renumbered) == ranks_sha256(caption_model())  # ids and ranks are the same


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"models": [{}], "metadata": {}}', '{"models": 3}']
)
def test_a_file_of_something_else_is_one_line(tmp_path, content):
    (tmp_path / "reasons.json").write_text(content)
    with pytest.raises(InputError, match="not a file of reasons"):
        read_explanations(tmp_path / "reasons.json")


@pytest.fixture
def command(tmp_path) -> list[str]:
    """Arguments of the command over 30 captions, of which four are hard."""
    split = make_split([1] * 30, "a giraffe and a zebra, number {}")
    write_split(tmp_path / "test.json", split)
    write_split(tmp_path / "train.json", split)
    rankings = save_rankings(tmp_path / "a" / "test.npz", scores_with_ranks(RANKS).T, split)
    return [*map(str, ["--rankings", rankings, "--split_file", tmp_path / "test.json",
             "--train_split_file", tmp_path / "train.json",
             "--output", tmp_path / "reasons.json"])]  # fmt: skip


def test_the_command_writes_what_the_report_reads(command, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["explain", *command])
    main()
    content = json.loads(Path(command[-1]).read_text())
    assert [len(content["models"][0][d]["hard"]) for d in ("i2t", "t2i")] == [
        content["models"][0][d]["n_hard"] for d in ("i2t", "t2i")
    ]
    assert content["metadata"]["hard_rank"] == 10
    assert "a, caption queries: 4 hard of 30" in capsys.readouterr().out


def test_no_hard_query_is_told_honestly(tmp_path, run_main, capsys):
    split = make_split([1] * 12)
    write_split(tmp_path / "test.json", split)
    rankings = save_rankings(tmp_path / "a" / "test.npz", np.eye(12, dtype=np.float32), split)
    arguments = ["--rankings", rankings, "--split_file", tmp_path / "test.json"]
    arguments += ["--train_split_file", tmp_path / "test.json", "--output", tmp_path / "r.json"]
    assert run_main(main, *arguments) == 0
    assert "0 hard of 12, 0 with a reason" in capsys.readouterr().out
    [model] = read_explanations(tmp_path / "r.json").models
    assert all(found.hard == () for found in model.directions.values())


def test_a_model_without_a_query_is_one_line(command, tmp_path, run_main):
    other = make_split([1] * 29, "a giraffe and a zebra, number {}")
    rankings = save_rankings(tmp_path / "b" / "test.npz", scores_with_ranks(RANKS[:-1]).T, other)
    status = run_main(main, "--rankings", command[1], rankings, *command[2:])
    assert_one_clear_line(status, "b/test.npz", "the rankings belong to another split")


def test_images_that_lack_one_are_one_line_before_anything_is_written(command, tmp_path, run_main):
    images = save_images(tmp_path / "images.h5", make_split([1] * 29))
    status = run_main(main, *command, "--images", images)
    assert_one_clear_line(status, "image 129 is not in the file")
    assert not (tmp_path / "reasons.json").exists()


def test_labels_of_another_split_are_one_line(command, tmp_path, run_main):
    other = write_eccv(tmp_path, {900: [9000]}, {9000: [900]})
    status = run_main(main, *command, "--labels", other)
    assert_one_clear_line(status, other, "not in split")


def test_labels_and_several_instances_are_recorded(command, tmp_path, run_main):
    eccv = write_eccv(tmp_path, {101: [5001, 5002]}, {5001: [101, 102]})
    halves = []
    for name, ids in (("train", range(100, 115)), ("val", range(115, 130))):
        content = {"categories": [{"id": 1, "name": "cat"}], "annotations": []}
        content["images"] = [{"id": i, "width": 9, "height": 9} for i in ids]
        halves.append(tmp_path / f"instances_{name}.json")
        halves[-1].write_text(json.dumps(content))
    assert run_main(main, *command, "--labels", eccv, "--instances", *halves) == 0
    inputs = read_explanations(tmp_path / "reasons.json").metadata["inputs"]
    assert inputs["labels"] == [str(eccv)]
    assert inputs["instances"] == [str(path) for path in halves]
    status = run_main(main, *command, "--instances", halves[0], halves[0])
    assert_one_clear_line(status, "has 15 images, such as 100")


def test_keypoints_are_read_and_recorded(command, tmp_path, run_main):
    halves = [
        write_keypoints(tmp_path / f"keypoints_{name}.json", list(ids), hidden=103)
        for name, ids in (("train", range(100, 115)), ("val", range(115, 130)))
    ]
    status = run_main(main, *command, "--keypoints", halves[1])
    assert_one_clear_line(status, halves[1], "found 15 of them (not image 100)")
    assert not (tmp_path / "reasons.json").exists()
    assert run_main(main, *command, "--keypoints", *halves) == 0
    inputs = read_explanations(tmp_path / "reasons.json").metadata["inputs"]
    assert inputs["keypoints"] == [str(path) for path in halves]


def test_a_model_that_is_not_there_is_one_line(command, run_main):
    status = run_main(main, *command, "--region_models", "lxmert")
    assert_one_clear_line(status, "--region_models: expected names among a, found 'lxmert'")


def test_captions_in_another_language_or_one_an_image_are_told(command, tmp_path, run_main, capsys):
    assert run_main(main, *command) == 0
    assert "each image has one caption" in capsys.readouterr().err
    split = make_split([1] * 30, "ein Mann sitzt auf einer Bank neben dem Haus {}")
    write_split(tmp_path / "deutsch.json", split)
    rankings = save_rankings(tmp_path / "d" / "test.npz", scores_with_ranks([12] + [0] * 29), split)
    options = ["--rankings", rankings, "--split_file", tmp_path / "deutsch.json"]
    assert run_main(main, *options, "--output", tmp_path / "d.json") == 0
    assert "the rules of captions do not apply" in capsys.readouterr().err
    found = read_explanations(tmp_path / "d.json").models[0].directions["t2i"]
    assert [reason.name for query in found.hard for reason in query.reasons] in ([], [PLAUSIBLE])
