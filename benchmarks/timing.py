"""Timing that noisy machines do not fool: ways compared in turns, every round kept."""

import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

MATRIX = {"cpu": 4096, "cuda": 16384}  # side of the large matrix product


def compare(
    ways: dict[str, Callable[[], object]],
    repeats: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Run each way once per round, and return the seconds that each took in every round.

    The ways take turns, so that what else the machine does slows all of them. Each is named on
    stderr as it begins: a round may take minutes.

    Args:
        clock: what gives the seconds; `processor_clock` on a CPU whose cores others work on too.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(1, repeats + 1):
        for name, run in ways.items():
            print(f"{turn} of {repeats}: {name}", file=sys.stderr, flush=True)
            start = clock()
            run()
            seconds[name].append(clock() - start)
    return seconds


def processor_clock() -> float:
    """Return the seconds that this process has had of the processor, a thread.

    Where all its threads work all the time, and no other process does, that is the time that
    passes. Threads must sleep while they wait: OMP_WAIT_POLICY=passive, before PyTorch is imported.
    """
    return time.process_time() / torch.get_num_threads()


def fastest(seconds: dict[str, list[float]]) -> dict[str, float]:
    """Return the least seconds of each way, which other work on the machine disturbed least."""
    return {name: min(rounds) for name, rounds in seconds.items()}


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


def matrix_product(device: torch.device, dtype: torch.dtype) -> Callable[[], None]:
    """Return a large matrix product, of 2 n^3 operations."""
    side = MATRIX[device.type]
    matrix = torch.randn(side, side, device=device).to(dtype)

    def multiply() -> None:
        matrix @ matrix
        if device.type == "cuda":
            torch.cuda.synchronize()

    return multiply
