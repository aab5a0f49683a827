"""The training command in processes of its own, to be killed and signalled at chosen moments.

They are forked from one that has done the imports, which take 6 s.
"""

import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from signal import SIGKILL, Signals

import torch

from information_retrieval.train import main
from preprocess.base.command_line import run_command

SECONDS = 60  # a run takes two
CHANGES = {"open", "torch.save", "os.rename", "os.remove", "os.rmdir", "os.mkdir"}
FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Moment:
    """When a process sends itself a signal: just before it changes something in the output folder.

    Attributes:
        change: the path in that folder that is written, renamed or deleted; or n, for the n-th
            change.
        to_workers: whether those that read its data get the signal too, as from Slurm.
    """

    change: str | int
    signal: Signals = SIGKILL
    to_workers: bool = False


@dataclass(frozen=True)
class Ended:
    """How a process ended, and what it printed."""

    status: int
    stdout: str
    stderr: str


def train(
    output: Path, *options, moment: Moment | None = None, command: Callable[[], None] = main
) -> Ended:
    """Run the command to its end."""
    with _started(output, options, moment=moment, command=command) as process:
        return ended(process)


def train_together(
    output: Path,
    world_size: int,
    *options,
    before: Callable[[], None] | None = None,
    command: Callable[[], None] = main,
) -> list[Ended]:
    """Run the command in several processes, with the environment that torchrun gives them.

    Args:
        before: what each process does first, such as patching what it is to run; of a module.
    """
    environment = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    environment |= {"WORLD_SIZE": str(world_size), "LOCAL_WORLD_SIZE": str(world_size)}
    with ExitStack() as stack:
        processes = []
        for rank in map(str, range(world_size)):
            ranks = {"RANK": rank, "LOCAL_RANK": rank}
            own = {"environment": environment | ranks, "before": before, "command": command}
            process = _started(output, options, **own)
            processes.append(stack.enter_context(process))
        return [ended(process) for process in processes]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def _started(
    output: Path,
    options,
    moment: Moment | None = None,
    environment: dict | None = None,
    before: Callable[[], None] | None = None,
    command: Callable[[], None] = main,
) -> Iterator[BaseProcess]:
    environment = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", **(environment or {})}
    printed = output.with_name(f"{output.name}.printed.{environment.get('RANK', 0)}")
    printed.parent.mkdir(parents=True, exist_ok=True)
    arguments = ["--output_dir", output, "--use_cpu", "--disable_tqdm", "True", *options]
    process = FORKING.Process(
        target=_run,
        args=(
            *(list(map(str, arguments)), environment, moment, before, command),
            *(str(output), str(printed)),
        ),
        name=str(printed),
    )
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def ended(process: BaseProcess) -> Ended:
    """Wait for a process that was started here."""
    process.join(SECONDS)
    assert process.exitcode is not None, f"still running after {SECONDS} s"
    texts = (Path(f"{process.name}.{stream}").read_text() for stream in ("stdout", "stderr"))
    return Ended(process.exitcode, *texts)


def _run(
    arguments: list[str],
    environment: dict,
    moment: Moment | None,
    before: Callable[[], None] | None,
    command: Callable[[], None],
    output: str,
    printed: str,
) -> None:
    os.environ.update(environment)
    for stream, name in ((sys.stdout, "stdout"), (sys.stderr, "stderr")):
        with open(f"{printed}.{name}", "wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    torch.set_num_threads(1)
    multiprocessing.set_start_method("fork", force=True)  # as for a user, not what forked this
    os.setpgrp()
    if before is not None:
        before()
    if moment is not None:
        _signal_at(moment, output)
    sys.argv = ["train", *arguments]
    run_command(command)


def _signal_at(moment: Moment, output: str) -> None:
    """Send this process a signal at a moment of the files it writes."""
    save, n_changes, sent = torch.save, 0, False

    def audited_save(obj, file, *args, **kwargs):
        sys.audit("torch.save", os.fspath(file))  # torch writes it without Python's open
        return save(obj, file, *args, **kwargs)

    def on_event(event: str, arguments: tuple) -> None:
        nonlocal n_changes, sent
        path = _changed_path(event, arguments) if event in CHANGES else None
        if sent or path is None or not path.startswith(f"{output}/"):
            return
        n_changes += 1
        if moment.change in (n_changes, os.path.relpath(path, output)):
            sent = True
            if moment.to_workers:
                # By another process: of its parent a worker of torch takes SIGTERM as an order.
                subprocess.run(["kill", f"-{moment.signal:d}", "--", f"-{os.getpgid(0)}"])
            else:
                os.kill(os.getpid(), moment.signal)

    torch.save = audited_save
    sys.addaudithook(on_event)


def _changed_path(event: str, arguments: tuple) -> str | None:
    """Return what an event of Python's audit is about to change; None where it only reads."""
    path = arguments[0]
    if not isinstance(path, str | os.PathLike):
        return None
    path = os.fspath(path)
    if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
        return None
    if event in ("os.remove", "os.rmdir") and arguments[1] >= 0:  # relative to an open folder
        path = os.path.join(os.readlink(f"/proc/self/fd/{arguments[1]}"), path)
    return path
