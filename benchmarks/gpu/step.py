"""One step of benchmarks/on_gpu.sh, in this process.

    python -m benchmarks.gpu.step --name lxmert --results runs/gpu/lxmert.partial.json

The step's module has a function `measure`; what it measures is in the results after each
measurement. Exits with status 1 where one of them failed.
"""

import importlib
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

# Before transformers is imported, which would take the folder datasets/ for the package.
sys.modules["datasets"] = None  # type: ignore[assignment]

import torch  # noqa: E402

from benchmarks.gpu.record import Record  # noqa: E402
from preprocess.base.command_line import parse_arguments, run_command  # noqa: E402
from preprocess.base.device import torch_device  # noqa: E402


@dataclass
class StepArguments:
    name: str = field(metadata={"help": "module of benchmarks.gpu, such as lxmert"})
    results: Path = field(metadata={"help": "JSON file of the measurements, written after each"})
    device: str = field(default="cuda", metadata={"help": "torch device to measure"})
    dry_run: bool = field(
        default=False, metadata={"help": "as small as possible, to see that it runs"}
    )


def main() -> None:
    args = parse_arguments(StepArguments, description=__doc__)
    step = importlib.import_module(f"benchmarks.gpu.{args.name}")
    device = torch_device(args.device)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory(prefix="on_gpu-") as folder:
        record = Record(args.results, device, Path(folder), args.dry_run)
        step.measure(record)
    if record.failed:
        sys.exit(f"failed: {', '.join(record.failed)}")


if __name__ == "__main__":
    run_command(main)
