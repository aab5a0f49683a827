"""All pairs of a gallery scored in memory, where there is no store of tiles to go on with."""

from collections.abc import Iterable

import numpy as np
from tqdm import tqdm

from information_retrieval.models.loaded_gallery import (
    Scorer,
)

BAND_IMAGES = 64  # scored at once in memory


def score_all(
    scorer: Scorer,
    column_blocks: Iterable[np.ndarray],
    n_images: int,
    n_captions: int,
    show_progress: bool,
) -> np.ndarray:
    """Score every image against every caption, in memory.

    What may be interrupted goes through information_retrieval/scoring/score_tiles.py.

    Args:
        column_blocks: captions to score at once, integer; together every one of them.

    Returns:
        (n_images, n_captions) float32.
    """
    scores = np.empty((n_images, n_captions), np.float32)
    blocks = list(column_blocks)
    with tqdm(
        total=scores.size, desc="scoring", unit="pair", unit_scale=True, disable=not show_progress
    ) as progress:
        for start in range(0, n_images, BAND_IMAGES):
            rows = slice(start, min(start + BAND_IMAGES, n_images))
            for columns in blocks:
                tile = scorer.score(rows, columns)
                scores[rows, columns] = tile
                progress.update(tile.size)
    return scores
