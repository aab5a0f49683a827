"""What predicts hard queries: cases whose answer is known by construction."""

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from error_analysis.predicting.difficulty_model import (
    N_FOLDS,
    difficulty_table,
    difficulty_to_json,
    logistic_model,
    predict_difficulty,
    too_few,
)
from error_analysis.predicting.query_features import QueryFeatures

N_IMAGES, N_CAPTIONS = 80, 5


def features_of(**columns: np.ndarray) -> QueryFeatures:
    return QueryFeatures.join(np.repeat(np.arange(N_IMAGES), N_CAPTIONS), columns)


@pytest.fixture
def noise() -> np.ndarray:
    """(n_queries, 3) numbers that tell nothing."""
    return np.random.default_rng(5).normal(size=(N_IMAGES * N_CAPTIONS, 3))


def test_a_feature_that_tells_is_found_with_its_sign_and_noise_is_not(noise):
    tells = np.random.default_rng(1).normal(size=len(noise))
    hard = tells - 0.3 * noise[:, 0] > 0.8
    found = predict_difficulty(
        features_of(noise=noise[:, 1], easier=-3 * tells, constant=np.ones(len(noise))), hard
    )
    assert found.logistic.mean > 0.9
    assert found.trees.mean > 0.9
    assert len(found.logistic.values) == N_FOLDS
    first, second = found.weights
    assert (first.name, second.name) == ("easier", "noise")
    assert first.coefficient.mean < -1
    assert abs(second.coefficient.mean) < 0.5
    assert first.importance.mean > 0.3 > 0.05 > abs(second.importance.mean)
    assert found.constant == ("constant",)
    assert (found.n_queries, found.n_hard, found.n_images) == (400, hard.sum(), 80)


def test_what_only_tells_the_image_predicts_nothing_on_other_images(noise):
    generator = np.random.default_rng(2)
    image = np.repeat(np.arange(N_IMAGES), N_CAPTIONS)
    hard = (generator.random(N_IMAGES) < 0.4)[image]  # all captions of an image share its fate
    signature = generator.normal(size=(N_IMAGES, 3))[image]
    features = features_of(a=signature[:, 0], b=signature[:, 1], c=signature[:, 2])
    found = predict_difficulty(features, hard)
    assert 0.3 < found.trees.mean < 0.7
    # Folds that part the captions of an image would let the trees know it again.
    parted = QueryFeatures(features.names, features.values, np.arange(len(hard)))
    assert predict_difficulty(parted, hard).trees.mean > 0.95


def test_noise_alone_is_no_better_than_guessing(noise):
    hard = np.random.default_rng(3).random(len(noise)) < 0.3
    found = predict_difficulty(features_of(a=noise[:, 0], b=noise[:, 1], c=noise[:, 2]), hard)
    for auc in (found.logistic, found.trees):
        assert abs(auc.mean - 0.5) < 0.1


def test_the_unit_of_a_feature_changes_nothing(noise):
    hard = noise[:, 0] + noise[:, 1] > 1
    one = predict_difficulty(features_of(a=noise[:, 0], b=noise[:, 1]), hard)
    other = predict_difficulty(features_of(a=1000 * noise[:, 0] + 7, b=noise[:, 1]), hard)
    assert one.logistic.mean == pytest.approx(other.logistic.mean)
    for this, that in zip(one.weights, other.weights, strict=True):
        assert this.coefficient.mean == pytest.approx(that.coefficient.mean, rel=1e-3)


def test_the_same_seed_gives_the_same_numbers(noise):
    hard = noise[:, 0] > 0.5
    features = features_of(a=noise[:, 0] + noise[:, 1], b=noise[:, 2])
    one, other = (difficulty_to_json(predict_difficulty(features, hard, 4)) for _ in range(2))
    assert one == other
    assert one["auc"] != difficulty_to_json(predict_difficulty(features, hard, 5))["auc"]


def test_the_auc_is_that_of_scikit_learn_on_one_held_out_fold(noise):
    hard = noise[:, 0] + noise[:, 2] > 0.5
    features = features_of(a=noise[:, 0])
    found = predict_difficulty(features, hard)
    fitted = logistic_model().fit(features.values, hard)
    whole = roc_auc_score(hard, fitted.predict_proba(features.values)[:, 1])
    assert found.logistic.mean == pytest.approx(whole, abs=0.05)


@pytest.mark.parametrize("n_hard", [0, 1, 9])
def test_too_few_hard_queries_are_told_and_not_learnt_from(noise, n_hard):
    features = features_of(a=noise[:, 0])
    hard = np.zeros(len(noise), bool)
    hard[: n_hard * N_CAPTIONS : N_CAPTIONS] = True  # one of each image
    line = f"{n_hard} of 400 queries, of {n_hard} images, are hard: too few to learn from"
    assert too_few(features, hard).startswith(line)
    with pytest.raises(ValueError, match="too few to learn from"):
        predict_difficulty(features, hard)


def test_too_few_queries_that_are_not_hard_are_told(noise):
    hard = np.ones(len(noise), bool)
    assert "0 of 400 queries, of 0 images, are not hard" in too_few(
        features_of(a=noise[:, 0]), hard
    )


def test_many_hard_queries_of_few_images_are_too_few(noise):
    hard = np.zeros(len(noise), bool)
    hard[: 9 * N_CAPTIONS] = True
    assert "45 of 400 queries, of 9 images, are hard" in too_few(features_of(a=noise[:, 0]), hard)
    assert too_few(features_of(a=noise[:, 0]), np.roll(hard, 3)) is None  # touches a tenth


def test_features_that_all_queries_share_teach_nothing(noise):
    assert "same features" in too_few(features_of(a=np.ones(len(noise))), noise[:, 0] > 0)


def test_the_table_and_the_json_have_every_feature(noise):
    found = predict_difficulty(
        features_of(a=noise[:, 0], b=noise[:, 1], c=np.ones(len(noise))), noise[:, 0] > 0.7
    )
    table = difficulty_table(found)
    assert f"{(noise[:, 0] > 0.7).sum()} of 400 queries are hard" in table
    assert "the same for all queries: c" in table
    content = json.loads(json.dumps(difficulty_to_json(found)))
    assert [weight["feature"] for weight in content["weights"]] == ["a", "b"]
    assert len(content["auc"]["boosted_trees"]["folds"]) == N_FOLDS
