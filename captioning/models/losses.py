"""What a captioner is trained by."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from captioning.models.configuration import PenaltyOver

NO_TARGET = -100  # in labels, as in all of HF's


def word_loss(logits: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return the mean cross entropy over all targets of a batch; 0 of a batch without one.

    Args:
        logits: (n, length, vocabulary).
        labels: (n, length) int64; `NO_TARGET` where there is none.
    """
    total = cross_entropy(
        logits.flatten(0, 1).float(),
        labels.flatten(),
        ignore_index=NO_TARGET,
        label_smoothing=label_smoothing,
        reduction="sum",
    )
    return total / (labels != NO_TARGET).sum().clamp(min=1)


def attention_penalty(alphas: Tensor, over: PenaltyOver) -> Tensor:
    """Return how far each token is from being looked at once in all: the doubly stochastic term.

    That is (1 - sum over steps of alpha) squared, its mean or sum over an image's tokens, and the
    mean over images that were looked at; 0 where none was.

    Args:
        alphas: (n, length, n_tokens); 0 after the end of a caption, and of an image without one.

    Source: Xu et al., Show, Attend and Tell (2015), equation 14, which sums over tokens.
    """
    looked = alphas.float().sum(1)  # (n, n_tokens)
    apart = (1 - looked).square()
    of_images = apart.mean(1) if over == "mean" else apart.sum(1)
    has_caption = looked.any(1)
    return (of_images * has_caption).sum() / has_caption.sum().clamp(min=1)


def without_last(labels: Tensor, n: int) -> Tensor:
    """Return labels without the last `n` targets of each caption."""
    is_target = labels != NO_TARGET
    left = is_target.flip(1).cumsum(1).flip(1)  # targets from here on, this one included
    return torch.where(is_target & (left > n), labels, NO_TARGET)
