"""A loss of several parts, and these averaged from one log to the next."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers.utils import ModelOutput


@dataclass
class Losses(ModelOutput):
    """The losses of a batch.

    Attributes:
        loss: their sum.
        parts: each by its name, without a gradient.
    """

    loss: Tensor | None = None
    parts: dict[str, Tensor] | None = None


class LossParts:
    """Adds up losses by name; a batch need not have all."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: Counter[str] = Counter()

    def add(self, parts: Mapping[str, Tensor]) -> None:
        """Add the scalars of a batch."""
        for name, value in parts.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] += 1

    def take(self, mean_over_processes: Callable[[Tensor], Tensor]) -> dict[str, float]:
        """Return the means since the last call; without_negatives only if it is not 0.

        Every process has batches of the same kinds.
        """
        if not self._sums:
            return {}
        names = sorted(self._sums)
        means = torch.stack([self._sums[name].float() / self._counts[name] for name in names])
        self._reset()
        values = zip(names, mean_over_processes(means).tolist(), strict=True)
        return {name: value for name, value in values if value or name != "without_negatives"}
