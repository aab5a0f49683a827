"""Intervals over images, and differences in pairs."""

import numpy as np
import pytest

from captioning.metrics.resampling import (
    differences,
    drawn_images,
    intervals,
    resample,
)
from captioning.metrics.scores import ImageScores, prepare_references, score_captions
from tests.captioning.recorded import CAPTIONS, REFERENCES


@pytest.fixture(scope="module")
def scores() -> ImageScores:
    return score_captions(CAPTIONS, prepare_references(REFERENCES))


def test_every_resample_has_as_many_images():
    blocks = list(drawn_images(7, seed=0, n_resamples=120))
    assert [len(block) for block in blocks] == [50, 50, 20]
    assert all((block.sum(axis=1) == 7).all() for block in blocks)


def test_bleu_of_a_resample_is_of_its_counts_and_means_are_means(scores):
    resampled = resample(scores, seed=3, n_resamples=20)
    weights = np.concatenate(list(drawn_images(scores.n_images, 3, 20)))
    for row, own in enumerate(weights):
        rows = np.repeat(np.arange(len(own)), own).tolist()
        for name, value in scores.chosen(rows).values().items():
            assert resampled[name][row] == pytest.approx(value, abs=1e-12)


def test_an_interval_holds_its_value_and_the_seed_decides(scores):
    first, again, other = (
        intervals(scores, resample(scores, seed, n_resamples=200)) for seed in (0, 0, 1)
    )
    assert first == again != other
    for one in first.values():
        assert one.low <= one.value <= one.high


def test_an_interval_of_a_mean_is_about_two_standard_errors_wide():
    values = np.random.default_rng(0).normal(5, 1, 400)
    many = ImageScores(np.ones((400, 10), int), {"ROUGE_L": values})
    found = intervals(many, resample(many, seed=0))["ROUGE_L"]
    assert found.high - found.low == pytest.approx(2 * 1.96 / 20, rel=0.1)


def test_a_system_does_not_differ_from_itself(scores):
    resampled = resample(scores, seed=0, n_resamples=50)
    for one in differences(scores, scores, resampled, resampled).values():
        assert (one.value, one.low, one.high) == (0, 0, 0)


def test_what_is_hard_for_both_drops_out_of_a_difference():
    hard = np.random.default_rng(0).normal(0, 10, 100)
    first, second = (
        ImageScores(np.ones((100, 10), int), {"CIDEr": hard + gain}) for gain in (1.0, 0.0)
    )
    found = differences(first, second, *(resample(one, seed=0) for one in (first, second)))
    assert found["CIDEr"].low == pytest.approx(1) == pytest.approx(found["CIDEr"].high)


def test_a_metric_that_one_system_lacks_is_left_out():
    first = ImageScores(np.ones((3, 10), int), {"CIDEr": np.ones(3), "SPICE": np.ones(3)})
    second = ImageScores(np.ones((3, 10), int), {"CIDEr": np.ones(3)})
    found = differences(first, second, resample(first, 0, 10), resample(second, 0, 10))
    assert "CIDEr" in found
    assert "SPICE" not in found
