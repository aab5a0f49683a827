"""A signal that asks training to end: a checkpoint first, so that nothing is lost."""

import multiprocessing
import os
import signal

import torch
from accelerate import PartialState
from accelerate.utils import gather
from transformers import TrainerCallback

# What Slurm sends before the time limit and on preemption.
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class Interruption(TrainerCallback):
    """Saves and stops after the step in which a process of the run was signalled.

    Of an evaluation under way, after it.

    Attributes:
        received: the signal that this process, or another of the run, was sent; 0 for none.
    """

    def __init__(self):
        self.received = 0
        self._handlers = {}

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        self._handlers = {number: signal.signal(number, self._note) for number in SIGNALS}
        os.register_at_fork(after_in_child=self._shield)

    def _shield(self) -> None:
        # Slurm signals every process of a job: those that read the data are needed until the
        # checkpoint is written.
        if self._handlers:
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)

    def end(self) -> None:
        """Leave signals to whom they were before; end the data's workers, where an error left them.

        Python asks them by SIGTERM when it exits, and waits: they would not hear it.
        """
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}
        for worker in multiprocessing.active_children():
            worker.kill()

    def _note(self, number: int, frame) -> None:
        self.received = number

    def on_step_end(self, args, state, control, **kwargs) -> None:
        # The last step of an epoch is followed by what belongs to the epoch's end.
        if self._stops(state) and not _epoch_is_whole(state):
            control.should_save = True
            control.should_training_stop = True

    def on_epoch_end(self, args, state, control, **kwargs) -> None:
        if not self._stops(state):
            return
        if _epoch_is_whole(state):
            control.should_save = True
            control.should_training_stop = True
        else:
            # Stopped within it, and saved: its end is still to come.
            control.should_log = control.should_evaluate = control.should_save = False

    def _stops(self, state) -> bool:
        # The processes are not signalled at the same step, and must not end at different ones.
        received = self._received_by_any()
        if received:  # a 0 would undo what has come meanwhile, which the next step tells the others
            self.received = received
        return bool(received) and state.global_step < state.max_steps

    def _received_by_any(self) -> int:
        process = PartialState()
        if process.num_processes == 1:
            return self.received
        own = torch.tensor([self.received], device=process.device)
        return int(gather(own).max())  # of two different signals, the greater number


def _epoch_is_whole(state) -> bool:
    return float(state.epoch).is_integer()
