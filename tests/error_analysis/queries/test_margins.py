import numpy as np

from error_analysis.queries.margins import score_margins
from information_retrieval.ranking.query_ranks import DIRECTIONS
from tests.error_analysis.scored import make_model, make_split

SPLIT = make_split([2, 1, 3])


def test_a_margin_is_the_best_right_score_less_the_best_wrong_one():
    scores = np.random.default_rng(0).standard_normal((3, 6)).astype(np.float32)
    model = make_model(scores, SPLIT)
    image_of = SPLIT.caption_image_index
    for direction in DIRECTIONS:
        own = scores if direction == "i2t" else scores.T
        for query, margin in enumerate(score_margins(model, direction)):
            right = image_of == query if direction == "i2t" else np.arange(3) == image_of[query]
            assert margin == own[query][right].max() - own[query][~right].max()


def test_a_margin_is_positive_just_where_the_rank_is_0():
    scores = np.random.default_rng(1).standard_normal((3, 6)).astype(np.float32)
    model = make_model(scores, SPLIT)
    for direction in DIRECTIONS:
        ranks = model.query_ranks(direction).ranks()
        np.testing.assert_array_equal(score_margins(model, direction) > 0, ranks == 0)


def test_without_a_wrong_document_the_margin_is_infinite():
    model = make_model(np.ones((1, 2), np.float32), make_split([2]))
    assert score_margins(model, "i2t").tolist() == [np.inf]
