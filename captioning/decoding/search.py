"""Captions word by word: the most probable each time, or one that is drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from captioning.models.stepping import StepwiseCaptioner


@dataclass(frozen=True)
class Said:
    """What a captioner said of an image.

    Attributes:
        token_ids: without the end.
        log_probability: natural logarithm, of all words and of the end if it was said: the model's
            own, whatever was forbidden or not drawn from.
        ended: whether the end was said; otherwise the caption was cut.
    """

    token_ids: tuple[int, ...]
    log_probability: float
    ended: bool

    @property
    def length(self) -> int:
        """Words, the end counted."""
        return len(self.token_ids) + self.ended


def log_probabilities(logits: Tensor, unsaid: Sequence[int]) -> Tensor:
    """Return each word's, (rows, vocabulary) float32; -inf of what is never said.

    The others stay as they are: what they have together may be less than 1.
    """
    scores = logits.float().log_softmax(-1)
    scores[:, list(unsaid)] = -torch.inf
    return scores


def greedy_search(
    captioner: StepwiseCaptioner,
    images: Tensor,
    end_id: int,
    max_tokens: int,
    unsaid: Sequence[int] = (),
) -> list[Said]:
    """Take the most probable word each time.

    Args:
        images: (n, ...), as the captioner reads them.
        end_id: ends a caption.
        max_tokens: at most so many, the end counted.
        unsaid: ids that are never said.
    """

    def most_probable(scores: Tensor, step: int) -> Tensor:
        return scores.argmax(-1)

    return _one_by_one(captioner, images, end_id, max_tokens, unsaid, most_probable)


def nucleus_search(
    captioner: StepwiseCaptioner,
    images: Tensor,
    end_id: int,
    max_tokens: int,
    top_p: float,
    generator: torch.Generator,
    unsaid: Sequence[int] = (),
) -> list[Said]:
    """Draw each word from the fewest most probable ones that have `top_p` together.

    Each image takes `max_tokens` numbers of the generator, however many words are said: what is
    drawn for it does not depend on how images are batched.

    Args:
        top_p: in (0, 1]; of what may be said.
        generator: on the CPU.

    Source: Holtzman et al., The Curious Case of Neural Text Degeneration (2020).
    """
    numbers = torch.stack([torch.rand(max_tokens, generator=generator) for _ in range(len(images))])
    numbers = numbers.to(images.device)

    def drawn(scores: Tensor, step: int) -> Tensor:
        probabilities, words = scores.softmax(-1).sort(-1, descending=True)
        before = probabilities.cumsum(-1) - probabilities
        kept = torch.where(before < top_p, probabilities, 0.0).cumsum(-1)  # (n, vocabulary)
        aim = numbers[:, step, None] * kept[:, -1:]  # in [0, the probability of all kept)
        column = torch.searchsorted(kept, aim, right=True).clamp(max=kept.shape[1] - 1)
        return words.gather(1, column).squeeze(1)

    return _one_by_one(captioner, images, end_id, max_tokens, unsaid, drawn)


def _one_by_one(
    captioner: StepwiseCaptioner,
    images: Tensor,
    end_id: int,
    max_tokens: int,
    unsaid: Sequence[int],
    choose: Callable[[Tensor, int], Tensor],
) -> list[Said]:
    """Say words, chosen of (n, vocabulary) log-probabilities at a step, until all have ended."""
    logits, state = captioner.begin(images)
    ended = torch.zeros(len(images), dtype=torch.bool, device=images.device)
    said, sums = [], torch.zeros(len(images), device=images.device)
    for step in range(max_tokens):
        scores = log_probabilities(logits, unsaid)
        words = torch.where(ended, end_id, choose(scores, step))  # (n,)
        sums += torch.where(ended, 0.0, scores.gather(1, words[:, None]).squeeze(1))
        said.append(words)
        ended = ended | (words == end_id)
        if step + 1 == max_tokens or ended.all():
            break
        logits, state = captioner.advance(words, state)
    rows = torch.stack(said, 1).tolist()
    return [
        Said(tuple(ids[: ids.index(end_id)] if has_end else ids), total, has_end)
        for ids, total, has_end in zip(rows, sums.tolist(), ended.tolist(), strict=True)
    ]
