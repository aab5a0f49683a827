"""The rules for image queries recover the demo's known causes."""

import json
from pathlib import Path

import numpy as np
import pytest

from demo.image_reasons import (
    Score,
    caption_query_scores,
    main,
    planted_scores,
    retrieved_scores,
    score,
    score_table,
    true_reasons,
)
from demo.render import RenderArguments, make_records
from demo.scenes.annotations import instances_json
from demo.scenes.captions import Caption
from demo.scenes.planted_retrievals import change_scene, plant_queries
from demo.scenes.scenes import Scene, Thing
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.reasons.images.objects import read_instances
from information_retrieval.ranking.rankings import rank_scores
from preprocess.captions.split_file import Caption as SplitCaption
from preprocess.captions.split_file import CaptionedImage, Split
from tests.conftest import assert_one_clear_line

# Scenes and captions of another seed than the one that the rules were written with.
SETTINGS = RenderArguments(Path("unused"), seed=41, n_train=0, n_restval=0, n_val=0, n_test=160)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Records, their split and their objects."""
    records = make_records(SETTINGS)
    images = tuple(
        CaptionedImage(
            r.image_id,
            r.file_name,
            tuple(SplitCaption(i, c.text) for i, c in zip(r.caption_ids, r.captions, strict=True)),
        )
        for r in records
    )
    split = Split("demo", "test", "made by a test", images)
    path = tmp_path_factory.mktemp("instances") / "instances.json"
    path.write_text(json.dumps(instances_json(records, 41)))
    return records, split, read_instances(path, split.image_ids)


def assert_recovered(scores: list[Score]) -> None:
    for found in scores:
        assert found.true >= 10, found
        assert found.precision >= 0.8, found
        assert found.recall >= 0.8, found


def test_planted_causes_are_recovered(demo):
    records, split, objects = demo
    scores = planted_scores(records, split, objects, seed=3)
    assert len(scores) == 2
    assert_recovered(scores)


def test_causes_of_what_a_model_retrieves_are_recovered(demo):
    records, _, objects = demo
    confusion, wrong_details, plausible = retrieved_scores(records, [noisy_model(demo)], objects)
    assert_recovered([wrong_details])
    # In a world of a few things, most confusions are no more frequent than random captions are.
    assert confusion.found == confusion.both < confusion.true
    # Its threshold was chosen on people's judgements of COCO; here, things are put at random.
    assert plausible.precision >= 0.6, plausible
    assert plausible.recall >= 0.8, plausible


def test_plausible_images_of_caption_queries_are_recovered(demo):
    records, _, objects = demo
    found, of_hard = caption_query_scores(records, [noisy_model(demo)], objects)
    assert found.true >= 50, found
    assert found.precision >= 0.6, found
    assert found.recall >= 0.7, found
    assert of_hard.true == of_hard.found == 0  # such a model has no hard caption query


def noisy_model(demo) -> ModelRankings:
    """A model that knows backgrounds, categories and colours, badly: its scores are likeness."""
    records, split, _ = demo
    held = [{t.category for t in r.scene.things} | {r.scene.background} for r in records]
    colours = [{(t.category, t.colour) for t in r.scene.things} for r in records]
    like = np.array([[len(a & b) / len(a | b) for b in held] for a in held])
    like += 0.5 * np.array([[len(a & b) / len(a | b) for b in colours] for a in colours])
    scores = like[:, split.caption_image_index]
    scores = scores + np.random.default_rng(0).normal(0, 0.2, scores.shape)
    rankings = rank_scores(scores.astype(np.float32), split, {})
    return ModelRankings("noisy", Path("noisy.npz"), split, rankings)


CAT = Thing("cat", "red", "small", (10, 120, 30, 30), worn=False, mirrored=False)
SCENE = Scene(256, 192, "meadow", (CAT,), texture_seed=0)
OWN = [Caption(text, "plain", text) for text in ("A red cat on a meadow.", "A cat on a meadow")]


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("A red dog on a meadow", {"salient object confusion"}),
        ("A blue cat on a meadow", {"wrong details"}),
        ("Two cats", {"wrong details"}),
        ("A small red cat", {"plausible retrieval"}),
        ("A red cat on a beach", set()),
    ],
)
def test_the_truth_is_the_scene_s(text, true):
    assert true_reasons(SCENE, OWN, [Caption(text, "plain", text)] * 10) == true


def test_a_scene_is_changed_in_one_way():
    generator = np.random.default_rng(0)
    assert change_scene(SCENE, "nothing", generator) == SCENE
    assert change_scene(SCENE, "category", generator).things[0].category != "cat"
    (recoloured,) = change_scene(SCENE, "colour", generator).things
    assert recoloured.category == "cat"
    assert recoloured.colour != "red"
    assert change_scene(SCENE, "number", generator).things == (CAT, CAT)


def test_planted_queries_have_ten_captions_that_are_not_the_image_s(demo):
    for planted in plant_queries(demo[0][:8], seed=0):
        own = {truth.item.caption.lower() for truth in planted.query.ground_truth}
        retrieved = {r.item.caption.lower() for r in planted.query.retrieved}
        assert len(retrieved) == 10
        assert not own & retrieved


def test_precision_and_recall_by_hand():
    found = score("rule", "data", [True, True, False, False], [True, False, True, True])
    assert (found.found, found.true, found.both) == (2, 3, 1)
    assert (found.precision, found.recall) == pytest.approx((1 / 2, 1 / 3))
    assert "| rule | data | 3 | 2 | 0.50 | 0.33 |" in score_table([found])
    assert "nan" in score_table([score("rule", "data", [False], [False])])


def test_a_folder_that_is_no_demo_is_one_clear_line(tmp_path, run_main):
    status = run_main(main, "--data_dir", tmp_path, "--rankings", tmp_path / "r.npz")
    assert_one_clear_line(status, tmp_path)
