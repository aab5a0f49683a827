import numpy as np
import pytest

from error_analysis.queries.hubs import count_intrusions, intruded_queries
from error_analysis.queries.query import describe_queries
from information_retrieval.ranking.query_ranks import DIRECTIONS
from tests.error_analysis.scored import make_model, make_split


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_queries_of_a_hub_are_those_it_is_wrongly_at_the_top_of(direction):
    split = make_split([2] * 30)
    scores = np.random.default_rng(0).standard_normal((30, 60)).astype(np.float32)
    model = make_model(scores, split)
    intrusions = count_intrusions(model, direction).intrusions
    documents = [7, 0, 29]
    queries = describe_queries(model, direction, range(len(model.scores(direction))))
    items = list(split.image_ids) if direction == "t2i" else list(split.caption_ids)
    for document, found in zip(
        documents, intruded_queries(model, direction, documents), strict=True
    ):
        wanted = [
            query.index
            for query in queries
            for retrieved in query.retrieved
            if not retrieved.is_ground_truth
            and items[document] in (retrieved.item.caption_id, retrieved.item.image_id)
            and (direction == "t2i" or retrieved.item.caption_id == items[document])
        ]
        assert found.tolist() == wanted
        assert len(found) == intrusions[document]
