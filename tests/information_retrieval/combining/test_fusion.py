"""Fusion of score matrices: hand-made cases, and blocks against the whole."""

import tracemalloc

import numpy as np
import pytest

from information_retrieval.combining.fusion import (
    TriedWeight,
    best_weight,
    fuse,
    fuse_in_place,
    try_weights,
    z_scale,
)
from information_retrieval.ranking.metrics import retrieval_metrics
from information_retrieval.ranking.query_ranks import DIRECTIONS
from information_retrieval.ranking.rank_counter import count_ranks


def random_models(n_images=150, captions_each=3, seed=0):
    """Two models whose scores are a shared signal on the true pairs plus noise of their own."""
    generator = np.random.default_rng(seed)
    index = np.repeat(np.arange(n_images), captions_each)
    signal = 2.0 * (index == np.arange(n_images)[:, None])
    first, second = (signal + generator.normal(size=signal.shape) for _ in range(2))
    return first.astype(np.float32), (50 + 9 * second).astype(np.float32), index


def z(scores):
    return (scores.astype(np.float64) - scores.mean(dtype=np.float64)) / scores.std(
        dtype=np.float64
    )


def test_a_matrix_is_fused_as_by_hand():
    first = np.array([[3, 1], [1, 3]], np.float32)  # mean 2, deviation 1
    second = np.array([[0, 20], [20, 40]], np.float32)  # mean 20, deviation 10 sqrt(2)
    fused = fuse(first, second, weight=0.25)[:]
    root = 2**0.5
    by_hand = [[0.75 - 0.25 * root, -0.75], [-0.75, 0.75 + 0.25 * root]]
    np.testing.assert_allclose(fused, by_hand, rtol=1e-6)
    assert fused.dtype == np.float32


def test_the_scale_of_blocks_is_that_of_the_whole():
    scores = random_models()[1]
    scale = z_scale(scores)
    assert scale.mean == pytest.approx(scores.mean(dtype=np.float64), rel=1e-12)
    assert scale.deviation == pytest.approx(scores.std(dtype=np.float64), rel=1e-12)


@pytest.mark.parametrize("index", [slice(3, 70), (slice(None), slice(5, 9)), ([2, 0], [7, 1])])
def test_any_part_is_that_of_the_whole_matrix(index):
    first, second, _ = random_models()
    whole = (0.4 * z(first) + 0.6 * z(second)).astype(np.float32)
    np.testing.assert_allclose(fuse(first, second, 0.6)[index], whole[index], atol=1e-6)


def test_in_place_is_the_same_and_leaves_the_second_model():
    first, second, _ = random_models()
    expected, before = fuse(first, second, 0.3)[:], second.copy()
    fused = fuse_in_place(first, second, 0.3)
    assert fused is first
    np.testing.assert_array_equal(fused, expected)
    np.testing.assert_array_equal(second, before)


def test_weights_0_and_1_are_the_models_and_between_them_both_help():
    first, second, index = random_models()
    tried = try_weights(first, second, index, [0, 0.5, 1])
    for trial, scores in ((tried[0], first), (tried[2], second)):
        assert trial.rsum == retrieval_metrics(count_ranks(scores, index))["rsum"]
    # Independent noise of equal size: its deviation falls by the square root of 2.
    assert best_weight(tried).weight == 0.5
    assert tried[1].rsum > max(tried[0].rsum, tried[2].rsum) + 20


def test_a_weights_rsum_is_that_of_the_fused_matrix():
    first, second, index = random_models(seed=1)
    whole = (0.65 * z(first) + 0.35 * z(second)).astype(np.float32)
    expected = retrieval_metrics(count_ranks(whole, index))["rsum"]
    assert try_weights(first, second, index, [0.35])[0].rsum == pytest.approx(expected)


def test_a_models_unit_and_origin_do_not_matter():
    first, second, index = random_models()
    moved = (second.astype(np.float64) * 0.01 - 7).astype(np.float64)
    ranks = count_ranks(fuse(first, second, 0.5)[:], index)
    again = count_ranks(fuse(first, moved, 0.5)[:], index)
    for direction in DIRECTIONS:
        np.testing.assert_array_equal(ranks.of(direction).ranks(), again.of(direction).ranks())


def test_of_equal_weights_the_one_nearest_the_middle_is_chosen():
    tried = [TriedWeight(0.1, 300), TriedWeight(0.4, 310), TriedWeight(0.8, 310)]
    assert best_weight(tried) == tried[1]


def test_scores_that_are_all_the_same_cannot_be_fused():
    first, second, _ = random_models()
    with pytest.raises(ValueError, match=r"all scores are 2\.5"):
        fuse(first, np.full_like(second, 2.5), 0.5)


def test_trying_weights_and_fusing_need_no_third_matrix():
    first, second, index = random_models(n_images=2000, captions_each=5)  # 80 MB each
    tracemalloc.start()
    try_weights(first, second, index, [0.5])
    fuse_in_place(first, second, 0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * first.nbytes
