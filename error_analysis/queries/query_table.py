"""Queries as the columns of a table, for pandas or a spreadsheet."""

from collections.abc import Sequence

import numpy as np

from error_analysis.queries.hard_queries import hard_indices, worst_first
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query import Item, describe_queries
from information_retrieval.ranking.query_ranks import Direction


def query_table(
    model: ModelRankings, direction: Direction, indices: Sequence[int] | np.ndarray | None = None
) -> dict[str, list]:
    """Return queries as columns: `pandas.DataFrame(query_table(model, "t2i"))`.

    A part of the public interface (docs/python.md).

    Args:
        indices: of the queries, rows (i2t) or columns (t2i) of the scores; None: the hard ones,
            those without a ground truth in the top 10, worst first.

    Returns:
        columns of one length: "query_id" (of the image or caption), "source_id" (the name that the
        split has for it, or None), "query" (a caption, or an image's file name), "image_id",
        "file_name", "rank" (0-based, expected ties), "lowest" and "highest" (its bounds), "score"
        (of the best ground truth), "top_score", "retrieved" (the top 10: captions, or file names)
        and "retrieved_ids".
    """
    if indices is None:
        ranks = model.query_ranks(direction).ranks()
        indices = worst_first(hard_indices(ranks), ranks)
    file_names = {image.image_id: image.file_name for image in model.gallery.images}

    def shown(item: Item) -> str:
        return file_names[item.image_id] if item.caption is None else item.caption

    queries = describe_queries(model, direction, indices)
    return {
        "query_id": [query.item.own_id for query in queries],
        "source_id": [query.item.source_id for query in queries],
        "query": [shown(query.item) for query in queries],
        "image_id": [query.item.image_id for query in queries],
        "file_name": [file_names[query.item.image_id] for query in queries],
        "rank": [query.rank for query in queries],
        "lowest": [query.lowest for query in queries],
        "highest": [query.highest for query in queries],
        "score": [query.score for query in queries],
        "top_score": [query.retrieved[0].score for query in queries],
        "retrieved": [[shown(found.item) for found in query.retrieved] for query in queries],
        "retrieved_ids": [[found.item.own_id for found in query.retrieved] for query in queries],
    }
