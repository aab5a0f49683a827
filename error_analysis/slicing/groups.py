"""Groups of queries that may be easier or harder than the rest: by words, objects, features.

A query may be in many groups, and in most it is not; captions are in the groups of their image.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse

from error_analysis.predicting.query_features import QueryFeatures
from error_analysis.reasons.captions.caption_reasons import REASON_NAMES
from error_analysis.reasons.images.objects import Objects
from error_analysis.reasons.words import content_words, whole_words
from information_retrieval.ranking.query_ranks import Direction
from preprocess.captions.split_file import Split

# Of an image's captions, those that must say a term: one alone may be odd.
_AGREEING = 2
N_BINS = 4


@dataclass(frozen=True)
class Groups:
    """Groups of the queries of one direction.

    Attributes:
        kinds: what each group is by: "words", "object", "kind of object", "feature" or
            "reason".
        names: of each group, such as "living room" or "words 12 to 49".
        members: (n_groups, n_queries) bool.
        image: (n_queries,) int64, the row of the image that each query is or belongs to.
    """

    kinds: tuple[str, ...]
    names: tuple[str, ...]
    members: sparse.csr_array
    image: np.ndarray

    @property
    def by_image(self) -> sparse.csr_array:
        """(n_queries, n_images) float64: 1 where a query is or belongs to an image."""
        n_queries = len(self.image)
        return sparse.csr_array((np.ones(n_queries), (np.arange(n_queries), self.image)))

    @property
    def n_queries(self) -> np.ndarray:
        """(n_groups,) int64, of each group."""
        return np.diff(self.members.indptr)

    @property
    def n_images(self) -> np.ndarray:
        """(n_groups,) int64, that any query of each group is or belongs to."""
        return np.diff(sparse.csr_array(self.members @ self.by_image).indptr)

    def queries_of(self, position: int) -> np.ndarray:
        """Return the places, (n,) ascending, of the queries in one group."""
        start, end = self.members.indptr[position : position + 2]
        return np.sort(self.members.indices[start:end])

    def with_images(self, least: int) -> "Groups":
        """Return the groups of so many images or more, that as many have queries out of."""
        enough = np.flatnonzero(self.n_images >= least)
        inside = sparse.csr_array(self.members[enough] @ self.by_image)  # queries of each image
        whole = inside.data == np.bincount(self.image)[inside.indices]
        n_whole = np.add.reduceat(np.append(whole, False), inside.indptr[:-1], dtype=np.int64)
        n_whole[np.diff(inside.indptr) == 0] = 0
        kept = enough[inside.shape[1] - n_whole >= least]
        kinds, names = (tuple(told[i] for i in kept) for told in (self.kinds, self.names))
        return Groups(kinds, names, self.members[kept], self.image)


def image_groups(gallery: Split, objects: Objects | None = None) -> dict[tuple[str, str], list]:
    """Return kind and name -> rows of the images: by what two captions of each say, by objects."""
    groups: dict[tuple[str, str], list[int]] = {}
    shown = whole_words(gallery.captions)
    for row, image in enumerate(gallery.images):
        said = Counter(
            t for caption in image.captions for t in dict.fromkeys(_terms(caption.caption))
        )
        least = min(_AGREEING, len(image.captions))
        for term, n in said.items():
            if n >= least:
                name = " ".join(shown[word] for word in term)
                groups.setdefault(("words", name), []).append(row)
        if objects is not None:
            found = sorted({one.category for one in objects.of(image.image_id)})
            for category in found:
                groups.setdefault(("object", category), []).append(row)
            families = {objects.supercategories.get(category, "") for category in found} - {""}
            for family in sorted(families):
                groups.setdefault(("kind of object", family), []).append(row)
    return groups


def _terms(caption: str) -> list[tuple[str, ...]]:
    """Return the stems of the content words, alone and each with the next one: "living room"."""
    words = content_words(caption)
    return [*((word,) for word in words), *pairwise(words)]


def groups_of(
    gallery: Split,
    direction: Direction,
    features: QueryFeatures,
    of_images: dict[tuple[str, str], list],
) -> Groups:
    """Return all groups of the queries of one direction.

    Args:
        features: of these queries; those of two values are a group, others four by their size.
        of_images: by `image_groups`.
    """
    index = gallery.caption_image_index
    image = np.arange(len(gallery.images)) if direction == "i2t" else index
    names = list(of_images)
    parts = []
    if of_images:
        rows = np.repeat(np.arange(len(names)), [len(found) for found in of_images.values()])
        columns = np.concatenate(list(of_images.values()))
        shape = (len(names), len(gallery.images))
        by_image = sparse.csr_array((np.ones(len(rows), bool), (rows, columns)), shape)
        parts.append(sparse.csr_array(by_image[:, image]))
    for position, name in enumerate(features.names):
        for kind, told, inside in _bins(name, features.values[:, position]):
            names.append((kind, told))
            parts.append(sparse.csr_array(inside[None, :]))
    none = sparse.csr_array((0, len(image)), dtype=bool)
    members = sparse.csr_array(sparse.vstack([none, *parts]))
    kinds, told_names = (tuple(name[i] for name in names) for i in range(2))
    return Groups(kinds, told_names, members, image)


def _bins(name: str, values: np.ndarray) -> list[tuple[str, str, np.ndarray]]:
    """Return the groups by a feature: kind, name and who is in it, (n_queries,) bool."""
    different = np.unique(values)
    if len(different) == 1:
        return []
    if set(different) == {0.0, 1.0}:
        return [("reason" if name in REASON_NAMES else "feature", name, values == 1)]
    edges = np.unique(np.quantile(values, np.linspace(0, 1, N_BINS + 1)))
    ends, members = [], []
    for position, (low, high) in enumerate(pairwise(edges)):
        last = position == len(edges) - 2
        inside = (values >= low) & ((values <= high) if last else (values < high))
        ends.append((low, values[inside].max(initial=low)))
        members.append(inside)
    names = [f"{name} {_between(low, below)}" for low, below in ends]
    if len(set(names)) < len(names):  # a name is of one group: all digits, where three are too few
        names = [f"{name} {float(low)} to {float(below)}" for low, below in ends]
    return [("feature", told, inside) for told, inside in zip(names, members, strict=True)]


def _between(low: float, high: float) -> str:
    """Return the values of a bin: "12 to 49", or "5" where it has one."""
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
