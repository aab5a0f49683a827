"""The grid of tiles, bands of images x blocks of captions, that a score matrix is computed in."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class TileGrid:
    """Which tiles a score matrix is computed in.

    Attributes:
        n_images: rows of the matrix.
        band_rows: rows of a tile; the last band may have fewer.
        column_blocks: the columns of each block, integer; together every column once.
    """

    n_images: int
    band_rows: int
    column_blocks: tuple[np.ndarray, ...]

    @cached_property
    def n_captions(self) -> int:
        return sum(len(block) for block in self.column_blocks)

    @property
    def shape(self) -> tuple[int, int]:
        """(n_bands, n_blocks)."""
        return -(-self.n_images // self.band_rows), len(self.column_blocks)

    def rows(self, band: int) -> slice:
        """Return the rows of a band."""
        start = band * self.band_rows
        return slice(start, min(start + self.band_rows, self.n_images))

    @cached_property
    def pairs(self) -> np.ndarray:
        """(n_bands, n_blocks) int64, the pairs in each tile."""
        bands = (self.rows(band) for band in range(self.shape[0]))
        heights = np.array([rows.stop - rows.start for rows in bands])
        return np.outer(heights, [len(block) for block in self.column_blocks])

    def describe(self) -> dict:
        """Return the grid as JSON values: two grids are the same when these are."""
        widths = np.array([len(block) for block in self.column_blocks], np.int64)
        columns = np.concatenate(self.column_blocks).astype(np.int64)
        return {
            "matrix": [self.n_images, self.n_captions],
            "tiles": list(self.shape),
            "rows a tile": self.band_rows,
            "columns_sha256": hashlib.sha256(widths.tobytes() + columns.tobytes()).hexdigest(),
        }
