"""Fusion of two models' scores: the weighted sum of z-normalised matrices.

    fused = (1 - weight) z(first) + weight z(second),   z(s) = (s - mean) / standard deviation

The mean and the deviation are of the whole matrix. Fusion of ranked lists, as in ranx
(`norm="zmuv"`, `wsum`), takes them query by query; here that would give two matrices, one of
normalised rows for image queries and one of normalised columns for caption queries, and two scores
for one pair. Of one matrix both directions are counted, as of any model's. Normalising needs no
ground truth, so each gallery is normalised by its own scores; the weight does, and is chosen on
another split than it is reported on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from information_retrieval.ranking.metrics import retrieval_metrics
from information_retrieval.ranking.query_ranks import Ranks
from information_retrieval.ranking.rank_counter import RankCounter
from information_retrieval.ranking.rankings import Rankings
from preprocess.base.errors import InputError

# Rows fused at once: 16 rows of 25,000 captions are 3 MB in float64.
BLOCK_ROWS = 16
# Of the metadata, what may differ between two runs of one model on the same data.
HISTORY = {"path", "version", "model", "protocol", "ties", "code_version", "versions", "command"}


@dataclass(frozen=True)
class ZScale:
    """The mean and the standard deviation of a score matrix."""

    mean: float
    deviation: float

    def of(self, scores: np.ndarray) -> np.ndarray:
        """Return the z-scores of a part of the matrix, same shape, float64."""
        return (scores.astype(np.float64) - self.mean) / self.deviation


def z_scale(scores: np.ndarray) -> ZScale:
    """Measure a score matrix (n_images, n_captions), block by block.

    Raises:
        ValueError: all scores are the same, so that they have no z-scores.
    """
    blocks = _row_blocks(scores)
    mean = sum(float(scores[rows].sum(dtype=np.float64)) for rows in blocks) / scores.size
    squares = sum(float(np.square(scores[rows] - np.float64(mean)).sum()) for rows in blocks)
    deviation = float(np.sqrt(squares / scores.size))
    if deviation == 0:
        raise ValueError(f"all scores are {scores.flat[0]}")
    return ZScale(mean, deviation)


def _row_blocks(scores: np.ndarray) -> list[slice]:
    starts = range(0, len(scores), BLOCK_ROWS)
    return [slice(start, min(start + BLOCK_ROWS, len(scores))) for start in starts]


@dataclass(frozen=True)
class FusedScores:
    """The fused matrix of two models, computed only where it is indexed.

    Attributes:
        first, second: (n_images, n_captions) float32.
        first_scale, second_scale: of the whole matrices.
        weight: of `second`, in [0, 1].
    """

    first: np.ndarray
    second: np.ndarray
    first_scale: ZScale
    second_scale: ZScale
    weight: float

    def __getitem__(self, index) -> np.ndarray:
        """Return the fused scores at any NumPy index, float32."""
        first = self.first_scale.of(self.first[index])
        second = self.second_scale.of(self.second[index])
        return ((1 - self.weight) * first + self.weight * second).astype(np.float32)

    def count_ranks(self, caption_image_index: np.ndarray) -> Ranks:
        """Count the ranks block by block. Raises ValueError as `RankCounter`."""
        own = self[caption_image_index, np.arange(len(caption_image_index))]  # (n_captions,)
        counter = RankCounter(own, caption_image_index, len(self.first))
        for rows in _row_blocks(self.first):
            counter.update(rows, slice(None), self[rows])
        return counter.ranks()


def fuse(first: np.ndarray, second: np.ndarray, weight: float) -> FusedScores:
    """Fuse two score matrices of one gallery. Raises ValueError as `z_scale`."""
    return FusedScores(first, second, z_scale(first), z_scale(second), weight)


def fuse_in_place(first: np.ndarray, second: np.ndarray, weight: float) -> np.ndarray:
    """Fuse into `first`, which is overwritten and returned: there is no third matrix."""
    fused = fuse(first, second, weight)
    for rows in _row_blocks(first):
        first[rows] = fused[rows]
    return first


@dataclass(frozen=True)
class TriedWeight:
    """The rsum (percent, expected ties) that a weight of the second model gives."""

    weight: float
    rsum: float


def try_weights(
    first: np.ndarray,
    second: np.ndarray,
    caption_image_index: np.ndarray,
    weights: Sequence[float],
) -> list[TriedWeight]:
    """Compute the rsum of each weight over the whole gallery. Raises ValueError as `z_scale`."""
    scales = z_scale(first), z_scale(second)
    tried = []
    for weight in weights:
        ranks = FusedScores(first, second, *scales, weight).count_ranks(caption_image_index)
        tried.append(TriedWeight(weight, retrieval_metrics(ranks)["rsum"]))
    return tried


def best_weight(tried: Sequence[TriedWeight]) -> TriedWeight:
    """Return the highest rsum; of equal ones, the weight nearest to 0.5."""
    return max(tried, key=lambda t: (t.rsum, -abs(t.weight - 0.5)))


def check_fusable(first: Rankings, second: Rankings) -> None:
    """Raise InputError unless both rankings are of one gallery, in one order, by two models."""
    for what in ("image_ids", "caption_ids", "caption_image_index"):
        if not np.array_equal(getattr(first, what), getattr(second, what)):
            raise InputError(
                f"{second.metadata.get('path')}: expected the {what} of "
                f"{first.metadata.get('path')}, found others; evaluate both models with one split "
                "file and one --protocol"
            )
    if _is_one_model(first, second):
        raise InputError(
            f"{second.metadata.get('path')}: expected the rankings of another model than "
            f"{first.metadata.get('path')}, found the same model on the same data; nothing to fuse"
        )


def _is_one_model(first: Rankings, second: Rankings) -> bool:
    # By the scores too: not every file tells the weights, and copies may be named otherwise.
    if np.array_equal(first.scores, second.scores):
        return True
    identities = [
        {key: value for key, value in rankings.metadata.items() if key not in HISTORY}
        for rankings in (first, second)
    ]
    return "weights" in first.metadata and identities[0] == identities[1]
