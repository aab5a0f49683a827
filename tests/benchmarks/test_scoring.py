"""The arithmetic that benchmarks/scoring.py counts."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import LxmertConfig

from benchmarks.scoring import (
    N_REGIONS,
    flop_of_pair,
    flop_of_ways,
    plain_scores,
    random_captions,
    random_model,
)


def test_the_arithmetic_of_the_published_size_is_the_known_one():
    config = LxmertConfig()
    flop = flop_of_ways(config, random_captions(config.vocab_size), n_images=8)
    assert flop["plain, padded to 70"] / 1e9 == pytest.approx(21.9, abs=0.1)
    assert flop["ours"] / 1e9 == pytest.approx(4.0, abs=0.1)


@torch.inference_mode()
def test_the_arithmetic_of_a_plain_pair_is_what_torch_counts():
    model = random_model()
    images = torch.rand(1, N_REGIONS, 2048), torch.rand(1, N_REGIONS, 4)
    with FlopCounterMode(display=False) as counter:
        plain_scores(model, [[5] * 12], images, 0)
    # What is not counted here: the boxes' projection, pooler and head.
    expected = flop_of_pair(model.config, 12, 1, 1)
    assert counter.get_total_flops() == pytest.approx(expected, rel=0.01)
