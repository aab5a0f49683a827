"""Contrastive losses over the scores of a batch's images and captions."""

import torch
from torch import distributed
from torch.distributed.nn.functional import all_gather
from torch.nn.functional import cross_entropy


def wrong_pairs(image_index: torch.Tensor) -> torch.Tensor:
    """Return which pairs of a batch are wrong: (batch, batch) bool, rows are images.

    A caption of the same image that happens to be in the batch is not wrong; where none is, the
    losses are 0.

    Args:
        image_index: (batch,) int64, the image of each pair.
    """
    return image_index[:, None] != image_index[None, :]


def hinge_loss(
    scores: torch.Tensor, image_index: torch.Tensor, margin: float, top_k_violations: int
) -> torch.Tensor:
    """Penalise wrong pairs whose score comes within a margin of the right pair's.

    Of each image's captions and each caption's images, the k worst violations count: k = 1 is
    VSE++'s loss (Faghri et al., 2018, eq. 6). Summed over both directions and the violations,
    averaged over the batch, where VSE++ sums: AdamW does not see the difference.

    Args:
        scores: (batch, batch), rows are images; the right pairs are the diagonal.
        image_index: (batch,) int64.

    Returns:
        A scalar, float32.
    """
    scores = scores.float()
    right = scores.diagonal()
    wrong = wrong_pairs(image_index)
    k = min(top_k_violations, len(scores))
    total = scores.new_zeros(())
    # Of an image its captions, along a row; of a caption its images, along a column.
    for documents, compared in ((1, right[:, None]), (0, right[None, :])):
        violations = (margin + scores - compared).clamp(min=0).where(wrong, 0)  # (batch, batch)
        total = total + violations.topk(k, dim=documents).values.sum()
    return total / len(scores)


def symmetric_cross_entropy(
    image_embeds: torch.Tensor,
    caption_embeds: torch.Tensor,
    scale: torch.Tensor,
    image_index: torch.Tensor,
) -> torch.Tensor:
    """Classify the batch's captions by image, and its images by caption (Radford et al., 2021).

    The batch is that of all processes: embeddings are gathered, with their gradients, so that the
    loss and its gradient do not depend on how many processes share it. Other captions of an image
    are left out of its classes.

    Args:
        image_embeds, caption_embeds: (batch, embedding_dim), unit length, of this process.
        scale: scalar, the learnt factor of the cosines.
        image_index: (batch,) int64.

    Returns:
        A scalar, of at least float32: the mean of both directions.
    """
    images, captions, index = (gather(x) for x in (image_embeds, caption_embeds, image_index))
    wrong = wrong_pairs(index)
    own = torch.eye(len(index), dtype=torch.bool, device=index.device)
    images, captions = at_least_float32(images), at_least_float32(captions)
    logits = scale.to(images.dtype) * images @ captions.T  # (all, all)
    logits = logits.masked_fill(~wrong & ~own, -torch.inf)
    target = torch.arange(len(index), device=index.device)
    return (cross_entropy(logits, target) + cross_entropy(logits.T, target)) / 2


def at_least_float32(x: torch.Tensor) -> torch.Tensor:
    """Widen half precision; float64, in which losses are checked, stays."""
    return x if x.dtype == torch.float64 else x.float()


def gather(x: torch.Tensor) -> torch.Tensor:
    """Concatenate what all processes have, (batch, ...) each, in their order.

    Each process computes the same loss from it. The gradients that come back are the sum over
    processes, and DistributedDataParallel takes the mean: the gradient of that one loss.
    """
    if not distributed.is_initialized() or distributed.get_world_size() == 1:
        return x
    if x.requires_grad:
        return torch.cat(all_gather(x.contiguous()))
    parts = [torch.empty_like(x) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, x.contiguous())
    return torch.cat(parts)


def gather_uneven(*parts: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Do as `gather` for tensors of one length, which may be another in each process.

    Args:
        parts: (batch, ...) each.
    """
    if not distributed.is_initialized() or distributed.get_world_size() == 1:
        return parts
    own = torch.tensor([len(parts[0])], device=parts[0].device)
    lengths = gather(own).tolist()
    most = max(lengths)
    gathered = []
    for part in parts:
        filler = part.new_zeros(most - len(part), *part.shape[1:])
        rows = gather(torch.cat([part, filler])).split(most)  # world_size of (most, ...)
        gathered.append(torch.cat([r[:n] for r, n in zip(rows, lengths, strict=True)]))
    return tuple(gathered)
