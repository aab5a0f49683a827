"""HF's `Trainer`, whose runs go on after a kill and stop whole on a signal."""

import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler, SequentialSampler
from transformers import (
    PreTrainedModel,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerCallback,
)
from transformers.trainer_pt_utils import LengthGroupedSampler
from transformers.trainer_utils import rotate_checkpoints

from information_retrieval.training.examples.dataset import CaptionItems, DrawnAnew
from information_retrieval.training.interruption import Interruption
from information_retrieval.training.objectives.loss_parts import LossParts
from information_retrieval.training.paper_arguments import (
    PaperTrainingArguments,
    telling_bad_options,
)
from information_retrieval.training.progress import TrainingProgress
from information_retrieval.training.recipes.parameter_groups import HFS_GROUPS, ParameterGroups
from information_retrieval.training.run_folder import record, seal


class EpochStart(TrainerCallback):
    """Tells the training pairs which epoch begins, before workers copy them."""

    def __init__(self, pairs: DrawnAnew):
        self.pairs = pairs

    def on_epoch_begin(self, args, state, control, **kwargs) -> None:
        # A fraction while resuming within an epoch.
        self.pairs.start_epoch(int(state.epoch or 0))


class RecordedRun(TrainerCallback):
    """Records after the first step, before any checkpoint, what the run was begun with."""

    def __init__(self, begun_with: dict):
        self.begun_with = begun_with

    def on_step_end(self, args, state, control, **kwargs) -> None:
        if state.is_world_process_zero:
            record(Path(args.output_dir), self.begun_with)


class GroupedByLength(LengthGroupedSampler):
    """HF's sampler, in an order that depends on the seed and the epoch only, so not on restarts."""

    def __init__(self, batch_size: int, pairs: CaptionItems, seed: int):
        super().__init__(batch_size, lengths=pairs.lengths)
        self.pairs = pairs
        self.seed = seed

    def __iter__(self):
        sequence = np.random.SeedSequence((self.seed, int(self.pairs.epoch)))
        self.generator = torch.Generator().manual_seed(int(sequence.generate_state(1)[0]))
        return super().__iter__()


class ResumableTrainer(Trainer):
    """What every training here has; a subclass evaluates in its own way, and calls `report`.

    Args:
        groups: how parameters differ in decay and rate.
        evaluation_line: shows an evaluation, of its epoch and metrics.
    """

    # What HF's trainer may have besides, such as no model or no data, this one never has.
    model: PreTrainedModel
    args: PaperTrainingArguments
    train_dataset: DrawnAnew

    def __init__(
        self,
        *,
        train_dataset: DrawnAnew,
        evaluation_line: Callable[[float, dict[str, float]], str],
        groups: ParameterGroups = HFS_GROUPS,
        **kwargs,
    ):
        # The Trainer asks for an evaluation set before it will evaluate; `evaluate` has its own.
        super().__init__(train_dataset=train_dataset, eval_dataset=train_dataset, **kwargs)
        self.groups = groups
        self.loss_parts = LossParts()
        # Else gradient accumulation takes a forward with **kwargs for one that divides its loss.
        self.model_accepts_loss_kwargs = False
        self.interruption = Interruption()
        for callback in (EpochStart(train_dataset), self.interruption):
            self.add_callback(callback)
        # Evaluations in a line instead of dictionaries.
        for unwanted in (PrinterCallback, ProgressCallback):
            self.remove_callback(unwanted)
        self.add_callback(TrainingProgress(not self.args.disable_tqdm, evaluation_line))

    def check_options(self) -> None:
        """Build the optimiser and the schedule, as training does when it begins, and drop them.

        Raises:
            InputError: HF's options do not allow it, such as a schedule that lacks a value.
        """
        with telling_bad_options():
            self.create_optimizer_and_scheduler(num_training_steps=1)
        self.optimizer = self.lr_scheduler = None

    @property
    def stopped_by(self) -> signal.Signals | None:
        """The signal that ended training before its last step, or None."""
        received = self.interruption.received
        ended = self.state.global_step >= self.state.max_steps
        return None if ended or not received else signal.Signals(received)

    def train(self, *args, **kwargs):
        """Train as HF's does; signals and workers are as before when it ends, however it does."""
        # HF would delete older checkpoints before the new one is sealed, and at the end, with a
        # limit of 1, all but the best: also what a signal had saved.
        self._limit, self.args.save_total_limit = self.args.save_total_limit, None
        try:
            return super().train(*args, **kwargs)
        finally:
            self.args.save_total_limit = self._limit
            self.interruption.end()

    def log(self, logs: dict[str, float], *args, **kwargs) -> None:
        """Log as HF's does, and with the loss its parts."""
        if self.train_dataset.gives_batches:
            # HF counts an item, which is a batch, as one sample, or each as a full batch of pairs.
            logs = {k: v for k, v in logs.items() if k != "train_samples_per_second"}
        if "loss" in logs:
            logs = {**logs, **self.loss_parts.take(self._mean_over_processes)}
        super().log(logs, *args, **kwargs)

    def _mean_over_processes(self, values: Tensor) -> Tensor:
        """Return the mean of each value, (n,), over the processes."""
        return self.accelerator.gather(values[None]).mean(dim=0)

    def get_decay_parameter_names(self, model) -> list[str]:
        """Return the names of the parameters that are decayed."""
        return self.groups.decayed(super().get_decay_parameter_names(model))

    def create_optimizer(self, model=None) -> torch.optim.Optimizer:
        """Make the optimiser, unless there is one."""
        is_new = self.optimizer is None
        optimizer = super().create_optimizer(model)
        if is_new:
            self.groups.split(optimizer, self.model if model is None else model)
        return optimizer

    def get_train_dataloader(self) -> DataLoader:
        """Return what gives the batches; some data make their own, one an item."""
        steps = self.train_dataset
        if not steps.gives_batches:
            return super().get_train_dataloader()
        return self._get_dataloader(
            steps, "Training", 1, lambda _: SequentialSampler(steps), is_training=True
        )

    def _get_train_sampler(self, train_dataset=None) -> Sampler | None:
        if self.args.train_sampling_strategy != "group_by_length":
            return super()._get_train_sampler(train_dataset)
        assert isinstance(self.train_dataset, CaptionItems), "others have no lengths"
        # HF's own would read every item to learn its length.
        batch_size = self.args.train_batch_size * self.args.world_size
        return GroupedByLength(batch_size, self.train_dataset, self.args.seed)

    def report(self, metrics: dict[str, float]) -> None:
        """Log an evaluation, and tell it to the callbacks."""
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )

    def _issue_warnings_after_load(self, load_result) -> None:
        # HF's only warns, and goes on with weights that were never trained.
        tied = getattr(self.model, "all_tied_weights_keys", {}).keys()
        lost = set(load_result.missing_keys) - tied | {*load_result.unexpected_keys}
        if lost:
            raise RuntimeError(f"a checkpoint without {sorted(lost)[:3]}, or by other names")

    def _save_checkpoint(self, model, trial) -> None:
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.is_world_process_zero():
            output_dir = Path(self.args.output_dir)
            seal(output_dir / f"checkpoint-{self.state.global_step}")
            best = self.state.best_model_checkpoint
            rotate_checkpoints(str(output_dir), self._limit, best, use_mtime=True)
        # A launcher may end all processes when the first ends, as after a signal: not before this.
        self.accelerator.wait_for_everyone()
