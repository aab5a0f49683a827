"""Which of a model's parameters are decayed, and which learn at another rate than the others."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

# X-VLM's, of which neither Swin nor BERT has weights.
NEW_IN_XVLM = r"\.crossattention\.|^(vision_proj|text_proj|itm_head|box_head)\.|^temperature$"


@dataclass(frozen=True)
class ParameterGroups:
    """How parameters differ, besides that HF's trainer decays no bias and no norm.

    Attributes:
        undecayed: pattern of the names of further parameters that are not decayed; None for none.
        faster: pattern of the names of parameters that learn faster; None for none.
        multiplier: of the learning rate, by which they do.
    """

    undecayed: str | None = None
    faster: str | None = None
    multiplier: float = 1.0

    def decayed(self, names: Iterable[str]) -> list[str]:
        """Return which of the names that HF would decay are decayed."""
        if self.undecayed is None:
            return [*names]
        return [name for name in names if not re.search(self.undecayed, name)]

    def split(self, optimizer: torch.optim.Optimizer, model: nn.Module) -> None:
        """Give the faster parameters groups and a rate of their own, in a new optimiser."""
        if self.faster is None or self.multiplier == 1:
            return
        pattern = re.compile(self.faster)
        faster = {p for name, p in model.named_parameters() if pattern.search(name)}
        groups = [*optimizer.param_groups]
        optimizer.param_groups.clear()
        for group in groups:
            for rate, is_faster in ((group["lr"], False), (group["lr"] * self.multiplier, True)):
                chosen = [p for p in group["params"] if (p in faster) == is_faster]
                if chosen:
                    optimizer.add_param_group({**group, "params": chosen, "lr": rate})


HFS_GROUPS = ParameterGroups()
