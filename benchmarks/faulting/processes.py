"""Commands run in forked processes, to be killed, stopped, or kept from writing.

The parent has done the imports, which take 10 s, and nothing else: no tensor is computed before a
fork, which PyTorch's threads would not survive.
"""

import ctypes
import os
import resource
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import torch
from tqdm import tqdm

from preprocess.base.command_line import run_command

LONGEST = 180.0  # seconds; the slowest command takes five
HUNG = 1000  # exit status of one that took longer
CAPABILITY_VERSION = 0x20080522  # of Linux's capset
TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit status, or minus the signal; what it printed; seconds."""

    status: int
    printed: str
    seconds: float

    @property
    def is_one_line(self) -> bool:
        """Whether it stopped as on bad input: one line that says why."""
        lines = [line for line in self.printed.splitlines() if line.startswith("error: ")]
        return self.status == 1 and len(lines) == 1 and TRACEBACK not in self.printed

    @property
    def last_line(self) -> str:
        return self.printed.strip().rpartition("\n")[2]


@dataclass
class Running:
    """A forked process, and where what it prints is read."""

    pid: int
    output: int
    started: float

    def wait(self, kill_after: float = LONGEST) -> Ended:
        """Wait for its end, or kill it `kill_after` seconds after it was started."""
        printed = bytearray()
        end = self.started + kill_after
        while True:
            left = end - time.perf_counter()
            if left <= 0:
                os.kill(self.pid, signal.SIGKILL)
                break
            if select.select([self.output], [], [], left)[0]:
                data = os.read(self.output, 65536)
                if not data:
                    break
                printed += data
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        seconds = time.perf_counter() - self.started
        os.close(self.output)
        if status == -signal.SIGKILL and kill_after == LONGEST:
            status = HUNG
        return Ended(status, printed.decode(errors="replace"), seconds)


def start(call: Callable[[], None]) -> Running:
    """Fork a process that runs `call` as a command, with its exit status and its one error line."""
    read, write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    started = time.perf_counter()
    pid = os.fork()
    if pid:
        os.close(write)
        return Running(pid, read, started)
    status = 70
    try:
        os.close(read)
        os.dup2(write, 1)
        os.dup2(write, 2)
        torch.set_num_threads(1)
        # tqdm's own is shared with all forks: one that was killed while it held it would keep it.
        tqdm.set_lock(threading.RLock())
        status = _run(call)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _run(call: Callable[[], None]) -> int:
    try:
        run_command(call)
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def run(call: Callable[[], None]) -> Ended:
    """Run `call` in a forked process to its end."""
    return start(call).wait()


def limit_file_size(n_bytes: int) -> None:
    """Have this process's writes fail beyond a size of file, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, resource.RLIM_INFINITY))


def obey_permissions() -> None:
    """Give up root's right, in this process, to write where the permissions forbid it."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    none = (ctypes.c_uint32 * 6)()
    if os.geteuid() == 0 and ctypes.CDLL(None).capset(header, none):
        raise OSError("capset")
