"""All that is to be measured on a card, within 8 minutes: what `bash benchmarks/on_gpu.sh` runs.

    python -m benchmarks.gpu.run --output runs/gpu

Writes `gpu.json`, anew after each step: what the card is, each step's measurements, and whether
the bars are met. A step is a process of its own, which is killed at its time limit; one that fails
or is killed keeps what it had measured, with the last lines that it printed, and the others run.
What a step leaves of its time is the next ones'. Nothing is read but this repository; nothing else
is written but files that are deleted again.
"""

import collections
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from benchmarks.gpu.bars import bars
from benchmarks.gpu.record import write_whole
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
TAIL = 15  # last lines of a step that are kept
TOTAL_SECONDS = 470  # of all steps
DRY_RUN_TIMES = 4  # as long may a dry run take: a CPU may be slow, and nobody waits for it


@dataclass(frozen=True)
class Step:
    """A module of benchmarks.gpu, and the seconds that it may take at least; then it is killed."""

    name: str
    seconds: float


# What is worth most comes first: right before fast, and the bars before the rest.
STEPS = (
    Step("card", 25),
    Step("checks", 70),
    Step("lxmert", 115),
    Step("detector", 75),
    Step("xvlm", 55),
    Step("clip", 30),
    Step("finetuning", 40),
    Step("sx3hre", 35),
    Step("captioning", 25),
)


@dataclass
class OnGpuArguments:
    output: Path = field(metadata={"help": "folder that gpu.json is written to"})
    dry_run: bool = field(
        default=False,
        metadata={"help": "all of it on the CPU, as small as possible; the figures mean nothing"},
    )


@dataclass
class Outcome:
    """What became of a step.

    Attributes:
        status: ok, failed, timed out, or no time left.
        results: its measurements by name.
        last_lines: that it printed; of a step that was not ok.
    """

    status: str
    seconds: float
    limit: float
    results: dict
    last_lines: list[str]


@contextmanager
def _ended(process: subprocess.Popen):
    """Kill a process and its children at the end, however that comes."""
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run_step(command: list[str], limit: float, results: Path) -> Outcome:
    """Run a step, printing what it prints, for `limit` seconds at most.

    Args:
        results: the JSON file that the step writes; it is deleted.
    """
    tail: collections.deque[str] = collections.deque(maxlen=TAIL)

    def follow(lines) -> None:
        for line in lines:
            print(f"    {line}", end="", flush=True)
            tail.append(line.rstrip())

    results.unlink(missing_ok=True)
    start = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    with _ended(process):
        reader = threading.Thread(target=follow, args=(process.stdout,), daemon=True)
        reader.start()
        try:
            status = "failed" if process.wait(limit) else "ok"
        except subprocess.TimeoutExpired:
            status = "timed out"
    reader.join(5)
    found = json.loads(results.read_text("utf-8")) if results.exists() else {}
    results.unlink(missing_ok=True)
    seconds = time.monotonic() - start
    return Outcome(status, seconds, limit, found, [] if status == "ok" else list(tail))


def step_command(step: Step, results: Path, dry_run: bool) -> list[str]:
    device = "cpu" if dry_run else "cuda"
    command = [sys.executable, "-m", "benchmarks.gpu.step", "--name", step.name]
    return [*command, "--results", str(results), "--device", device, "--dry_run", str(dry_run)]


def run_all(output: Path, dry_run: bool, steps: tuple[Step, ...] = STEPS) -> dict:
    """Run the steps in turn, and return what gpu.json says in the end."""
    start, patience = time.monotonic(), DRY_RUN_TIMES if dry_run else 1
    allowed = 0.0
    outcomes: dict[str, dict] = {}
    content = {"finished": False, "dry_run": dry_run, "steps": outcomes, "bars": []}
    for step in steps:
        allowed += step.seconds
        limit = patience * min(allowed, TOTAL_SECONDS) - (time.monotonic() - start)
        print(f"{step.name}: at most {limit:.0f} s", flush=True)
        results = (output / f"{step.name}.partial.json").resolve()
        if limit > 0:
            outcome = run_step(step_command(step, results, dry_run), limit, results)
        else:
            outcome = Outcome("no time left", 0, 0, {}, [])
        outcomes[step.name] = asdict(outcome)
        content["seconds"] = time.monotonic() - start
        content["bars"] = [asdict(bar) for bar in bars(outcomes)]
        write_whole(output / "gpu.json", content)
        print(f"{step.name}: {outcome.status} after {outcome.seconds:.0f} s", flush=True)
    content["finished"] = True
    write_whole(output / "gpu.json", content)
    return content


def main() -> None:
    args = parse_arguments(OnGpuArguments, description=__doc__)
    if not args.dry_run and not torch.cuda.is_available():
        raise InputError("no GPU that PyTorch can use; --dry_run tries everything on the CPU")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # ends the step too
    args.output.mkdir(parents=True, exist_ok=True)
    content = run_all(args.output, args.dry_run)
    for bar in content["bars"]:
        verdict = {True: "met", False: "not met", None: "not measured"}[bar["met"]]
        print(f"{bar['name']}: {verdict} ({bar['found']}; expected {bar['expected']})")
    if args.dry_run:
        print("a dry run on the CPU: these figures mean nothing")
    print(f"wrote {args.output / 'gpu.json'}")
    failed = [name for name, step in content["steps"].items() if step["status"] != "ok"]
    if failed:
        sys.exit(f"not ok: {', '.join(failed)}")


if __name__ == "__main__":
    run_command(main)
