"""The processes of a command that torchrun or `accelerate launch` started, or the only one."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from transformers.utils import logging

from preprocess.command_line import error_line
from preprocess.device import torch_device
from preprocess.errors import InputError

T = TypeVar("T")
LAST_WORDS_SECONDS = 5.0


@dataclass(frozen=True)
class Processes:
    """This process among those of the run.

    Attributes:
        index, count: of this process, from 0, and of all.
        device: what this process computes on.
    """

    state: PartialState
    device: torch.device

    @property
    def index(self) -> int:
        return self.state.process_index

    @property
    def count(self) -> int:
        return self.state.num_processes

    @property
    def is_main(self) -> bool:
        return self.state.is_main_process

    def agree(self, step: Callable[[], T]) -> T:
        """Run `step` in every process, wait for all, and return this one's result.

        An InputError in any of them ends them all, and the main process alone prints the line.
        """
        result, failure = None, None
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


def join_processes(device: str) -> Processes:
    """Join the processes that a launcher started, each on a device of its own.

    Args:
        device: cpu, or cuda for one GPU a process; of a single process any torch device.

    Raises:
        InputError: no such device, fewer GPUs than processes, or processes on several machines,
            which do not share a memory-mapped file.
    """
    count, local_rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_RANK", 0))
    if count > 1:
        device = _device_of_its_own(device, count, local_rank)
        if int(os.environ.get("LOCAL_WORLD_SIZE", count)) != count:
            raise InputError("several machines: expected all processes on one; start them there")
    own = torch_device(device)
    state = PartialState(cpu=own.type == "cpu")
    if not state.is_main_process:
        logging.disable_progress_bar()
    return Processes(state, own)


def _device_of_its_own(device: str, count: int, local_rank: int) -> str:
    if device not in ("cpu", "cuda"):
        raise InputError(
            f"--device {device}: expected cpu or cuda, of which each of the {count} processes "
            "takes its own"
        )
    if device == "cpu":
        return device
    n_gpus = torch.cuda.device_count()
    if count > n_gpus:
        raise InputError(
            f"{count} processes on {n_gpus} GPUs: expected at most one process a GPU; give the "
            "launcher fewer"
        )
    return f"cuda:{local_rank}"
