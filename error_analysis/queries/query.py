"""Queries: what was asked, what was right, and what a model retrieved."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings
from information_retrieval.ranking.metrics import top_k
from information_retrieval.ranking.query_ranks import Direction
from preprocess.captions.split_file import Caption, Split

N_RETRIEVED = 10
# Queries described at once: 512 of them against 25,000 captions are 50 MB of scores.
BLOCK_QUERIES = 512


@dataclass(frozen=True, slots=True)
class Item:
    """An image, or one of its captions: what a query or a document is.

    Attributes:
        image_id: the image, or the image that the caption belongs to.
        caption_id, caption: None for an image.
        source_id: the name that the source has for its id; None where there is none.
    """

    image_id: int
    caption_id: int | None = None
    caption: str | None = None
    source_id: str | None = None

    @property
    def own_id(self) -> int:
        """The caption's id, or the image's."""
        return self.image_id if self.caption_id is None else self.caption_id

    def as_caption(self) -> Caption:
        """Return the caption that this is. Raises ValueError for an image."""
        if self.caption_id is None or self.caption is None:
            raise ValueError(f"expected a caption, found image {self.image_id}")
        return Caption(self.caption_id, self.caption, self.source_id)


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """A right document, with its own rank (0-based, expected ties; see `ground_truth_ranks`)."""

    item: Item
    score: float
    rank: float


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A document at the top of a query's list; its place there is its position."""

    item: Item
    score: float
    is_ground_truth: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A query under one model.

    Attributes:
        direction: i2t: the query is an image, documents are captions; t2i: the other way round.
        index: its row (i2t) or column (t2i) of the scores.
        item: the image or caption that is the query.
        rank: 0-based, expected ties (see `query_ranks`). It is its best ground truth's own; where
            several are tied with wrong documents, less: the first of them counts.
        lowest, highest: the rank where all ties are broken for, or against, the model.
        ground_truth: in the order of the split.
        retrieved: the documents scored highest, best first, ties by the lower row or column.
    """

    direction: Direction
    index: int
    item: Item
    rank: float
    lowest: int
    highest: int
    ground_truth: tuple[GroundTruth, ...]
    retrieved: tuple[Retrieved, ...]

    @property
    def tied(self) -> int:
        """How many wrong documents are scored the same as its best ground truth."""
        return self.highest - self.lowest

    @property
    def score(self) -> float:
        """The score of its best ground truth."""
        return max(truth.score for truth in self.ground_truth)


def image_items(gallery: Split) -> list[Item]:
    """Return the gallery's images, in order."""
    return [Item(image.image_id, source_id=image.source_id) for image in gallery.images]


def caption_items(gallery: Split) -> list[Item]:
    """Return the gallery's captions, in order."""
    return [
        Item(image.image_id, caption.caption_id, caption.caption, caption.source_id)
        for image in gallery.images
        for caption in image.captions
    ]


def ground_truth_ranks(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Rank each right document of one query among the wrong ones.

    Other right documents are not counted, neither above it nor beside it.

    Args:
        scores: (n_documents,) float.
        truth: (n_truth,) integer, the positions of the right documents.

    Returns:
        (n_truth,) float64: the wrong documents scored strictly higher, plus half of those tied.
    """
    own = scores[truth]  # (n_truth,)
    higher = np.count_nonzero(scores > own[:, None], axis=1)
    higher -= np.count_nonzero(own > own[:, None], axis=1)
    tied = np.count_nonzero(scores == own[:, None], axis=1)
    tied -= np.count_nonzero(own == own[:, None], axis=1)
    return higher + tied / 2


def describe_queries(
    model: ModelRankings,
    direction: Direction,
    indices: Sequence[int] | np.ndarray,
    n_retrieved: int = N_RETRIEVED,
) -> list[Query]:
    """Look up what a model made of the given queries.

    Args:
        indices: rows (i2t) or columns (t2i) of the scores; the result is in their order.
        n_retrieved: documents listed for each query (all, where the gallery has fewer).
    """
    indices = np.asarray(indices, np.int64)
    images, captions = image_items(model.gallery), caption_items(model.gallery)
    items, documents = (images, captions) if direction == "i2t" else (captions, images)
    queries = []
    for start in range(0, len(indices), BLOCK_QUERIES):
        block = indices[start : start + BLOCK_QUERIES]
        scores = model.scores(direction)[block]  # (<= BLOCK_QUERIES, n_documents)
        best = top_k(scores, n_retrieved)  # (<= BLOCK_QUERIES, n_retrieved)
        for query, line, top in zip(block.tolist(), scores, best, strict=True):
            queries.append(_describe(model, direction, query, items[query], documents, line, top))
    return queries


def _describe(
    model: ModelRankings,
    direction: Direction,
    query: int,
    item: Item,
    documents: Sequence[Item],
    scores: np.ndarray,
    best: np.ndarray,
) -> Query:
    """Describe one query from its `scores` (n_documents,) and its `best` (n_retrieved,)."""
    index = model.gallery.caption_image_index
    truth: Sequence[int]
    if direction == "i2t":
        first, last = np.searchsorted(index, [query, query + 1])  # `index` ascends
        truth = range(first, last)
    else:
        truth = [int(index[query])]
    truth_ranks = ground_truth_ranks(scores, np.array(truth)).tolist()
    ranks = model.query_ranks(direction).subset(np.array([query]))
    return Query(
        direction=direction,
        index=query,
        item=item,
        rank=float(ranks.ranks()[0]),
        lowest=int(ranks.ranks("optimistic")[0]),
        highest=int(ranks.ranks("pessimistic")[0]),
        ground_truth=tuple(
            GroundTruth(documents[d], _decimal(scores[d]), rank)
            for d, rank in zip(truth, truth_ranks, strict=True)
        ),
        retrieved=tuple(
            Retrieved(documents[d], _decimal(scores[d]), d in truth) for d in best.tolist()
        ),
    )


def _decimal(score: np.float32) -> float:
    """Return the shortest decimal that is this float32: 0.3, and not 0.30000001192092896."""
    return float(str(score))
