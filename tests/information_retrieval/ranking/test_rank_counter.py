"""Ranks and top documents from tiles in any order equal those of the whole matrix."""

import tracemalloc

import numpy as np
import pytest

from information_retrieval.ranking import rank_counter, top_documents
from information_retrieval.ranking.metrics import retrieval_metrics, top_k
from information_retrieval.ranking.rank_counter import RankCounter, count_ranks

N_IMAGES = 23


@pytest.fixture(params=["without ties", "with ties", "constant", "ascending", "descending"])
def case(request):
    """Scores of 23 images with 1 to 5 captions each, and the image of each caption."""
    generator = np.random.default_rng(0)
    index = np.repeat(np.arange(N_IMAGES), generator.integers(1, 6, N_IMAGES))
    scores = generator.normal(size=(N_IMAGES, len(index))).astype(np.float32)
    if request.param == "with ties":
        scores = scores.round(1)
    elif request.param == "constant":
        scores[:] = 3
    elif "scending" in request.param:
        scores = np.sort(scores.ravel()).reshape(scores.shape)
        scores = scores if request.param == "ascending" else -scores
    return scores, index


def tiles_of(scores, n_rows: int, n_columns: int, seed: int | None):
    """Cut into tiles of at most that size; with a seed, columns and tiles are shuffled."""
    order = np.arange(scores.shape[1])
    if seed is not None:
        order = np.random.default_rng(seed).permutation(order)
    tiles = [
        (slice(row, min(row + n_rows, N_IMAGES)), order[column : column + n_columns])
        for row in range(0, N_IMAGES, n_rows)
        for column in range(0, len(order), n_columns)
    ]
    if seed is not None:
        tiles = [tiles[i] for i in np.random.default_rng(seed).permutation(len(tiles))]
    return [(rows, columns, scores[rows][:, columns]) for rows, columns in tiles]


def assert_same_ranks(found, expected):
    for direction in rank_counter.DIRECTIONS:
        for count in ("higher", "tied", "truths"):
            np.testing.assert_array_equal(
                getattr(found.of(direction), count), getattr(expected.of(direction), count)
            )


@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize("size", [(1, 1), (1, 1000), (N_IMAGES, 1), (7, 11), (23, 1000)])
def test_tiles_in_any_order_give_the_ranks_and_top_documents_of_the_whole(case, size, seed):
    scores, index = case
    tiles = tiles_of(scores, *size, seed)
    own = scores[index, np.arange(len(index))]
    counter = RankCounter(own, index, N_IMAGES, k=4)
    for tile in tiles:
        counter.update(*tile)
    assert_same_ranks(counter.ranks(), count_ranks(scores, index))
    for direction, matrix in (("i2t", scores), ("t2i", scores.T)):
        best = np.argsort(-matrix, axis=1, kind="stable")[:, :4]
        top = counter.top[direction]
        np.testing.assert_array_equal(top.documents, best)
        np.testing.assert_array_equal(top.scores, np.take_along_axis(matrix, best, axis=1))


def test_blocks_of_any_size_give_the_same(case, monkeypatch):
    scores, index = case
    expected = RankCounter.of(scores, index, k=7)
    monkeypatch.setattr(rank_counter, "BAND_ROWS", 5)
    monkeypatch.setattr(rank_counter, "BLOCK_PAIRS", 100)
    monkeypatch.setattr(top_documents, "BLOCK_PAIRS", 100)
    counter = RankCounter.of(scores, index, k=7)
    assert_same_ranks(counter.ranks(), expected.ranks())
    for direction in rank_counter.DIRECTIONS:
        found, whole = counter.top[direction], expected.top[direction]
        np.testing.assert_array_equal(found.documents, whole.documents)


def test_long_rows_are_bounded_by_groups_without_losing_a_document():
    scores = np.random.default_rng(1).normal(size=(50, 3001)).astype(np.float32).round(2)
    scores[0], scores[1] = np.sort(scores[0]), -np.sort(-scores[1])
    for matrix in (scores, np.asfortranarray(scores), scores[:, ::-1]):
        expected = np.argsort(-matrix, axis=1, kind="stable")[:, :10]
        np.testing.assert_array_equal(top_k(matrix, 10), expected)


def test_captions_of_an_image_need_not_lie_together():
    scores = np.random.default_rng(2).normal(size=(6, 18)).astype(np.float32).round(1)
    index = np.random.default_rng(3).permutation(np.repeat(np.arange(6), 3))
    by_image = np.argsort(index, kind="stable")
    found = retrieval_metrics(count_ranks(scores, index))
    assert found == retrieval_metrics(count_ranks(scores[:, by_image], index[by_image]))


def test_the_constant_scorer_is_tied_everywhere_and_not_perfect():
    index = np.repeat(np.arange(N_IMAGES), 5)
    counter = RankCounter(np.ones(len(index), np.float32), index, N_IMAGES)
    for tile in tiles_of(np.ones((N_IMAGES, len(index)), np.float32), 4, 9, seed=0):
        counter.update(*tile)
    found = retrieval_metrics(counter.ranks())
    assert found["i2t_r1"] == pytest.approx(100 / N_IMAGES)
    assert found["t2i_r1"] == pytest.approx(100 / N_IMAGES)
    assert found["i2t_tied"] == found["t2i_tied"] == 100


@pytest.fixture
def counter():
    return RankCounter(np.array([1, 2, 3], np.float32), np.array([0, 1, 1]), 2)


BLOCK = np.array([[1, 0, 0], [0, 2, 3]], np.float32)


def test_a_ground_truth_that_is_not_finite_is_an_error_before_any_tile():
    own = np.array([1, np.nan, 3], np.float32)
    with pytest.raises(rank_counter.NotFiniteError, match="row 1, column 1 is nan"):
        RankCounter(own, np.array([0, 1, 1]), 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_score_of_a_tile_that_is_not_finite_is_an_error_with_its_place(counter, bad):
    with pytest.raises(rank_counter.NotFiniteError, match=f"row 1, column 0 is {bad}"):
        counter.update(slice(1, 2), np.array([2, 0]), np.array([[3, bad]], np.float32))


def test_a_ground_truth_that_differs_from_the_tile_is_an_error(counter):
    block = BLOCK.copy()
    block[1, 2] = np.nextafter(block[1, 2], 0)
    with pytest.raises(ValueError, match=r"row 1, column 2 is 2\.99.*given as ground truth was 3"):
        counter.update(slice(0, 2), slice(None), block)


def test_missing_and_repeated_tiles_are_errors(counter):
    counter.update(slice(0, 1), slice(None), BLOCK[:1])
    with pytest.raises(ValueError, match="i2t query 1: 0 scores came, expected 3"):
        counter.ranks()
    counter.update(slice(1, 2), slice(None), BLOCK[1:])
    assert counter.ranks().i2t.ranks().tolist() == [0, 0]
    counter.update(slice(1, 2), np.array([1]), BLOCK[1:, 1:2])
    with pytest.raises(ValueError, match="i2t query 1: 4 scores came, expected 3"):
        counter.ranks()


def test_shapes_that_do_not_fit_are_errors(counter):
    with pytest.raises(ValueError, match=r"1 rows, 3 columns, block \(2, 3\)"):
        counter.update(slice(0, 1), slice(None), BLOCK)
    with pytest.raises(ValueError, match="2 columns of scores, 3 captions"):
        RankCounter(np.ones(2, np.float32), np.array([0, 1, 1]), 2)


@pytest.mark.parametrize("constant", [False, True])
def test_memory_beside_the_matrix_is_below_64_mib(constant):
    scores = np.random.default_rng(0).normal(size=(1500, 7500)).astype(np.float32)
    scores = np.zeros_like(scores) if constant else scores
    index = np.repeat(np.arange(1500), 5)
    tracemalloc.start()
    RankCounter.of(scores, index, k=10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 2**20
