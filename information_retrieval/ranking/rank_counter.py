"""Ranks counted without sorting, with their ties, of a score matrix or of its tiles.

Everywhere, `scores` is (n_images, n_captions) float: rows are images, columns captions, and
`caption_image_index` is (n_captions,) integer: the row of each caption's image. The direction
`i2t` (text retrieval) queries with an image and ranks captions; `t2i` (image retrieval) queries
with a caption and ranks images. What ties are worth: query_ranks.py.
"""

import numpy as np

from information_retrieval.ranking.query_ranks import DIRECTIONS, QueryRanks, Ranks
from information_retrieval.ranking.top_documents import BLOCK_PAIRS, TopDocuments

# Rows, columns and scores (n_rows, n_columns) of a part of a score matrix.
Tile = tuple[slice, slice | np.ndarray, np.ndarray]
# Rows of a whole matrix taken at once: with fewer, top documents would be merged more often.
BAND_ROWS = 2048


class NotFiniteError(ValueError):
    """A score is NaN or infinite; `row`, `column` and `score` say which."""

    def __init__(self, row: int, column: int, score: float):
        super().__init__(f"score of row {row}, column {column} is {score}")
        self.row, self.column, self.score = row, column, score


class RankCounter:
    """Counts ranks, and keeps top documents, while tiles of scores come in any order.

    A rank is counted against the score of the ground truth, which must be known before the first
    tile.

    Memory: 28 bytes a query, 8 a caption, 12 k a query for the top k, and 2 bytes a pair of half
    a million pairs (50 where all are tied). On paper, 10^6 images x 5 x 10^6 captions: 0.2 GB,
    0.9 GB with the top 10, where the matrix would take 20 TB. Time, at the rates of one busy
    AMD EPYC core with tiles of 1,024 x 8,192: 5 x 10^12 pairs at 0.6 x 10^9 a second take 2.3
    hours, with the top 10 at 0.25 x 10^9 a second 6 hours.

    Attributes:
        top: the top documents of each direction, when `k` is not 0.
    """

    def __init__(
        self, own_scores: np.ndarray, caption_image_index: np.ndarray, n_images: int, k: int = 0
    ):
        """Start from the score of each caption with its image, (n_captions,) float.

        Raises:
            NotFiniteError: one of them is NaN or infinite (NaN would be counted as rank 0).
            ValueError: the shapes do not fit, or an image has no caption.
        """
        n_captions = len(caption_image_index)
        if own_scores.shape != (n_captions,):
            raise ValueError(f"{len(own_scores)} columns of scores, {n_captions} captions")
        captions_of = np.bincount(caption_image_index, minlength=n_images)
        if not captions_of.all():
            raise ValueError(f"image in row {np.argmin(captions_of)} has no caption")
        if not np.isfinite(own_scores).all():
            column = int(np.argmin(np.isfinite(own_scores)))
            raise NotFiniteError(caption_image_index[column], column, own_scores[column])
        self._index, self._own = caption_image_index, own_scores
        self._best = np.full(n_images, -np.inf, own_scores.dtype)
        np.maximum.at(self._best, caption_image_index, own_scores)
        tops = caption_image_index[own_scores == self._best[caption_image_index]]
        self._truths = {
            "i2t": np.bincount(tops, minlength=n_images),
            "t2i": np.ones(n_captions, np.int64),
        }
        sizes = {"i2t": (n_images, n_captions), "t2i": (n_captions, n_images)}
        self._higher = {d: np.zeros(size[0], np.int64) for d, size in sizes.items()}
        self._tied = {d: np.zeros(size[0], np.int64) for d, size in sizes.items()}
        self._seen = {d: np.zeros(size[0], np.int64) for d, size in sizes.items()}
        self.top = {d: TopDocuments(*sizes[d], k, own_scores.dtype) for d in DIRECTIONS if k}

    @classmethod
    def of(cls, scores: np.ndarray, caption_image_index: np.ndarray, k: int = 0) -> "RankCounter":
        """Count a whole matrix in one pass over bands of rows, with some 10 MB beside it.

        Raises: as `__init__` and `update` do.
        """
        n_images, n_captions = scores.shape
        if caption_image_index.shape != (n_captions,):
            raise ValueError(f"{n_captions} columns of scores, {len(caption_image_index)} captions")
        own = scores[caption_image_index, np.arange(n_captions)]  # (n_captions,)
        counter = cls(own, caption_image_index, n_images, k)
        for start in range(0, n_images, BAND_ROWS):
            rows = slice(start, min(start + BAND_ROWS, n_images))
            counter.update(rows, slice(None), scores[rows])
        return counter

    def update(self, rows: slice, columns: slice | np.ndarray, block: np.ndarray) -> None:
        """Count a tile: `block` (n_rows, n_columns) holds the scores of `rows` and `columns`.

        Raises:
            NotFiniteError: a score is NaN or infinite.
            ValueError: the shapes do not fit, or a caption's score with its own image is not the
                one given before: compute both in the same way.
        """
        images = np.arange(len(self._best))[rows]  # (n_rows,)
        captions = np.arange(len(self._own))[columns]  # (n_columns,)
        if block.shape != (len(images), len(captions)):
            raise ValueError(f"{len(images)} rows, {len(captions)} columns, block {block.shape}")
        step = max(1, BLOCK_PAIRS // max(1, len(captions)))
        for start in range(0, len(images), step):
            part = slice(start, start + step)
            self._count(images[part], captions, block[part])
        self._check_own(images, captions, block)
        self._seen["i2t"][images] += len(captions)
        self._seen["t2i"][captions] += len(images)
        if self.top:
            self.top["i2t"].update(images, captions, block)
            self.top["t2i"].update(captions, images, block.T)

    def _count(self, images: np.ndarray, captions: np.ndarray, block: np.ndarray) -> None:
        finite = np.isfinite(block)
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            raise NotFiniteError(images[row], captions[column], block[row, column])
        best, own = self._best[images, None], self._own[captions]  # (n_rows, 1), (n_columns,)
        self._higher["i2t"][images] += _count_true(block > best, axis=1)
        self._tied["i2t"][images] += _count_true(block == best, axis=1)
        self._higher["t2i"][captions] += _count_true(block > own, axis=0)
        self._tied["t2i"][captions] += _count_true(block == own, axis=0)

    def _check_own(self, images: np.ndarray, captions: np.ndarray, block: np.ndarray) -> None:
        """Raise ValueError unless the tile's ground truths have the scores given before."""
        if not block.size:
            return
        row = self._index[captions] - images[0]  # (n_columns,), of each caption's image
        held = np.flatnonzero((row >= 0) & (row < len(images)))
        row, captions = row[held], captions[held]
        wrong = np.flatnonzero(block[row, held] != self._own[captions])
        if len(wrong):
            first = wrong[0]
            raise ValueError(
                f"score of row {images[row[first]]}, column {captions[first]} is "
                f"{block[row[first], held[first]]}, given as ground truth was "
                f"{self._own[captions[first]]}"
            )

    def ranks(self) -> Ranks:
        """Return the ranks, once every pair was counted.

        Raises:
            ValueError: some pairs were not counted, or twice.
        """
        for direction, other in (("i2t", "t2i"), ("t2i", "i2t")):
            seen, n_documents = self._seen[direction], len(self._seen[other])
            if (seen != n_documents).any():
                query = np.argmax(seen != n_documents)
                raise ValueError(
                    f"{direction} query {query}: {seen[query]} scores came, expected {n_documents}"
                )
        # Every ground truth that has the best one's score was counted as tied with it.
        return Ranks(
            *(
                QueryRanks(self._higher[d], self._tied[d] - self._truths[d], self._truths[d])
                for d in DIRECTIONS
            )
        )


def _count_true(mask: np.ndarray, axis: int) -> np.ndarray:
    # Twice as fast as np.count_nonzero, which sums an axis in 64 bits.
    return mask.view(np.uint8).sum(axis=axis, dtype=np.uint32)


def count_ranks(scores: np.ndarray, caption_image_index: np.ndarray) -> Ranks:
    """Count, for every query, the documents above and beside its best ground truth.

    A part of the public interface (docs/python.md).

    Without sorting, in one pass that needs some 10 MB beside the matrix. How many ranks bfloat16
    scores move, and the share of queries that they tie: `python -m benchmarks.scoring`.

    Raises:
        NotFiniteError: a score is NaN or infinite.
        ValueError: the shapes do not fit, or an image has no caption.
    """
    return RankCounter.of(scores, caption_image_index).ranks()
