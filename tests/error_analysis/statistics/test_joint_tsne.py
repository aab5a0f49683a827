"""One t-SNE of images and captions, and the numbers that hold in the space itself."""

import numpy as np
import pytest

from error_analysis.statistics.joint_tsne import (
    PairPoints,
    check_perplexity,
    cosines,
    joint_tsne,
    numbers_of,
    share_near,
    share_near_in_picture,
    space_numbers,
)
from preprocess.base.errors import InputError

N_IMAGES, WIDTH = 24, 16


def random_pairs(noise: float, gap: float = 0.0, captions_per_image: int = 1) -> PairPoints:
    """Captions are their image's point with noise, moved by a gap along one axis."""
    generator = np.random.default_rng(0)
    images = generator.normal(size=(N_IMAGES, WIDTH))
    index = np.repeat(np.arange(N_IMAGES), captions_per_image)
    captions = images[index] + noise * generator.normal(size=(len(index), WIDTH))
    captions[:, 0] += gap
    return PairPoints(images, captions, index)


def test_pairs_of_equal_vectors_come_out_side_by_side():
    picture = joint_tsne(random_pairs(noise=0), perplexity=5, seed=0)
    apart = np.linalg.norm(picture.images[:, None] - picture.captions, axis=2)
    assert (apart.argmin(axis=1) == np.arange(N_IMAGES)).all()
    # Each caption is nearer to its image than any other image is.
    others = np.linalg.norm(picture.images[:, None] - picture.images, axis=2)
    np.fill_diagonal(others, np.inf)
    assert (apart.diagonal() < others.min(axis=1)).all()
    assert share_near_in_picture(picture) == 1


def test_images_and_captions_share_one_fit():
    pairs = random_pairs(noise=0.1)
    other = random_pairs(noise=1)
    assert np.array_equal(pairs.images, other.images)
    # Of two fits, that of the same images would be the same.
    assert not np.allclose(joint_tsne(pairs, 5, 0).images, joint_tsne(other, 5, 0).images)


def test_the_picture_is_the_same_to_the_last_bit_each_time():
    pairs = random_pairs(noise=0.5)
    first, second = joint_tsne(pairs, 5, 3), joint_tsne(pairs, 5, 3)
    assert np.array_equal(first.images, second.images)
    assert np.array_equal(first.captions, second.captions)


def test_two_far_cones_are_two_islands_and_one_without_their_means():
    pairs = random_pairs(noise=0.1, gap=50)
    islands, joined = joint_tsne(pairs, 8, 0), joint_tsne(pairs.less_means(), 8, 0)

    def means_apart(picture: PairPoints) -> float:
        """The distance of the two means, in deviations of the images."""
        gap = np.linalg.norm(picture.images.mean(axis=0) - picture.captions.mean(axis=0))
        return float(gap / picture.images.std())

    assert means_apart(islands) > 1 > 0.2 > means_apart(joined)
    assert space_numbers(pairs)["distance_of_means"] == pytest.approx(50, abs=0.2)
    assert space_numbers(pairs.less_means())["distance_of_means"] == pytest.approx(0)


def test_numbers_of_a_space_by_hand():
    images = np.array([[1.0, 0.0], [0.0, 1.0]])
    captions = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, -1.0]])
    pairs = PairPoints(images, captions, np.array([0, 0, 1]))
    assert cosines(pairs) == pytest.approx(np.array([[1, 0.6, 0], [0, 0.8, -1]]))
    found = space_numbers(pairs)
    assert found["mean_cosine_of_pairs"] == pytest.approx((1 + 0.6 - 1) / 3)
    assert found["mean_cosine_of_others"] == pytest.approx((0 + 0.8 + 0) / 3)
    assert found["distance_of_means"] == pytest.approx(np.hypot(0.5 - 1.6 / 3, 0.5 + 0.2 / 3))


def test_the_share_among_the_nearest_is_that_of_a_plain_count():
    pairs = random_pairs(noise=1.5, captions_per_image=2)
    found, near = cosines(pairs), []
    for column, row in enumerate(pairs.caption_image_index):
        near.append((found[row] > found[row, column]).sum() < 10)
    assert 0 < np.mean(near) < 1
    assert share_near(found, pairs.caption_image_index) == np.mean(near)


def test_numbers_less_means_are_given_where_the_picture_is_of_them():
    pairs = random_pairs(noise=0.5)
    plain, less = (numbers_of(pairs, joint_tsne(pairs, 5, 0), is_less) for is_less in (False, True))
    assert list(plain) == ["embeddings", "picture", "chance"]
    assert list(less) == ["embeddings", "less_means", "picture", "chance"]
    assert plain["chance"]["share_among_10_nearest"] == 10 / N_IMAGES
    assert less["embeddings"] == plain["embeddings"]


def test_a_point_that_is_its_mean_has_the_cosine_0():
    pairs = PairPoints(np.ones((2, 3)), np.ones((2, 3)), np.arange(2)).less_means()
    assert (cosines(pairs) == 0).all()


@pytest.mark.parametrize("perplexity", [0.5, -1, 48, 1000, float("nan"), float("inf")])
def test_a_perplexity_that_so_few_points_cannot_have_is_told(perplexity):
    with pytest.raises(InputError, match="--perplexity: expected at least 1 and less than the 48"):
        check_perplexity(perplexity, 2 * N_IMAGES)
    check_perplexity(47, 2 * N_IMAGES)
