"""The cross layers that an LXMERT scores pairs with, made faster at the cost of rounding.

Between two attentions everything acts on each token alone. On a GPU that work is bound by memory,
not by arithmetic: a hidden state of 8,192 pairs is gigabytes, read and written again for each
addition, norm and rounding. Two options make it less:

- compiled, each of these steps is one pass, in one kernel for captions of all lengths, for it sees
  the tokens of a block in one dimension;
- hidden states that are kept in the type computed in, instead of float32, are half as long.

Neither is the default: no GPU was at hand to measure them (benchmarks/gpu does). float16 keeps 10
bits of a hidden state, bfloat16 7.
"""

import copy
from dataclasses import dataclass

import torch
from torch import nn
from transformers.models.lxmert.modeling_lxmert import LxmertXLayer

from information_retrieval.models.lxmert.model import LxmertForImageTextMatching

FEED_FORWARDS = ("lang_inter", "lang_output", "visn_inter", "visn_output")


@dataclass(frozen=True)
class BlockOptions:
    """How a block of pairs is computed.

    Attributes:
        compile: compile what acts on each token alone.
        keep_rounded: keep hidden states in the type computed in, where that is not float32.
        images: of a block, at least, where it has room: they share what is computed once for a
            caption; None for what suits the device.
        pairs: of a block, at most; None for what suits the device.
    """

    compile: bool = False
    keep_rounded: bool = False
    images: int | None = None
    pairs: int | None = None


class OnTokens(nn.Module):
    """A module that acts on each token alone, compiled once for any number of them."""

    def __init__(self, module: nn.Module):
        super().__init__()
        module.compile(dynamic=True)
        self.module = module

    def forward(self, *states: torch.Tensor) -> torch.Tensor:
        """Map states, each (..., its width), to (..., width)."""
        # Contiguous: for the first words alone, a view, it would be compiled once more.
        tokens = self.module(*(state.flatten(0, -2).contiguous() for state in states))
        return tokens.unflatten(0, states[0].shape[:-1])


def with_cross_layers(
    model: LxmertForImageTextMatching, dtype: torch.dtype, options: BlockOptions
) -> LxmertForImageTextMatching:
    """Return the model with cross layers as the options say; all other weights are the same ones.

    Args:
        model: stays as it is.
        dtype: that is computed in.
    """
    if not (options.compile or options.keep_rounded):
        return model
    own = {id(parameter) for parameter in model.lxmert.encoder.x_layers.parameters()}
    shared = {id(p): p for p in model.parameters() if id(p) not in own}
    model = copy.deepcopy(model, shared)  # of what deepcopy finds there it makes no copy
    # A ModuleList does not say what its modules are.
    layers: list[LxmertXLayer] = list(model.lxmert.encoder.x_layers)  # type: ignore[arg-type]
    if options.keep_rounded:
        model.lxmert.encoder.x_layers.to(dtype)
    if options.compile:
        for layer in layers:
            attentions = layer.visual_attention, layer.lang_self_att, layer.visn_self_att
            after_attention = ((attention, "output") for attention in attentions)
            feed_forward = ((layer, name) for name in FEED_FORWARDS)
            for part, name in (*after_attention, *feed_forward):
                setattr(part, name, OnTokens(getattr(part, name)))
    return model
