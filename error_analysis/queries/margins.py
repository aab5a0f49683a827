"""How much higher the best right document of a query scores than the best wrong one."""

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query import BLOCK_QUERIES
from information_retrieval.ranking.query_ranks import Direction


def score_margins(model: ModelRankings, direction: Direction) -> np.ndarray:
    """Return the margin of each query, (n_queries,) float32, in the model's own scores.

    Positive where a right document is the best of all. Of a query without a wrong document, as
    in a gallery of one image, it is infinite.
    """
    index = model.gallery.caption_image_index  # (n_captions,)
    scores = model.scores(direction)  # (n_queries, n_documents)
    margins = np.empty(len(scores), np.float32)
    for start in range(0, len(scores), BLOCK_QUERIES):
        block = scores[start : start + BLOCK_QUERIES]
        queries = np.arange(start, start + len(block))[:, None]  # (<= BLOCK_QUERIES, 1)
        if direction == "i2t":
            right = index == queries
        else:
            right = np.arange(block.shape[1]) == index[queries]
        best_right = np.where(right, block, -np.inf).max(axis=1)
        best_wrong = np.where(right, -np.inf, block).max(axis=1)
        margins[start : start + len(block)] = best_right - best_wrong
    return margins
