"""Captions of which several are kept at each word, and the best whole ones are taken."""

from collections.abc import Sequence

import torch
from torch import Tensor

from captioning.decoding.search import Said, log_probabilities
from captioning.models.stepping import StepwiseCaptioner


def beam_search(
    captioner: StepwiseCaptioner,
    images: Tensor,
    end_id: int,
    max_tokens: int,
    num_beams: int,
    length_penalty: float = 1.0,
    unsaid: Sequence[int] = (),
) -> list[list[Said]]:
    """Keep the `num_beams` best beginnings of a caption at each word.

    A caption's score is its log-probability over (its words, the end counted) to the power of
    `length_penalty`. A caption ends where the end is among the `num_beams` best continuations.
    An image is done when it has so many ended captions and the best beginning scores no better than
    the worst of them, which is what HF's `generate` does with `early_stopping=False`.

    Args:
        images: (n, ...), as the captioner reads them.
        end_id: ends a caption.
        max_tokens: at most so many, the end counted.
        unsaid: ids that are never said.

    Returns:
        For each image the at most `num_beams` captions that ended, the best first; where none did,
        the best that did not, cut.
    """
    logits, state = captioner.begin(images)
    searches = [_ImageSearch(end_id, num_beams, length_penalty) for _ in images]
    # (n, num_beams); at first there is one beginning, the empty one.
    sums = torch.full((len(images), num_beams), -torch.inf, device=images.device)
    sums[:, 0] = 0
    rows = torch.arange(len(images), device=images.device).repeat_interleave(num_beams)
    logits, state = logits[rows], state.select(rows)
    for step in range(max_tokens):
        scores = log_probabilities(logits, unsaid)  # (n * num_beams, vocabulary)
        parents, words, sums = _continue(searches, sums, scores)
        if step + 1 == max_tokens or all(search.is_done for search in searches):
            break
        first = torch.arange(len(images), device=images.device)[:, None] * num_beams
        state = state.select((first + parents).flatten())
        logits, state = captioner.advance(words.flatten(), state)
    return [search.found() for search in searches]


def _continue(
    searches: "list[_ImageSearch]", sums: Tensor, scores: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Take the best continuations of all beginnings by one word.

    Args:
        sums: (n, num_beams), log-probabilities of the beginnings.
        scores: (n * num_beams, vocabulary), of the next word after each.

    Returns:
        The beginning that each of the new ones goes on from, its word, and its log-probability,
        each (n, num_beams).
    """
    n, num_beams = sums.shape
    vocabulary = scores.shape[1]
    total = (sums[:, :, None] + scores.view(n, num_beams, vocabulary)).flatten(1)
    # Each beginning has one end: of twice as many continuations, enough go on.
    best, index = total.topk(2 * num_beams)
    candidates = best.tolist(), (index // vocabulary).tolist(), (index % vocabulary).tolist()
    kept = [
        search.go_on(*of_image) for search, *of_image in zip(searches, *candidates, strict=True)
    ]
    column = torch.tensor(kept, device=sums.device)  # (n, num_beams)
    index = index.gather(1, column)
    return index // vocabulary, index % vocabulary, best.gather(1, column)


class _ImageSearch:
    """The beginnings of one image, and what ended of them."""

    def __init__(self, end_id: int, num_beams: int, length_penalty: float):
        self.end_id = end_id
        self.num_beams = num_beams
        self.length_penalty = length_penalty
        self.begun: list[Said] = [Said((), 0.0, False)] * num_beams
        self.ended: list[Said] = []
        self.is_done = False

    def score(self, said: Said) -> float:
        return said.log_probability / said.length**self.length_penalty

    def go_on(self, sums: list[float], parents: list[int], words: list[int]) -> list[int]:
        """Take continuations, the best first; return the numbers of those that go on."""
        going = [n for n, word in enumerate(words) if word != self.end_id][: self.num_beams]
        if self.is_done:
            return going
        for n in range(self.num_beams):
            # Impossible ones are there while fewer beginnings than beams are.
            if words[n] == self.end_id and sums[n] > -torch.inf:
                self.ended.append(Said(self.begun[parents[n]].token_ids, sums[n], True))
        self.ended = sorted(self.ended, key=self.score, reverse=True)[: self.num_beams]
        self.begun = [
            Said((*self.begun[parents[n]].token_ids, words[n]), sums[n], False) for n in going
        ]
        is_full = len(self.ended) == self.num_beams
        self.is_done = is_full and self.score(self.begun[0]) <= self.score(self.ended[-1])
        return going

    def found(self) -> list[Said]:
        return self.ended or self.begun[:1]
