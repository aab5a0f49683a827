"""Batches of captions of like length: less padding, each caption once, the same after a restart."""

import numpy as np
import pytest
import torch

from information_retrieval.training.resumable_trainer import GroupedByLength

BATCH = 8


class Pairs:
    """400 captions of 5 to 40 tokens."""

    lengths = np.random.default_rng(0).integers(5, 41, size=400).tolist()

    def __init__(self):
        self.epoch = torch.zeros(1, dtype=torch.int64)

    def __len__(self) -> int:
        return len(self.lengths)


def order(epoch: int, seed: int = 1, pairs: Pairs | None = None) -> list[int]:
    pairs = pairs or Pairs()
    pairs.epoch.fill_(epoch)
    return list(GroupedByLength(BATCH, pairs, seed))


def padding(order: np.ndarray) -> int:
    """Tokens that a batch adds to its captions, over all batches."""
    lengths = np.array(Pairs.lengths)[order].reshape(-1, BATCH)
    return int((lengths.max(axis=1, keepdims=True) - lengths).sum())


@pytest.mark.parametrize("epoch", [0, 1, 7])
def test_every_caption_comes_once_and_padding_is_less_than_by_chance(epoch):
    found = order(epoch)
    assert sorted(found) == list(range(400))
    chance = np.random.default_rng(epoch).permutation(400)
    assert padding(found) < 0.4 * padding(chance)


def test_epochs_and_seeds_have_orders_of_their_own():
    assert order(0) != order(1)
    assert order(0) != order(0, seed=2)


def test_an_epochs_order_does_not_depend_on_what_was_drawn_before():
    restarted = order(3)
    pairs = Pairs()
    sampler = GroupedByLength(BATCH, pairs, seed=1)
    for epoch in range(3):
        pairs.epoch.fill_(epoch)
        list(sampler)
    torch.rand(5)
    pairs.epoch.fill_(3)
    assert list(sampler) == restarted
    assert list(sampler) == restarted
