"""The settings that a sweep compares."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product


@dataclass(frozen=True)
class Point:
    """A setting.

    Attributes:
        batch_size: captions of a step, of one process.
        num_layers: of the LSTM.
    """

    batch_size: int
    learning_rate: float
    num_layers: int

    @property
    def name(self) -> str:
        """Return a name for a folder."""
        return f"batch{self.batch_size}_lr{self.learning_rate:g}_layers{self.num_layers}"

    def options(self) -> list[str]:
        """Return the options of captioning.train."""
        return [
            *("--per_device_train_batch_size", str(self.batch_size)),
            *("--learning_rate", repr(self.learning_rate)),
            *("--num_layers", str(self.num_layers)),
        ]


def sweep_points(
    batch_sizes: Sequence[int],
    learning_rates: Sequence[float],
    layers: Sequence[int],
    full_grid: bool = False,
) -> list[Point]:
    """Return the settings, the base first: the first value of each.

    Args:
        full_grid: all combinations; otherwise, as in the paper, one value differs from the base.
    """
    base = Point(batch_sizes[0], learning_rates[0], layers[0])
    if full_grid:
        points = [Point(*values) for values in product(batch_sizes, learning_rates, layers)]
    else:
        points = [
            *(replace(base, batch_size=n) for n in batch_sizes),
            *(replace(base, learning_rate=rate) for rate in learning_rates),
            *(replace(base, num_layers=n) for n in layers),
        ]
    return list(dict.fromkeys([base, *points]))
