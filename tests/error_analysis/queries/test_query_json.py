import numpy as np
import pytest

from error_analysis.queries.query import describe_queries
from error_analysis.queries.query_json import number, query_to_json
from tests.error_analysis.scored import make_model, make_split


def test_an_image_query_is_written_in_the_originals_shape_with_more():
    scores = np.array([[0.25, 0.5, 1.0], [2.0, 0.0, 0.0]], np.float32)
    [query] = describe_queries(make_model(scores, make_split([2, 1])), "i2t", [0])
    assert query_to_json(query) == {
        "query": 100,
        "ground_truth": ["caption 5000", "caption 5001"],
        "retrieved": ["caption 5002", "caption 5001", "caption 5000"],
        "image_id": 100,
        "ground_truth_caption_ids": [5000, 5001],
        "retrieved_caption_ids": [5002, 5001, 5000],
        "retrieved_image_ids": [101, 100, 100],
        "rank": 1,
        "rank_bounds": [1, 1],
        "tied": 0,
        "score": 0.5,
        "ground_truth_ranks": [1, 1],
        "ground_truth_scores": [0.25, 0.5],
        "retrieved_scores": [1.0, 0.5, 0.25],
    }


def test_a_caption_query_is_written_in_the_originals_shape_with_more():
    scores = np.array([[0.5, 0, 0], [0.5, 1, 1]], np.float32)
    [query] = describe_queries(make_model(scores, make_split([2, 1])), "t2i", [0])
    assert query_to_json(query) == {
        "query": "caption 5000",
        "ground_truth": 100,
        "retrieved": [100, 101],
        "image_id": 100,
        "caption_id": 5000,
        "rank": 0.5,
        "rank_bounds": [0, 1],
        "tied": 1,
        "score": 0.5,
        "ground_truth_ranks": [0.5],
        "ground_truth_scores": [0.5],
        "retrieved_scores": [0.5, 0.5],
    }


@pytest.mark.parametrize(
    ("rank", "written"), [(13.0, "13"), (13.5, "13.5"), (0.0, "0"), (1 / 3, "0.3333")]
)
def test_a_rank_is_a_whole_number_unless_ties_make_it_a_fraction(rank, written):
    assert str(number(rank)) == written
