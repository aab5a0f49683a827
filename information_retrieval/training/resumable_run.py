"""A run from where its folder says to its end, in one process or many."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from information_retrieval.scoring.processes import Processes
from information_retrieval.training.resumable_trainer import ResumableTrainer
from information_retrieval.training.run_folder import begin_or_go_on, is_finished
from preprocess.base.disk_space import writing_model
from preprocess.base.output_lock import lock_output

T = TypeVar("T", bound=ResumableTrainer)


def run_to_end(
    trainer: T, settings: dict, processes: Processes, write_results: Callable[[T, dict], None]
) -> None:
    """Train, from the last whole checkpoint where there is one, and write the results.

    A signal ends the process with 128 + its number, after a checkpoint.

    Args:
        settings: what the run is begun with: all that its result depends on, as JSON values.

    Raises:
        InputError: the output folder holds another run, is in use, or its disk is full.
    """
    output_dir = Path(trainer.args.output_dir)

    def finished() -> bool:
        """Whether the folder holds this run, finished; nothing is written to see that."""
        if not is_finished(output_dir):
            return False
        begin_or_go_on(output_dir, settings)  # refuses another run's
        return True

    with ExitStack() as held, writing_model(output_dir):
        if processes.from_main(finished):
            if processes.is_main:
                print(f"{output_dir}: this run is finished; nothing to do")
            return
        processes.from_main(lambda: held.enter_context(lock_output(output_dir)))
        processes.check_shared(output_dir)
        checkpoint = processes.from_main(lambda: begin_or_go_on(output_dir, settings))
        trainer.train(resume_from_checkpoint=checkpoint)
        if trainer.stopped_by:
            if processes.is_main:
                print(
                    f"{output_dir}: stopped by {trainer.stopped_by.name}; the same command goes on"
                )
            sys.exit(128 + trainer.stopped_by)
        write_results(trainer, settings)
