"""The measurements of a step, written whole after each one: a killed step keeps what it had."""

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from preprocess.base.files import atomic_path


def write_whole(path: Path, content: dict) -> None:
    """Write JSON so that a reader finds the former content or this one."""
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", "utf-8")


@dataclass
class Record:
    """What a step has measured so far, by name, in `path`.

    Attributes:
        device: that the step measures.
        folder: for files of the step's own, deleted at its end.
        dry_run: whether the step is to be as small as it can, and its figures mean nothing.
        failed: the names of measurements that raised.
    """

    path: Path
    device: torch.device
    folder: Path
    dry_run: bool
    results: dict[str, dict] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def add(self, name: str, measure: Callable[[], dict]) -> dict:
        """Measure, write and print; what is raised is recorded in place of values.

        Returns:
            the values; without any where the measurement failed.
        """
        try:
            values = measure()
        except Exception as error:  # the other measurements go on, whatever it is
            reason = str(error).strip().splitlines() or [""]
            self.failed.append(name)
            self.results[name] = {"error": f"{type(error).__name__}: {reason[0]}"}
            values = {}
        else:
            self.results[name] = values
        write_whole(self.path, self.results)
        print(f"{name}: {json.dumps(self.results[name])}", flush=True)
        return values


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(
    device: torch.device,
    run: Callable[[], object],
    repeats: int,
    warm_up: Callable[[], object] | None = None,
) -> dict:
    """Run several times, after `warm_up`, which by default is one time more.

    Returns:
        `seconds`, the median, `spread`, slowest over fastest, and `peak_gb`, the most memory that
        PyTorch held on the card meanwhile (None on a CPU).
    """
    (warm_up or run)()
    on_card = device.type == "cuda"
    if on_card:
        torch.cuda.reset_peak_memory_stats(device)
    seconds = []
    for _ in range(repeats):
        synchronize(device)
        start = time.perf_counter()
        run()
        synchronize(device)
        seconds.append(time.perf_counter() - start)
    return {
        "seconds": statistics.median(seconds),
        "spread": max(seconds) / min(seconds),
        "peak_gb": torch.cuda.max_memory_allocated(device) / 1e9 if on_card else None,
    }
