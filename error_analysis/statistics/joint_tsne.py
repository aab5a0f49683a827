"""Images and captions in one space: what their cosines say, and one t-SNE of both.

Fitted apart, images and captions would each have a map of their own, and the distance between a
point of one and a point of the other would mean nothing. Here both are points of one fit.

Dual encoders have a modality gap: images lie in one cone, captions in another, and a map shows two
islands (Liang et al., Mind the Gap, NeurIPS 2022). Less the mean of its own kind, each point tells
what sets it apart from its kind, and pairs come together; but no model compares them so.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from preprocess.base.errors import InputError

NEAREST = 10


@dataclass(frozen=True)
class PairPoints:
    """Images and their captions as points of one space.

    Attributes:
        images: (n_images, n_dimensions) float64.
        captions: (n_captions, n_dimensions) float64.
        caption_image_index: (n_captions,) int64, the row of each caption's image.
    """

    images: np.ndarray
    captions: np.ndarray
    caption_image_index: np.ndarray

    def __len__(self) -> int:
        return len(self.images) + len(self.captions)

    def less_means(self) -> "PairPoints":
        """Return the same less the mean image, and less the mean caption."""
        images = self.images - self.images.mean(axis=0)
        return replace(self, images=images, captions=self.captions - self.captions.mean(axis=0))


def cosines(pairs: PairPoints) -> np.ndarray:
    """Return the cosine of every image and caption, (n_images, n_captions); 0 of a zero vector."""
    return _of_unit_length(pairs.images) @ _of_unit_length(pairs.captions).T


def _of_unit_length(points: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    return points / np.where(lengths > 0, lengths, 1)


def share_near(nearness: np.ndarray, caption_image_index: np.ndarray) -> float:
    """Return the share of pairs whose caption is among the 10 captions nearest to its image.

    Args:
        nearness: (n_images, n_captions) float, the greater the nearer; a tie is not nearer.
    """
    n_near = 0
    for row, of_image in enumerate(nearness):
        own = of_image[caption_image_index == row]
        n_nearer = np.count_nonzero(of_image > own[:, None], axis=1)  # (n_own,)
        n_near += int(np.count_nonzero(n_nearer < NEAREST))
    return n_near / len(caption_image_index)


def space_numbers(pairs: PairPoints) -> dict[str, float]:
    """Return what holds in the space itself, whatever a picture makes of it.

    Args:
        pairs: of two images or more.

    Returns:
        "mean_cosine_of_pairs", "mean_cosine_of_others" (an image with captions of other images),
        "distance_of_means" (Euclidean, between the mean image and the mean caption: the modality
        gap where the points are of unit length), "share_among_10_nearest" (see `share_near`).
    """
    found = cosines(pairs)
    is_pair = np.arange(len(pairs.images))[:, None] == pairs.caption_image_index
    gap = pairs.images.mean(axis=0) - pairs.captions.mean(axis=0)
    return {
        "mean_cosine_of_pairs": float(found[is_pair].mean()),
        "mean_cosine_of_others": float(found[~is_pair].mean()),
        "distance_of_means": float(np.linalg.norm(gap)),
        "share_among_10_nearest": share_near(found, pairs.caption_image_index),
    }


def share_near_in_picture(picture: PairPoints) -> float:
    """Return `share_near` by the distances of a picture, whose points are (n, 2)."""
    return share_near(-cdist(picture.images, picture.captions), picture.caption_image_index)


def numbers_of(
    embedded: PairPoints, picture: PairPoints, is_less_means: bool
) -> dict[str, dict[str, float]]:
    """Return the numbers of the space, and of how much of it the picture keeps.

    Args:
        embedded: points of unit length, as the model gives them.
        is_less_means: whether the picture is of these less the mean of their kind.

    Returns:
        "embeddings" and, where it is, "less_means": see `space_numbers`; "picture" and "chance",
        which have the share alone: chance is any order of the captions.
    """
    numbers = {"embeddings": space_numbers(embedded)}
    if is_less_means:
        numbers["less_means"] = space_numbers(embedded.less_means())
    by_chance = min(1.0, NEAREST / len(embedded.captions))
    numbers["picture"] = {"share_among_10_nearest": share_near_in_picture(picture)}
    return {**numbers, "chance": {"share_among_10_nearest": by_chance}}


def check_perplexity(perplexity: float, n_points: int) -> None:
    """Raise InputError unless a t-SNE of so many points can have this perplexity."""
    if not 1 <= perplexity < n_points:
        raise InputError(
            f"--perplexity: expected at least 1 and less than the {n_points:,} points (images and "
            f"captions), found {perplexity:g}; it is about the number of neighbours a point has"
        )


def joint_tsne(pairs: PairPoints, perplexity: float, seed: int) -> PairPoints:
    """Lay out images and captions together, by their cosines.

    One thread computes: several would add up in another order each time, and a t-SNE makes another
    picture of the last bits.

    Returns:
        the same pairs as points of the plane, (n, 2).

    Raises:
        InputError: those of `check_perplexity`.
    """
    from sklearn.manifold import TSNE  # not above: it takes seconds, and --help should not

    check_perplexity(perplexity, len(pairs))
    points = np.concatenate([pairs.images, pairs.captions])
    tsne = TSNE(perplexity=perplexity, metric="cosine", init="pca", random_state=seed)
    with threadpool_limits(1):
        placed = tsne.fit_transform(points).astype(np.float64)
    n_images = len(pairs.images)
    return replace(pairs, images=placed[:n_images], captions=placed[n_images:])
