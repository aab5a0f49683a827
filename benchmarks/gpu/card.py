"""Step: what the card is, and the two rates that bound everything: products and copies."""

import os
import platform
import shutil
import subprocess

import torch
import torchvision
import transformers

from benchmarks.gpu.record import Record, timed
from benchmarks.gpu.types import TYPES, computing_in

SIDE, COPIED, REPEATS = 8192, 1 << 30, 10  # float32 numbers: 4 GB, beyond every cache
DRY_SIDE, DRY_COPIED = 64, 1 << 14


def identity(device: torch.device) -> dict:
    """Name the card, its driver and what runs on it."""
    found = {
        "name": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "transformers": transformers.__version__,
        "torchvision": torchvision.__version__,
    }
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        found["name"] = properties.name
        found["memory_gb"] = properties.total_memory / 1e9
        found["multiprocessors"] = properties.multi_processor_count
        found["capability"] = f"{properties.major}.{properties.minor}"
    if shutil.which("nvidia-smi"):
        query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        found["driver"] = subprocess.run(query, capture_output=True, text=True).stdout.strip()
    return found


def products(device: torch.device, kind: str, side: int) -> dict:
    """Time a large matrix product of random numbers: 2 side^3 operations."""
    with computing_in(kind, device, autocast=False) as dtype:
        left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        times = timed(device, lambda: left @ right, REPEATS)
    return {"tflops": 2 * side**3 / times["seconds"] / 1e12, **times}


def copies(device: torch.device, n_numbers: int) -> dict:
    """Time a copy within the card's memory; each byte is read and written."""
    source = torch.randn(n_numbers, device=device)
    target = torch.empty_like(source)
    times = timed(device, lambda: target.copy_(source), REPEATS)
    return {"gb_per_second": 2 * source.nbytes / times["seconds"] / 1e9, **times}


def measure(record: Record) -> None:
    side, copied = (DRY_SIDE, DRY_COPIED) if record.dry_run else (SIDE, COPIED)
    record.add("identity", lambda: identity(record.device))
    for kind in TYPES:
        record.add(f"product, {kind}", lambda kind=kind: products(record.device, kind, side))
    record.add("copy", lambda: copies(record.device, copied))
