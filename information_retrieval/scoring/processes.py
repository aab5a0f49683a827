"""The processes of a command that torchrun or `accelerate launch` started, or the only one."""

import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather_object
from transformers.utils import logging

from preprocess.base.command_line import error_line
from preprocess.base.device import default_device, torch_device
from preprocess.base.errors import InputError

T = TypeVar("T")
LAST_WORDS_SECONDS = 5.0
LAUNCHED = ("RANK", "LOCAL_RANK", "WORLD_SIZE")  # what torchrun and accelerate say of a process
MEETING = ("MASTER_ADDR", "MASTER_PORT")  # and of where it meets the others
MPI = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")  # heeded by accelerate on CPUs
# Longer than a network file system may keep to what it knew of a folder: NFS a minute.
SHARED_SECONDS = 90.0


@dataclass(frozen=True)
class Processes:
    """This process among those of the run.

    Attributes:
        index, count: of this process, from 0, and of all.
        device: what this process computes on.
        machine, n_machines: that this process is on, from 0, and how many there are.
    """

    state: PartialState
    device: torch.device
    machine: int = 0
    n_machines: int = 1

    @property
    def index(self) -> int:
        return self.state.process_index

    @property
    def count(self) -> int:
        return self.state.num_processes

    @property
    def is_main(self) -> bool:
        return self.state.is_main_process

    @property
    def is_first_of_machine(self) -> bool:
        return self.state.is_local_main_process

    def from_main(self, step: Callable[[], T]) -> T:
        """Run `step` in the main process alone; return its result in every process.

        An InputError ends them all, as in `agree`.
        """
        [result] = broadcast_object_list([self.agree(lambda: step() if self.is_main else None)])
        return result

    def check_shared(self, folder: Path) -> None:
        """Check that every machine sees the folder, which the main process makes, as its own.

        Raises:
            InputError: a machine does not see what the main process puts there.
        """
        if self.n_machines == 1:
            return
        # A name that no machine has looked for, so that none remembers that it was missing.
        token = self.from_main(lambda: folder / f".shared-{secrets.token_hex(8)}")
        self.from_main(lambda: _make_token(token))
        try:
            self.agree(lambda: _wait_for(token))
        finally:
            if self.is_main:
                token.unlink(missing_ok=True)

    def agree(self, step: Callable[[], T]) -> T:
        """Run `step` in every process, wait for all, and return this one's result.

        An InputError in any of them ends them all, and the main process alone prints the line.
        """
        failure: str | None = None
        try:
            result = step()
        except InputError as error:
            if self.count == 1:
                raise
            failure = error_line(error)
        failures = [line for line in gather_object([failure]) if line is not None]
        if failures:
            if self.is_main:
                print(failures[0], file=sys.stderr, flush=True)
            # The launcher kills the others when one ends: not before the line is out.
            self.state.wait_for_everyone()
            raise SystemExit(1)
        return result

    def stop(self, error: InputError, is_first: bool) -> NoReturn:
        """End this process with the error, and so all: their launcher ends the others.

        Args:
            is_first: no other process has stopped with an error; the others say nothing.
        """
        if self.count == 1:
            raise error
        if not is_first:
            # Longer than the launcher takes: the first one's line is to come out.
            time.sleep(LAST_WORDS_SECONDS)
            raise SystemExit(1)
        # In one piece, and not behind the main process's progress bar.
        sys.stderr.write(f"\n{error_line(error)}\n")
        raise SystemExit(1)

    def leave(self) -> None:
        """End the group of processes, at the end of the run."""
        if self.count > 1:
            self.state.destroy_process_group()


def check_launch(environment: Mapping[str, str]) -> None:
    """Check that what says of this process which one of how many it is, is a launcher's and whole.

    A variable left over from another job, a notebook service or an MPI launcher would make torch
    wait for processes that do not come, or fail on the address of the main one.

    Args:
        environment: usually `os.environ`.

    Raises:
        InputError: some of torchrun's variables without the others, or with impossible values; or
            those of MPI alone, by which accelerate would begin a distributed run.
    """
    numbers = {
        name: _number(environment, name) for name in (*LAUNCHED, *MPI) if name in environment
    }
    if "WORLD_SIZE" in numbers or numbers.get("LOCAL_RANK", -1) >= 0:
        given = [name for name in (*LAUNCHED, *MEETING) if name in environment]
        missing = [name for name in (*LAUNCHED, *MEETING) if name not in environment]
        if missing and not (numbers.get("WORLD_SIZE") == 1 and "LOCAL_RANK" not in numbers):
            raise InputError(
                f"{_listed(given)} set in the environment, but {', '.join(missing)} not: start "
                f"with torchrun, or unset {', '.join(given)}"
            )
        if not missing and not 0 <= numbers["RANK"] < numbers["WORLD_SIZE"]:
            raise InputError(
                f"RANK: expected 0 to {numbers['WORLD_SIZE'] - 1} of WORLD_SIZE "
                f"{numbers['WORLD_SIZE']}, found {numbers['RANK']}; start with torchrun"
            )
        return
    several = [name for name in MPI if numbers.get(name, 1) > 1]
    if several:
        raise InputError(
            f"{several[0]} is {numbers[several[0]]} in the environment, as an MPI launcher or srun "
            f"sets it: start with torchrun, or unset {several[0]}"
        )


def _listed(names: list[str]) -> str:
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"


def _number(environment: Mapping[str, str], name: str) -> int:
    try:
        return int(environment[name])
    except ValueError as error:
        raise InputError(
            f"{name}: expected a number in the environment, found {environment[name]!r}; start "
            "with torchrun, or unset it"
        ) from error


def join_processes(device: str | None) -> Processes:
    """Join the processes that a launcher started, each on a device of its own.

    Args:
        device: cpu, or cuda for one GPU a process; of a single process any torch device;
            None: cuda where there is one, else cpu.

    Raises:
        InputError: no such device, fewer GPUs than processes, or as `check_launch`.
    """
    check_launch(os.environ)
    count, local_rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_RANK", 0))
    if count > 1:
        device = _device_of_its_own(device or default_device(), local_rank)
    own = torch_device(device)
    state = PartialState(cpu=own.type == "cpu")
    if not state.is_main_process:
        logging.disable_progress_bar()
    return Processes(state, own, *_machines())


def join_launched(device: torch.device) -> Processes:
    """Join the processes that HF's `TrainingArguments` have set up, on the device they chose."""
    return Processes(PartialState(), device, *_machines())


def _machines() -> tuple[int, int]:
    """Return the machine of this process and how many there are, by what torchrun says."""
    count = int(os.environ.get("WORLD_SIZE", 1))
    of_machine = int(os.environ.get("LOCAL_WORLD_SIZE", count))
    if of_machine == count:
        return 0, 1
    machine = int(os.environ.get("GROUP_RANK", int(os.environ["RANK"]) // of_machine))
    return machine, int(os.environ.get("GROUP_WORLD_SIZE", -(-count // of_machine)))


def _make_token(token: Path) -> None:
    folder = token.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left_by_a_kill in folder.glob(".shared-*"):
            left_by_a_kill.unlink(missing_ok=True)
        token.touch()
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror})") from error


def _wait_for(token: Path) -> None:
    end = time.monotonic() + SHARED_SECONDS
    while not token.exists():
        if time.monotonic() > end:
            raise InputError(
                f"{token.parent}: on {socket.gethostname()} not the folder that the main process "
                "writes; several machines need one that they share, by a network file system"
            )
        time.sleep(0.1)


def _device_of_its_own(device: str, local_rank: int) -> str:
    if device not in ("cpu", "cuda"):
        raise InputError(
            f"--device {device}: expected cpu or cuda, of which each of several processes takes "
            "its own"
        )
    if device == "cpu":
        return device
    count = int(os.environ.get("LOCAL_WORLD_SIZE", os.environ["WORLD_SIZE"]))
    n_gpus = torch.cuda.device_count()
    if count > n_gpus:
        raise InputError(
            f"{count} processes on {n_gpus} GPUs: expected at most one process a GPU; give the "
            "launcher fewer"
        )
    return f"cuda:{local_rank}"
