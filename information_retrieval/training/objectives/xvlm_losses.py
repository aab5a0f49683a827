"""The losses of X-VLM, as pure functions: contrastive, matching, masked words and boxes.

Each has weight 1 (Zeng et al., 2022). Which pairs of a batch are wrong is told by an index: equal
numbers belong together. Fine-tuning numbers the images; pre-training numbers the texts, so that
the same words said of two regions are no wrong answers to each other, where the published code
takes all others of a batch for wrong.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, l1_loss
from torchvision.ops import box_convert, generalized_box_iou

from information_retrieval.training.objectives.losses import gather_uneven, wrong_pairs

LEAST_WEIGHT = 1e-5  # of a wrong answer, so that each can be drawn
IGNORED = -100  # as a label, to PyTorch's cross-entropy


def contrastive_loss(
    image_embeds: Tensor, text_embeds: Tensor, temperature: Tensor, index: Tensor
) -> Tensor:
    """Classify the texts of a batch by image, and its images by text; equal shares to all right.

    The batch is that of all processes, of which one may have fewer than another, and so is the
    gradient. (The published code gathers features without summing their gradients over the
    processes: of W, its encoders get 1 / W of it.)

    Args:
        image_embeds, text_embeds: (batch, embedding_dim), unit length, of this process.
        temperature: scalar that divides the cosines.
        index: (batch,) int64, equal for pairs that are right answers to each other.

    Returns:
        A scalar, float32: the mean of both directions.
    """
    images, texts, index = gather_uneven(image_embeds, text_embeds, index)
    logits = images.float() @ texts.float().T / temperature.float()  # (all, all)
    right = (~wrong_pairs(index)).float()
    shares = right / right.sum(dim=1, keepdim=True)
    return (cross_entropy(logits, shares) + cross_entropy(logits.T, shares)) / 2


def negative_weights(scores: Tensor, index: Tensor) -> Tensor:
    """Return by which weights a wrong answer is drawn for each row: the harder, the likelier.

    Args:
        scores: (batch, batch), cosines over temperature; rows are what is asked.
        index: (batch,) int64, as in `contrastive_loss`.

    Returns:
        (batch, batch) float32, 0 for right answers.
    """
    return (scores.float().softmax(dim=1) + LEAST_WEIGHT).where(wrong_pairs(index), 0)


def draw_negatives(weights: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw a wrong answer for each row: (batch,) int64; any, where the row has none.

    Args:
        weights: (batch, batch), of `negative_weights`.
        generator: None for PyTorch's own of the device, whose state a checkpoint keeps.
    """
    has_none = weights.sum(dim=1, keepdim=True) == 0
    return torch.multinomial(weights + has_none, 1, generator=generator)[:, 0]


def matching_loss(
    right: Tensor, wrong_images: Tensor, wrong_texts: Tensor, index: Tensor
) -> Tensor:
    """Tell right pairs from drawn wrong ones: the cross-entropy over all three kinds.

    Args:
        right, wrong_images, wrong_texts: (batch, 2), the matching head's logits of the pairs, of
            their texts with drawn images, and of their images with drawn texts.
        index: (batch,) int64, as in `contrastive_loss`.

    Returns:
        A scalar, float32; 0 where all of the batch belong together, so that nothing is wrong. The
        published code ends there.
    """
    logits = torch.cat([right, wrong_images, wrong_texts]).float()  # (3 * batch, 2)
    labels = torch.zeros(len(logits), dtype=torch.int64, device=logits.device)
    labels[: len(right)] = 1
    has_wrong = wrong_pairs(index).any().float()
    return cross_entropy(logits, labels) * has_wrong


def masked_word_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of masked words; 0 where there are none.

    Args:
        logits: (batch, n_masks, vocab_size).
        labels: (batch, n_masks) int64; -100 in slots that no masked word takes.
    """
    total = cross_entropy(
        logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    return total / (labels != IGNORED).sum().clamp(min=1)


def box_losses(predicted: Tensor, target: Tensor, is_image: Tensor) -> tuple[Tensor, Tensor]:
    """Return the L1 distance and 1 - GIoU of boxes, each a mean over the boxes of regions.

    Args:
        predicted, target: (batch, 4): centre x and y, width, height, as shares of the side.
        is_image: (batch,) bool, of texts that tell of the whole image, whose box does not count.

    Returns:
        Two scalars, float32; the first sums the four numbers. 0 for a batch without regions, where
        the published code gives NaN.
    """
    predicted, target = predicted.float(), target.float()
    counts = (~is_image.bool()).float()
    n_boxes = counts.sum().clamp(min=1)
    distance = l1_loss(predicted, target, reduction="none").sum(dim=1)
    corners = (box_convert(boxes, "cxcywh", "xyxy") for boxes in (predicted, target))
    # All with all, of which the diagonal is needed: `generalized_box_iou_loss` adds a constant that
    # small boxes notice.
    overlap = generalized_box_iou(*corners).diagonal()
    return (distance * counts).sum() / n_boxes, ((1 - overlap) * counts).sum() / n_boxes
