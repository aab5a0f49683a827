"""What ties are worth, against every order that the tied documents could stand in."""

from itertools import combinations

import numpy as np
import pytest

from information_retrieval.ranking.metrics import retrieval_metrics
from information_retrieval.ranking.query_ranks import QueryRanks, concatenate
from information_retrieval.ranking.rank_counter import count_ranks


def query(higher: int, tied: int, truths: int) -> QueryRanks:
    return QueryRanks(*(np.array([count]) for count in (higher, tied, truths)))


def ranks_in_all_orders(higher: int, tied: int, truths: int) -> np.ndarray:
    """The slow truth: where the first ground truth stands, for each way to place them."""
    places = combinations(range(tied + truths), truths)
    return np.array([higher + min(of_truths) for of_truths in places])


CASES = [(h, w, g) for h in (0, 1, 4, 9, 12) for w in (0, 1, 2, 5, 8) for g in (1, 2, 3, 5)]


@pytest.mark.parametrize(("higher", "tied", "truths"), CASES)
def test_every_number_is_the_mean_over_all_orders_of_the_tied(higher, tied, truths):
    ranks, found = ranks_in_all_orders(higher, tied, truths), query(higher, tied, truths)
    assert found.ranks()[0] == pytest.approx(ranks.mean(), abs=1e-12)
    assert found.reciprocal_ranks()[0] == pytest.approx(np.mean(1 / (ranks + 1)), abs=1e-12)
    for k in (1, 2, 5, 10, 30):
        assert found.found(k)[0] == pytest.approx(np.mean(ranks < k), abs=1e-12)
        assert found.by_chance(k)[0] == (0 < np.mean(ranks < k) < 1)
    assert found.ranks("optimistic")[0] == ranks.min()
    assert found.ranks("pessimistic")[0] == ranks.max()


def test_without_ties_a_query_is_found_or_not_to_the_last_bit():
    ranks = QueryRanks(np.arange(20), np.zeros(20, int), np.ones(20, int))
    assert ranks.found(10).tolist() == [1.0] * 10 + [0.0] * 10
    assert not ranks.by_chance(10).any()


def test_one_wrong_document_beside_the_right_one_is_found_half_of_the_time():
    tied = query(0, 1, 1)
    assert tied.ranks()[0] == tied.found(1)[0] == 0.5
    assert tied.reciprocal_ranks()[0] == 0.75
    assert tied.found(2)[0] == 1


def test_five_own_captions_tied_with_five_wrong_ones_have_rank_five_sixths():
    scores = np.zeros((2, 10), np.float32)
    ranks = count_ranks(scores, np.repeat([0, 1], 5))
    assert ranks.i2t.truths.tolist() == [5, 5]
    assert ranks.i2t.ranks().tolist() == pytest.approx([5 / 6, 5 / 6])
    assert ranks.i2t.found(1).tolist() == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("n_images", [2, 40, 300])
def test_equal_scores_find_k_of_n(n_images):
    ranks = count_ranks(
        np.zeros((n_images, 3 * n_images), np.float32), np.arange(n_images).repeat(3)
    )
    for k in (1, 5, 10):
        assert ranks.t2i.found(k) == pytest.approx(min(1, k / n_images), abs=1e-12)
        of_images = [np.mean(ranks_of_three(n_images) < k)] if n_images < 100 else []
        assert ranks.i2t.found(k)[: len(of_images)] == pytest.approx(of_images)


def ranks_of_three(n_images: int) -> np.ndarray:
    return ranks_in_all_orders(0, 3 * n_images - 3, 3)


def test_the_same_photograph_twice_in_a_gallery_is_found_first_half_of_the_time():
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(6, 6)).astype(np.float32)
    scores[np.arange(6), np.arange(6)] += 9
    scores[1] = scores[0]  # image 1 is image 0: so are their scores with every caption
    scores[:, 1] = scores[:, 0] - 0.5
    metrics = retrieval_metrics(count_ranks(scores, np.arange(6)))
    found = count_ranks(scores, np.arange(6)).t2i.found(1)
    assert found.tolist() == [0.5, 0.5, 1, 1, 1, 1]
    assert metrics["t2i_r1"] == pytest.approx(100 * 5 / 6)
    assert metrics["t2i_r5"] == 100


def test_a_caption_query_is_hard_by_its_rank_just_when_it_is_missed_in_most_orders():
    counts = [(h, w, 1) for h in range(15) for w in range(25)]
    queries = QueryRanks(*np.array(counts).T)
    for k in (1, 5, 10):
        assert ((queries.ranks() >= k) == (queries.found(k) < 0.5)).all()


def test_ranks_of_galleries_are_joined_and_taken_apart():
    parts = [QueryRanks(*np.arange(6).reshape(3, 2)), QueryRanks(*np.arange(9).reshape(3, 3))]
    whole = concatenate(parts)
    assert whole.higher.tolist() == [0, 1, 0, 1, 2]
    assert whole.subset(np.array([1, 4])).truths.tolist() == [5, 8]
    assert whole.subset(whole.tied > 3).tied.tolist() == [4, 5]
