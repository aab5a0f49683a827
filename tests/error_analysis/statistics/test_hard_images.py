"""Images by which captions they are hard: counted by hand, and tested."""

import numpy as np
import pytest

from error_analysis.statistics.hard_images import KINDS, hard_images
from tests.error_analysis.scored import make_model, make_split


def model_of_ranks(ranks: list[list[int]]):
    """A model under which each image's captions have these ranks."""
    n_images = len(ranks)
    flat = [(image, rank) for image, own in enumerate(ranks) for rank in own]
    scores = np.full((n_images, len(flat)), -1, np.float32)
    for column, (image, rank) in enumerate(flat):
        others = [(image + step) % n_images for step in range(1, n_images)]
        scores[others[:rank], column] = 1
        scores[image, column] = 0
    return make_model(scores, make_split([len(own) for own in ranks]))


HUMAN = [[12, 11, 0], [12, 0], [10, 15], [0, 1, 2], [11], *([0] for _ in range(15))]
GENERATED = [[3], [15], [19], [12], [10], *([0] for _ in range(15))]


@pytest.fixture
def found():
    human, generated = model_of_ranks(HUMAN), model_of_ranks(GENERATED)
    return hard_images(human, generated, np.random.default_rng(0), n_permutations=99)


def test_an_image_is_hard_by_human_captions_where_more_than_half_of_them_are(found):
    assert np.flatnonzero(found.human).tolist() == [0, 2, 4]
    assert np.flatnonzero(found.generated).tolist() == [1, 2, 3, 4]
    assert found.human_rank[:5].tolist() == [11, 6, 12.5, 1, 11]


def test_every_image_is_of_one_kind_and_the_plainest_stands_first(found):
    rows = {kind: found.rows(kind).tolist() for kind in KINDS}
    assert rows["hard by both"] == [2, 4]  # by ranks of 12.5 and 10, at least
    assert rows["by human captions alone"] == [0]
    assert rows["by the generated alone"] == [3, 1]  # 11 places apart, and 9
    assert sorted(row for own in rows.values() for row in own) == list(range(20))
    assert found.counts() == {kind: len(own) for kind, own in rows.items()}


def test_a_human_caption_drawn_at_random_is_compared_with_the_generated_one(found):
    expected = found.expected_counts()
    assert expected["hard by both"] == pytest.approx(1 / 2 + 1 + 1)
    assert expected["by human captions alone"] == pytest.approx(2 / 3)
    assert expected["by the generated alone"] == pytest.approx(1 / 2 + 1)
    assert sum(expected.values()) == pytest.approx(20)
    alone = expected["by the generated alone"] - expected["by human captions alone"]
    assert alone == pytest.approx((found.human_recall - found.generated_recall) / 100 * 20)


@pytest.mark.parametrize("n_others", [4, 5])
def test_a_human_caption_in_the_place_of_the_generated_one_does_not_differ(n_others):
    """Of 200 galleries of 60 images, as many p-values are small as should be."""
    generator = np.random.default_rng(0)
    p_values, alone = [], np.zeros(2)
    for _ in range(200):
        hardness = generator.beta(0.3, 0.6, 60)
        ranks = 10 * (generator.random((60, 5)) < hardness[:, None])
        # One of the five is compared with the other four, or with all five.
        human, generated = model_of_ranks(ranks[:, -n_others:]), model_of_ranks(ranks[:, :1])
        found = hard_images(human, generated, generator, n_permutations=199)
        p_values.append(found.by_image_p)
        expected = found.expected_counts()
        alone += expected["by human captions alone"], expected["by the generated alone"]
    p_values = np.array(p_values)
    assert np.mean(p_values <= 0.05) < 0.09
    assert 0.1 < np.mean(p_values <= 0.2) < 0.28
    assert 0.4 < np.mean(p_values <= 0.5) < 0.6
    assert alone[0] == pytest.approx(alone[1], rel=0.1)


def test_recalls_are_means_over_images_and_tested_by_image(found):
    shares = [1 / 3, 1 / 2, 0, 1, 0, *([1] * 15)]
    assert found.human_recall == pytest.approx(100 * np.mean(shares))
    assert found.generated_recall == pytest.approx(100 * 16 / 20)
    assert 0.05 < found.by_image_p <= 1


def test_the_same_captions_differ_in_nothing():
    model = model_of_ranks(GENERATED)
    found = hard_images(model, model, np.random.default_rng(0))
    assert found.by_image_p == 1
    assert found.counts()["by human captions alone"] == 0
    assert found.counts()["by the generated alone"] == 0


def test_another_rank_makes_other_images_hard():
    human, generated = model_of_ranks(HUMAN), model_of_ranks(GENERATED)
    found = hard_images(human, generated, np.random.default_rng(0), hard_rank=16)
    assert not found.human.any()
    assert np.flatnonzero(found.generated).tolist() == [2]
    assert found.human_recall == 100
