"""Training steps, timed, and the share of their time that waits for data."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import DataLoader
from transformers import PreTrainedModel


@dataclass(frozen=True)
class Steps:
    """Mean seconds of a step, those in the loader's `next`, and tokens of a caption, padded."""

    seconds: float
    waiting: float
    tokens: float


def spread(lengths: list[int], n: int) -> np.ndarray:
    """Return the position of the longest, then `n` in equal steps of the order by length."""
    order = np.argsort(lengths, kind="stable")
    picks = (np.arange(n) + 0.5) / n * len(order)
    return order[[-1, *picks.astype(int)]]


def train_on(
    batch: dict[str, torch.Tensor],
    model: PreTrainedModel,
    optimizer: torch.optim.Optimizer,
    dtype: torch.dtype,
    loss: Callable | None = None,
) -> None:
    """Forward, backward, clip, step.

    Args:
        loss: of the output and the image index, where the model's forward gives none.
    """
    batch = {key: value.to(model.device, non_blocking=True) for key, value in batch.items()}
    image_index = None if loss is None else batch.pop("image_index")
    with torch.autocast(model.device.type, dtype, enabled=dtype != torch.float32):
        output = model(**batch)
        value = output.loss if loss is None else loss(output, image_index)
    value.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


def take_steps(
    loader: DataLoader, n_steps: int, train: Callable[[dict], None], device: torch.device
) -> Steps:
    """Train on `n_steps` batches after the first."""

    def now() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter()

    batches = iter(loader)
    train(next(batches))
    waiting, lengths = 0.0, []
    start = now()
    for _ in range(n_steps):
        asked = time.perf_counter()
        batch = next(batches)
        waiting += time.perf_counter() - asked
        lengths.append(batch["input_ids"].shape[1])
        train(batch)
    return Steps((now() - start) / n_steps, waiting / n_steps, float(np.mean(lengths)))
