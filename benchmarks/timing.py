"""Timing that noisy machines do not fool: ways compared in turns, each at its best."""

import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch


def compare(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Run each way once per round, and return the least seconds of each over the rounds.

    The ways take turns, so that what else the machine does slows all of them.
    """
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(repeats):
        for name, run in ways.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def hardware(device: torch.device) -> str:
    """Name what the figures were measured on."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        cpus = Path("/proc/cpuinfo")
        lines = cpus.read_text().splitlines() if cpus.is_file() else []
        models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
        name = f"{models[0] if models else platform.processor()}, {torch.get_num_threads()} threads"
    return f"{name}, torch {torch.__version__}"
