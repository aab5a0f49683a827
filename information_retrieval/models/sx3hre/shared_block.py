"""The Transformer block that images and texts pass through, each for itself."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class BlockOutput:
    """What the block hands out of the first token of each sequence.

    Attributes:
        middle: (batch, intermediate_size), its MLP's first layer before the GELU.
        output: (batch, hidden_size), after both residuals, not normalised.
    """

    middle: Tensor
    output: Tensor


class Attention(nn.Module):
    """Attention of the first token to all of its sequence; queries and values have biases."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(width))
        self.v_bias = nn.Parameter(torch.zeros(width))
        self.proj = nn.Linear(width, width)

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        """Return (batch, width).

        Args:
            hidden: (batch, length, width).
            mask: (batch, length), 1 for a token and 0 for padding; None for tokens alone.
        """
        q, k, v = self.qkv.weight.chunk(3)  # (width, width) each
        query = functional.linear(hidden[:, :1], q, self.q_bias)  # (batch, 1, width)
        key = functional.linear(hidden, k)  # (batch, length, width)
        value = functional.linear(hidden, v, self.v_bias)
        query, key, value = (
            x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in (query, key, value)
        )  # (batch, heads, 1 or length, width / heads)
        read = None if mask is None else mask[:, None, None].bool()  # (batch, 1, 1, length)
        context = functional.scaled_dot_product_attention(query, key, value, read)
        return self.proj(context.transpose(1, 2).flatten(2)[:, 0])


class Mlp(nn.Module):
    """Two linear layers with an exact GELU; gives what is before that, too."""

    def __init__(self, width: int, intermediate_size: int):
        super().__init__()
        self.fc1 = nn.Linear(width, intermediate_size)
        self.fc2 = nn.Linear(intermediate_size, width)

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        middle = self.fc1(hidden)
        return middle, self.fc2(functional.gelu(middle))


class SharedBlock(nn.Module):
    """A pre-norm block with layer scale, of which only the first token's output is computed.

    The other tokens are its keys and values alone, as nothing reads what comes of them.

    Source: as the blocks of BEiT (Bao et al., 2022); SX3HRE's layer scale begins at 0.2.
    """

    def __init__(self, width: int, heads: int, intermediate_size: int, eps: float, scale: float):
        super().__init__()
        self.layer_scale = scale
        self.norm1 = nn.LayerNorm(width, eps=eps)
        self.attn = Attention(width, heads)
        self.gamma_1 = nn.Parameter(torch.full((width,), scale))
        self.norm2 = nn.LayerNorm(width, eps=eps)
        self.mlp = Mlp(width, intermediate_size)
        self.gamma_2 = nn.Parameter(torch.full((width,), scale))

    def forward(self, hidden: Tensor, mask: Tensor | None = None) -> BlockOutput:
        """Pass sequences through, (batch, length, width), with a mask as `Attention` takes it."""
        first = hidden[:, 0] + self.gamma_1 * self.attn(self.norm1(hidden), mask)
        middle, change = self.mlp(self.norm2(first))
        return BlockOutput(middle, first + self.gamma_2 * change)
