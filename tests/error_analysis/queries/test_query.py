import numpy as np
import pytest

from error_analysis.queries import query as queries_module
from error_analysis.queries.query import Item, describe_queries, ground_truth_ranks
from information_retrieval.ranking.query_ranks import DIRECTIONS
from preprocess.captions.split_file import Caption
from tests.error_analysis.scored import make_model, make_split

# Two images with two captions each, and one image with one caption.
SPLIT = make_split([2, 2, 1])
SCORES = np.array(
    [
        [0.3, 0.1, 0.2, 0.9, 0.1],
        [0.4, 0.0, 0.8, 0.7, 0.6],
        [0.4, 0.9, 0.5, 0.6, 0.5],
    ],
    np.float32,
)


def caption(position: int, image: int) -> Item:
    return Item(100 + image, 5000 + position, f"caption {5000 + position}")


def test_ground_truth_is_ranked_among_the_wrong_documents_only():
    scores = np.array([0.5, 0.9, 0.5, 0.7, 0.2])
    ranks = ground_truth_ranks(scores, np.array([1, 3]))
    assert ranks.tolist() == [0, 0]


def test_half_of_the_tied_wrong_documents_count():
    scores = np.array([0.5, 0.9, 0.5, 0.5, 0.2])
    assert ground_truth_ranks(scores, np.array([0])).tolist() == [2]
    assert ground_truth_ranks(scores, np.array([0, 2])).tolist() == [1.5, 1.5]


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_best_ground_truth_has_the_rank_of_the_query_or_shares_it(direction):
    split = make_split([3, 1, 2, 5, 1, 4])
    scores = np.random.default_rng(0).integers(0, 5, (6, 16)).astype(np.float32)
    model = make_model(scores, split)
    ranks = model.query_ranks(direction).ranks()
    queries = describe_queries(model, direction, range(len(ranks)))
    assert [query.rank for query in queries] == ranks.tolist()
    for query in queries:
        best = [t.rank for t in query.ground_truth if t.score == query.score]
        assert best == [query.lowest + query.tied / 2] * len(best)
        assert query.rank == query.lowest + query.tied / (len(best) + 1)


def test_an_image_query_retrieves_captions_best_first():
    [query] = describe_queries(make_model(SCORES, SPLIT), "i2t", [0], n_retrieved=3)
    assert query.item == Item(100)
    assert (query.rank, query.tied) == (1, 0)
    assert [(r.item, r.score, r.is_ground_truth) for r in query.retrieved] == [
        (caption(3, image=1), 0.9, False),
        (caption(0, image=0), 0.3, True),
        (caption(2, image=1), 0.2, False),
    ]
    assert [(t.item, t.score, t.rank) for t in query.ground_truth] == [
        (caption(0, image=0), 0.3, 1),
        (caption(1, image=0), 0.1, 2.5),
    ]


def test_a_caption_query_retrieves_images_and_ties_go_by_the_order_of_the_gallery():
    [query] = describe_queries(make_model(SCORES, SPLIT), "t2i", [0])
    assert query.item == caption(0, image=0)
    assert query.rank == 2
    assert [r.item for r in query.retrieved] == [Item(101), Item(102), Item(100)]
    assert [r.is_ground_truth for r in query.retrieved] == [False, False, True]


def test_queries_come_in_the_order_they_are_asked_for():
    described = describe_queries(make_model(SCORES, SPLIT), "t2i", [4, 0, 2])
    assert [query.index for query in described] == [4, 0, 2]


def test_no_queries_give_no_descriptions():
    assert describe_queries(make_model(SCORES, SPLIT), "i2t", []) == []


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_size_of_a_block_changes_nothing(direction, monkeypatch):
    split = make_split([2] * 7)
    scores = np.random.default_rng(1).normal(size=(7, 14)).astype(np.float32)
    model = make_model(scores, split)
    at_once = describe_queries(model, direction, range(7))
    monkeypatch.setattr(queries_module, "BLOCK_QUERIES", 3)
    assert describe_queries(model, direction, range(7)) == at_once


def test_an_image_is_not_taken_for_a_caption():
    assert caption(1, 2).as_caption() == Caption(5001, "caption 5001")
    with pytest.raises(ValueError, match="expected a caption, found image 101"):
        Item(101).as_caption()
