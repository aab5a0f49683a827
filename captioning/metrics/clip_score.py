"""CLIPScore and RefCLIPScore (Hessel et al., 2021) of embeddings, by whichever dual encoder."""

from collections.abc import Sequence

import numpy as np

PREFIX = "A photo depicts "
# Stretches the range of ViT-B/32's cosines; the order of captions is the same without.
SCALE = 2.5


def _unit(embeddings: np.ndarray) -> np.ndarray:
    # In float32: half precision gave 2.53 for .86 (jmhessel/clipscore, issue 2).
    embeddings = embeddings.astype(np.float32)
    return embeddings / np.linalg.norm(embeddings, axis=-1, keepdims=True)


def clip_scores(images: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Return 2.5 x the cosine of each image and its caption, not below 0.

    Args:
        images, candidates: (n_images, embedding_dim); of captions with `PREFIX` before them.

    Returns:
        (n_images,) float32 in [0, 2.5]; the value of a set is the mean.
    """
    return SCALE * np.maximum((_unit(images) * _unit(candidates)).sum(axis=-1), 0)


def reference_similarities(candidates: np.ndarray, references: Sequence[np.ndarray]) -> np.ndarray:
    """Return the greatest cosine of each caption and the references of its image, not below 0.

    Args:
        candidates: (n_images, embedding_dim).
        references: of each image (n_references, embedding_dim).

    Returns:
        (n_images,) float32 in [0, 1].
    """
    greatest = [
        (_unit(own) @ candidate).max()
        for candidate, own in zip(_unit(candidates), references, strict=True)
    ]
    return np.maximum(np.array(greatest, np.float32), 0)


def ref_clip_scores(scores: np.ndarray, similarities: np.ndarray) -> np.ndarray:
    """Return the harmonic mean of CLIPScore and the similarity to the references; of two 0, 0."""
    total = scores + similarities
    return np.divide(2 * scores * similarities, total, out=np.zeros_like(total), where=total > 0)
