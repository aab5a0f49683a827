"""The block that images and texts pass through, against recorded numbers and a slow one."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm

from information_retrieval.models.sx3hre.shared_block import BlockOutput, SharedBlock
from tests.information_retrieval.models.sx3hre.reference import HEADS, HIDDEN, WIDTH, assert_equal

EPS = 1e-6


def random_block(seed: int = 0) -> SharedBlock:
    block = SharedBlock(WIDTH, HEADS, HIDDEN, EPS, 0.2).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in block.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(0.3 * noise)
    return block


def slow_block(block: SharedBlock, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """All tokens of one sequence without padding, (length, width), one by one and head by head."""
    weights = block.state_dict()

    def norm(name: str, x: Tensor) -> Tensor:
        return layer_norm(x, (WIDTH,), weights[f"{name}.weight"], weights[f"{name}.bias"], EPS)

    def linear(name: str, x: Tensor) -> Tensor:
        return weights[f"{name}.weight"] @ x + weights[f"{name}.bias"]

    normed = [norm("norm1", token) for token in tokens]
    qkv, per_head = weights["attn.qkv.weight"], WIDTH // HEADS
    queries = [qkv[:WIDTH] @ x + weights["attn.q_bias"] for x in normed]
    keys = [qkv[WIDTH : 2 * WIDTH] @ x for x in normed]
    values = [qkv[2 * WIDTH :] @ x + weights["attn.v_bias"] for x in normed]
    middles, outputs = [], []
    for token, query in zip(tokens, queries, strict=True):
        heads = []
        for head in range(HEADS):
            part = slice(head * per_head, (head + 1) * per_head)
            scores = [float(query[part] @ key[part]) / math.sqrt(per_head) for key in keys]
            shares = torch.softmax(torch.tensor(scores, dtype=torch.float64), 0)
            heads.append(sum(share * v[part] for share, v in zip(shares, values, strict=True)))
        first = token + weights["gamma_1"] * linear("attn.proj", torch.cat(heads))
        middles.append(linear("mlp.fc1", norm("norm2", first)))
        change = linear("mlp.fc2", gelu(middles[-1]))
        outputs.append(first + weights["gamma_2"] * change)
    return torch.stack(middles), torch.stack(outputs)


@torch.no_grad()
def test_the_first_token_is_that_of_a_plain_block_of_all_tokens():
    block = random_block()
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randn(2, 6, WIDTH, generator=generator, dtype=torch.float64)
    lengths = [6, 4]
    mask = torch.tensor([[1] * n + [0] * (6 - n) for n in lengths])
    found = block(tokens, mask)
    for row, length in enumerate(lengths):
        middle, output = slow_block(block, tokens[row, :length])
        assert_equal(found.middle[row], middle[0], 1e-12)
        assert_equal(found.output[row], output[0], 1e-12)
    # Nothing else would tell the first token from the second.
    assert (output[0] - output[1]).abs().max() > 0.1


@torch.no_grad()
def test_tokens_without_a_mask_are_all_read():
    block, tokens = random_block(), torch.randn(2, 5, WIDTH, dtype=torch.float64)
    alone, masked = block(tokens), block(tokens, torch.ones(2, 5))
    assert_equal(alone.output, masked.output, 1e-14)
    assert_equal(alone.middle, masked.middle, 1e-14)


@torch.no_grad()
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_middle_and_output_are_the_recorded_ones(recorded, dtype, tolerance):
    found = recorded_block(recorded, dtype)
    assert_equal(found.middle.double(), recorded["shared_interm_cls"], tolerance)
    assert_equal(found.output.double(), recorded["shared_out_cls"], tolerance)


@torch.no_grad()
def test_padding_is_not_read(recorded):
    found = recorded_block(recorded, torch.float64).output
    wrong = recorded["wrong_shared_out_cls_padding_ignored"]
    difference = (found - wrong).abs().amax(dim=1)
    assert difference[0] < 1e-12  # no padding
    assert (difference[1:] > 0.05).all()


def recorded_block(recorded, dtype: torch.dtype) -> BlockOutput:
    block = SharedBlock(WIDTH, HEADS, HIDDEN, EPS, 0.2)
    block.load_state_dict(recorded.state("shared_block", "shared."))
    mask = (~recorded["shared_padding"]).long()
    return block.to(dtype)(recorded["shared_input"].to(dtype), mask)


def test_the_layer_scale_is_what_is_given_at_first():
    block = SharedBlock(WIDTH, HEADS, HIDDEN, EPS, 0.2)
    assert (block.gamma_1 == 0.2).all()
    assert (block.gamma_2 == 0.2).all()


def test_the_published_block_has_its_size():
    with torch.device("meta"):
        block = SharedBlock(768, 12, 3072, EPS, 0.2)
    assert sum(parameter.numel() for parameter in block.parameters()) == 7_088_640
