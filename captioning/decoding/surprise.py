"""How probable a captioner finds captions that people wrote, with their image and without one."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from captioning.models.loading import LoadedCaptioner
from captioning.models.losses import NO_TARGET

MAX_TOKENS = 100  # of a caption that is judged; the others of a batch are padded to it


@dataclass(frozen=True)
class Surprise:
    """How probable a captioner finds a caption: a word's mean log-probability, at most 0.

    Attributes:
        with_image: natural logarithm, given the image.
        without_image: given an image that tells nothing.
        n_tokens: words that were judged, the end counted.
        n_unknown: of these, words that the captioner does not know: it judges `<unk>`.
        is_cut: whether the caption has more than were judged.
    """

    with_image: float
    without_image: float
    n_tokens: int
    n_unknown: int
    is_cut: bool

    @property
    def gain(self) -> float:
        """Return by how much the image makes a word more probable; below 0, less."""
        return self.with_image - self.without_image


@torch.inference_mode()
def surprise(
    captioner: LoadedCaptioner,
    images: Tensor,
    captions: Sequence[str],
    blank: Tensor | None = None,
    max_tokens: int = MAX_TOKENS,
) -> list[Surprise]:
    """Judge captions, each with its image and with a blank one.

    Args:
        images: of each caption, (n, ...), as the captioner reads them.
        blank: what stands for no image, of the shape of one; zeros where None is given. The mean of
            a split's encodings is nearer to what the captioner knows than zeros are.
        max_tokens: a caption's words that are judged, the end counted; fewer where a captioner has
            no positions for more.

    Raises:
        InputError: encodings of another shape than the captioner reads.
    """
    if not captions:
        return []
    model, words = captioner.model, captioner.vocabulary
    images = images.to(captioner.device)
    most = captioner.most_tokens
    max_tokens = max_tokens if most is None else min(max_tokens, most)
    labels = words.labels(captions, max_tokens).to(captioner.device)
    none = torch.zeros_like(images[:1]) if blank is None else blank[None].to(images)
    with_image = _mean_log_probability(model.target_logits(images, labels), labels)
    without = _mean_log_probability(model.target_logits(none.expand_as(images), labels), labels)
    is_target = labels != NO_TARGET
    n_tokens = is_target.sum(1)
    unknown = (labels == words.unknown_id) if words.unknown_id is not None else ~is_target & False
    is_cut = ~(labels == words.end_id).any(1)
    columns = (with_image, without, n_tokens, unknown.sum(1), is_cut)
    return [Surprise(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _mean_log_probability(logits: Tensor, labels: Tensor) -> Tensor:
    """Return that of each row's targets, (n,).

    Args:
        logits: (n, length, vocabulary).
        labels: (n, length).
    """
    is_target = labels != NO_TARGET
    targets = labels.where(is_target, 0)
    of_words = logits.float().log_softmax(-1).gather(2, targets[:, :, None]).squeeze(2)
    return (of_words * is_target).sum(1) / is_target.sum(1)
