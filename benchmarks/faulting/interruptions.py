"""Commands killed at any moment, and run twice at once: what they leave and what they make."""

import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np

from benchmarks.faulting.commands import Command, contents
from benchmarks.faulting.processes import Ended, start
from benchmarks.faulting.results import Result

KILLED = ("killed at work, same result", "ended before, same result")
TOGETHER = ("second stopped", "second made the result")


def new_folder(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def uninterrupted(command: Command, folder: Path) -> tuple[dict[str, str], float]:
    """Return what the command writes, and the seconds that it takes: the second time."""
    command.run(new_folder(folder))
    ended = command.run(new_folder(folder))
    assert ended.status == 0, ended.printed
    return contents(folder), ended.seconds


def different(found: dict[str, str], expected: dict[str, str]) -> str:
    """Return which files differ, are missing or were left over; "" when none."""
    names = found.keys() | expected.keys()
    return ", ".join(sorted(name for name in names if found.get(name) != expected.get(name)))


def kill(command: Command, folder: Path, n_trials: int, seed: int) -> Result:
    """Kill the command at random moments of its time, each time anew, and repeat it.

    The result must be, byte for byte, that of a run that nothing interrupted; also where the
    second run is killed too, which every fourth is.
    """
    result = Result(command.name)
    expected, seconds = uninterrupted(command, folder)
    generator = np.random.default_rng(seed)
    for trial in range(n_trials):
        new_folder(folder)
        moments = generator.uniform(0, seconds, 1 + (trial % 4 == 3))
        statuses = [start(command.call(folder)).wait(moment).status for moment in moments]
        left = ", ".join(contents(folder)) or "nothing"
        ended = command.run(folder)
        where = f"killed after {', '.join(f'{m:.3f}' for m in moments)} s (left {left}): "
        difference = different(contents(folder), expected)
        if ended.status != 0:
            result.failed(f"{where}repeated, exit status {ended.status}: {ended.last_line}")
        elif difference:
            result.failed(f"{where}repeated, other {difference}")
        else:
            was_killed = -signal.SIGKILL in statuses
            result.held(KILLED[0] if was_killed else KILLED[1])
    return result


def run_twice(command: Command, folder: Path, n_trials: int, seed: int) -> Result:
    """Stop the command at random moments; run it a second time, which must stop or make the result.

    Then the first goes on to the same result, or is told that the second made it.
    """
    result = Result(command.name)
    expected, seconds = uninterrupted(command, folder)
    generator = np.random.default_rng(seed)
    for moment in generator.uniform(0.05 * seconds, 0.95 * seconds, n_trials):
        new_folder(folder)
        first = start(command.call(folder))
        time.sleep(moment)
        os.kill(first.pid, signal.SIGSTOP)
        second = command.run(folder)
        first.started = time.perf_counter()  # what it may take is counted from here
        os.kill(first.pid, signal.SIGCONT)
        line = _what_is_wrong(first.wait(), second, different(contents(folder), expected))
        if line:
            result.failed(f"first stopped after {moment:.3f} s: {line}")
        else:
            result.held(TOGETHER[0] if second.status else TOGETHER[1])
    return result


def _what_is_wrong(first: Ended, second: Ended, difference: str) -> str:
    for which, ended in (("first", first), ("second", second)):
        if ended.status != 0 and not ended.is_one_line:
            return f"the {which} ended with {ended.status}: {ended.last_line}"
    if first.status and second.status:
        return f"both stopped: {first.last_line}; {second.last_line}"
    if second.status and "another process" not in second.printed:
        return f"the second does not say why: {second.last_line}"
    return f"other {difference}" if difference else ""
