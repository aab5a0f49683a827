"""Recalls and median ranks of captions, by hand, and with intervals."""

import numpy as np
import pytest

from captioning.self_retrieving.image_recalls import NAMES, image_recalls, of_one_sentence
from information_retrieval.ranking.metrics import retrieval_metrics
from information_retrieval.ranking.rankings import Rankings, rank_scores
from tests.captioning.conftest import split_of


def rankings_of(scores: np.ndarray, captions_per_image: list[int]) -> Rankings:
    split = split_of([["a caption"] * n for n in captions_per_image])
    return rank_scores(scores.astype(np.float32), split, {})


def random_rankings(n_images: int = 30, seed: int = 0, pull: float = 1.0) -> Rankings:
    per_image = [1 + i % 4 for i in range(n_images)]
    scores = np.random.default_rng(seed).normal(size=(n_images, sum(per_image)))
    index = np.repeat(np.arange(n_images), per_image)
    scores[index, np.arange(len(index))] += pull
    return rankings_of(scores, per_image)


def test_values_are_those_of_the_table_of_a_model():
    rankings = random_rankings()
    expected = retrieval_metrics(rankings.ranks)
    found = image_recalls(rankings, seed=0, n_resamples=10)
    assert found.values == pytest.approx({name: expected[f"t2i_{name}"] for name in NAMES})


def test_an_interval_is_that_of_a_slow_bootstrap_over_images():
    rankings, n_images = random_rankings(12), 12
    found = image_recalls(rankings, seed=3, n_resamples=7)
    ranks, image = rankings.ranks.t2i.ranks(), rankings.caption_image_index
    generator = np.random.default_rng(3)
    for resample, drawn in enumerate(generator.integers(0, n_images, (7, n_images))):
        own = np.concatenate([ranks[image == row] for row in drawn])
        assert found.resampled["r5"][resample] == pytest.approx(100 * np.mean(own < 5))
        assert found.resampled["median_rank"][resample] == np.median(own)
    for name, interval in found.intervals().items():
        assert interval.low <= interval.value <= interval.high, name


def test_a_difference_of_the_same_captions_is_surely_none():
    one = image_recalls(random_rankings(), seed=1, n_resamples=20)
    other = image_recalls(random_rankings(), seed=1, n_resamples=20)
    for interval in one.less(other).values():
        assert (interval.value, interval.low, interval.high) == (0, 0, 0)
    better = image_recalls(random_rankings(pull=3), seed=1, n_resamples=20)
    assert better.less(one)["r1"].low > 0
    assert better.less(one)["median_rank"].high < 0


@pytest.mark.parametrize("equal_scores", [False, True])
def test_one_sentence_has_what_chance_has_whatever_the_scores(equal_scores):
    n_images = 20
    column = np.random.default_rng(0).normal(size=n_images)
    if equal_scores:
        column = column.round()
    rankings = rankings_of(np.tile(column[:, None], n_images), [1] * n_images)
    found = image_recalls(rankings, seed=0, n_resamples=2).values
    expected = of_one_sentence(n_images)
    assert expected == {"r1": 5, "r5": 25, "r10": 50, "median_rank": 9.5}
    recalls = [name for name in NAMES if name.startswith("r")]
    assert [found[k] for k in recalls] == pytest.approx([expected[k] for k in recalls])
    if not equal_scores:
        assert found["median_rank"] == expected["median_rank"]
    assert of_one_sentence(4)["r10"] == 100
