"""Commands that are run one after another, each as a process of its own."""

import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """A command of this package with its options, --output apart."""

    name: str
    options: tuple[str, ...]
    output: Path

    @property
    def words(self) -> list[str]:
        """What follows `python`."""
        return ["-m", f"error_analysis.{self.name}", *self.options, "--output", str(self.output)]


def options_of(**values: object) -> tuple[str, ...]:
    """Return the words of those options that have a value, or a list of some.

    options_of(rankings=[Path("a.npz"), Path("b.npz")], names=None, noise=[], k=10) is
    ("--rankings", "a.npz", "b.npz", "--k", "10").
    """
    words: list[str] = []
    for name, value in values.items():
        given = value if isinstance(value, list) else [value] * (value is not None)
        words += [f"--{name}", *map(str, given)] * bool(given)
    return tuple(words)


def run_steps(steps: Sequence[Step]) -> None:
    """Show and run each step; exit with the status of the first that fails, after a line of it.

    At the end, the seconds of each command are printed, of the slowest first.
    """
    seconds: dict[str, float] = {}
    for number, step in enumerate(steps, start=1):
        print(f"\n$ python {shlex.join(step.words)}", flush=True)
        start = time.perf_counter()
        status = subprocess.run([sys.executable, *step.words], check=False).returncode
        if status:
            how = f"was killed by signal {-status}" if status < 0 else "failed"
            print(
                f"error: step {number} of {len(steps)}, error_analysis.{step.name}, {how}; what "
                "earlier steps wrote is whole, and later ones were not run",
                file=sys.stderr,
            )
            sys.exit(status if status > 0 else 128 - status)
        seconds[step.name] = seconds.get(step.name, 0) + time.perf_counter() - start
    slowest = sorted(seconds, key=lambda name: -seconds[name])
    print("\nseconds: " + ", ".join(f"{name} {seconds[name]:,.0f}" for name in slowest))
