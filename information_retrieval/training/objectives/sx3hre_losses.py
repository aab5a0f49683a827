"""Sx3HRe's losses: regression of the teacher's vector, and three ways to align images and texts."""

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.functional import normalize

from information_retrieval.training.objectives.losses import (
    at_least_float32,
    symmetric_cross_entropy,
    wrong_pairs,
)
from preprocess.base.errors import InputError

LARGEST_LOG_SCALE = 4.6052  # as VLMo's code rounds ln(100)


def regression_losses(images: Tensor, texts: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Compare what image and caption of each pair give with the teacher's vector of the image.

    Args:
        images, texts: (batch, width), regressed vectors.
        target: (batch, width), of the teacher, without a gradient.

    Returns:
        Of images and of texts the mean over pairs and entries of the squared differences, at least
        float32. Their mean is the distillation loss.
    """
    images, texts, target = (at_least_float32(x) for x in (images, texts, target))
    return functional.mse_loss(images, target), functional.mse_loss(texts, target)


def contrastive_loss(
    images: Tensor, texts: Tensor, log_scale: Tensor, image_index: Tensor
) -> Tensor:
    """Return the symmetric cross entropy of one layer's vectors, over the batch of all processes.

    Other captions of an image are left out of its classes; the original leaves them in. So it is 0
    for a batch that shows one image alone.

    Args:
        images, texts: (batch, width), not of unit length.
        log_scale: scalar, kept between 0 and ln(100) before use, as VLMo's code means to.
        image_index: (batch,) int64, equal for captions of one image.
    """
    scale = log_scale.clamp(0, LARGEST_LOG_SCALE).exp()
    images, texts = (normalize(at_least_float32(x), dim=-1) for x in (images, texts))
    return symmetric_cross_entropy(images, texts, scale, image_index)


def draw_others(image_index: Tensor, draws: Tensor) -> Tensor:
    """Choose for each image the caption of another one, uniformly among those of the batch.

    Args:
        image_index: (batch,) int64, the image of each pair.
        draws: (batch,) floats, uniform in [0, 1): what is chosen follows from them alone.

    Returns:
        (batch,) int64, positions of pairs.

    Raises:
        InputError: all pairs show one image, as a batch of one does.
    """
    wrong = wrong_pairs(image_index)  # (batch, batch)
    n_wrong = wrong.sum(dim=1)
    if not n_wrong.all():
        raise InputError(
            f"a batch of {len(image_index)} pairs shows one image alone, and --alignment cosine "
            "compares each image with a caption of another; raise --per_device_train_batch_size, "
            "and leave --train_sampling_strategy sequential out"
        )
    chosen = (draws * n_wrong).long().clamp(max=n_wrong - 1)  # among the wrong ones, from 0
    # The first position up to which there is one more of them than that.
    return (wrong.cumsum(dim=1) > chosen[:, None]).int().argmax(dim=1)


def cosine_losses(
    images: Tensor, texts: Tensor, others: Tensor, margin: float
) -> tuple[Tensor, Tensor]:
    """Draw each image to its caption, and from one caption of another image.

    Torch's cosine embedding loss of the 2 batch pairs is the mean of the two.

    Args:
        images, texts: (batch, width), not of unit length.
        others: (batch,) int64, the pair whose caption is wrong for each image (`draw_others`).
        margin: in [-1, 1], the cosine up to which a wrong caption costs nothing.

    Returns:
        The mean of 1 - cosine over the right pairs, and of max(0, cosine - margin) over the wrong.

    Source: the chapter's equation (2), of which the printed second term repeats the first; what
    the text says is meant.
    """
    images, texts = (at_least_float32(x) for x in (images, texts))
    ones = torch.ones(len(images), device=images.device)
    return (
        functional.cosine_embedding_loss(images, texts, ones),
        functional.cosine_embedding_loss(images, texts[others], -ones, margin),
    )
