"""The queries of a gallery, numbered: its images in order, then its captions."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from information_retrieval.ranking.query_ranks import Direction
from preprocess.captions.split_file import Split


@dataclass(frozen=True)
class QueryNumbers:
    """The numbers of a gallery's queries, as the report's scripts count them.

    Attributes:
        gallery: the images and captions that were scored.
    """

    gallery: Split

    @property
    def n_images(self) -> int:
        return len(self.gallery.images)

    @property
    def n_queries(self) -> int:
        return self.n_images + len(self.gallery.captions)

    def first(self, direction: Direction) -> int:
        """Return the number of the first query of a direction."""
        return 0 if direction == "i2t" else self.n_images

    def split(self, numbers: range) -> dict[Direction, np.ndarray]:
        """Return the queries with these numbers as their rows (i2t) and columns (t2i)."""
        n_images = self.n_images
        images = range(min(numbers.start, n_images), min(numbers.stop, n_images))
        captions = range(max(numbers.start, n_images) - n_images, max(numbers.stop - n_images, 0))
        return {"i2t": np.array(images, np.int64), "t2i": np.array(captions, np.int64)}

    def of(self, direction: Direction, ids: Iterable[int]) -> np.ndarray:
        """Return the numbers of the queries with these ids, ascending (n,) int64.

        Ids that the gallery does not have are left out: they are of a larger one.
        """
        rows = self.rows(direction)
        found = {rows[query_id] for query_id in ids if query_id in rows}
        return np.array(sorted(found), np.int64) + self.first(direction)

    def rows(self, direction: Direction) -> dict[int, int]:
        """Return the row of each image query, or the column of each caption query, by its id."""
        return self._rows[direction]

    def of_images(self, rows: np.ndarray) -> np.ndarray:
        """Return the numbers of images (n,), given by their rows, and of all their captions."""
        captions = np.flatnonzero(np.isin(self.gallery.caption_image_index, rows))
        return np.concatenate([np.unique(rows), captions + self.n_images]).astype(np.int64)

    @cached_property
    def _rows(self) -> dict[Direction, dict[int, int]]:
        images, captions = self.gallery.image_ids.tolist(), self.gallery.caption_ids.tolist()
        return {
            "i2t": {image_id: row for row, image_id in enumerate(images)},
            "t2i": {caption_id: row for row, caption_id in enumerate(captions)},
        }
