"""A query as JSON: what was asked, and what a model made of it.

The keys `query`, `ground_truth` and `retrieved` are the original's, where a caption is its text and
an image its id. Ids are ints, as in the original's mined queries (its comparison has them as text);
where the split has names for them, "source_id" and "retrieved_source_ids" are there too.
"""

from error_analysis.queries.query import Query


def query_to_json(query: Query) -> dict:
    """Return the original's three keys with ids, ranks and scores added."""
    return {**asked_to_json(query), **answer_to_json(query)}


def asked_to_json(query: Query) -> dict:
    """Return the query and its ground truth, which are the same under every model."""
    image_id = query.item.image_id
    named = {} if query.item.source_id is None else {"source_id": query.item.source_id}
    if query.direction == "t2i":
        return {
            "query": query.item.caption,
            "ground_truth": image_id,
            "image_id": image_id,
            "caption_id": query.item.caption_id,
            **named,
        }
    captions = [truth.item for truth in query.ground_truth]
    return {
        "query": image_id,
        "ground_truth": [item.caption for item in captions],
        "image_id": image_id,
        "ground_truth_caption_ids": [item.caption_id for item in captions],
        **named,
    }


def answer_to_json(query: Query) -> dict:
    """Return what the model retrieved, best first, and its ranks and scores."""
    items = [retrieved.item for retrieved in query.retrieved]
    image_ids = [item.image_id for item in items]
    if query.direction == "t2i":
        documents: dict[str, list] = {"retrieved": image_ids}
    else:
        documents = {
            "retrieved": [item.caption for item in items],
            "retrieved_caption_ids": [item.caption_id for item in items],
            "retrieved_image_ids": image_ids,
        }
    names = [item.source_id for item in items]
    if any(name is not None for name in names):
        documents["retrieved_source_ids"] = names
    return {
        **documents,
        "retrieved_scores": [retrieved.score for retrieved in query.retrieved],
        "rank": number(query.rank),
        "rank_bounds": [query.lowest, query.highest],
        "tied": query.tied,
        "score": query.score,
        "ground_truth_ranks": [number(truth.rank) for truth in query.ground_truth],
        "ground_truth_scores": [truth.score for truth in query.ground_truth],
    }


def number(rank: float) -> int | float:
    """Return a rank as JSON shows it: 13, or 13.5 or 13.3333 where ties make it so."""
    return int(rank) if rank.is_integer() else round(rank, 4)
