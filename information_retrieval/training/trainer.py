"""HF's `Trainer`, with retrieval over the whole minival gallery as its evaluation."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from accelerate.utils import gather_object
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

from information_retrieval.models.loaded_gallery import LoadedGallery
from information_retrieval.ranking.metrics import retrieval_metrics
from information_retrieval.ranking.rankings import rank_scores
from information_retrieval.scoring.all_pairs import score_all
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
from preprocess.captions.split_file import Split


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


@dataclass(frozen=True)
class Gallery:
    """What retrieval is evaluated on: a split, and a model's way to score it.

    Attributes:
        load: gives the tiles and the encoder, for a model on its device.
    """

    split: Split
    load: Callable[[torch.nn.Module], LoadedGallery]


class RetrievalTrainer(Trainer):
    """Trains on pairs, evaluates by ranking: `eval_rsum`, `eval_i2t_r1` and so on.

    Args:
        loss: of the model's output and the target, where the model's forward gives none.
        groups: how parameters differ in decay and rate.
        add_targets: adds to each batch what a teacher makes of it on its device.
    """

    # What HF's trainer may have besides, such as no model or no data, this one never has.
    model: PreTrainedModel
    args: PaperTrainingArguments
    train_dataset: DrawnAnew

    def __init__(
        self,
        *,
        gallery: Gallery,
        train_dataset: DrawnAnew,
        loss: Callable | None = None,
        groups: ParameterGroups = HFS_GROUPS,
        add_targets: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None,
        **kwargs,
    ):
        # The Trainer asks for an evaluation set before it will evaluate; `evaluate` ranks instead.
        super().__init__(train_dataset=train_dataset, eval_dataset=train_dataset, **kwargs)
        self.gallery = gallery
        self.loss = loss
        self.groups = groups
        self.add_targets = add_targets
        self.loss_parts = LossParts()
        # Else gradient accumulation takes a forward with **kwargs for one that divides its loss.
        self.model_accepts_loss_kwargs = False
        self.interruption = Interruption()
        for callback in (EpochStart(train_dataset), self.interruption):
            self.add_callback(callback)
        # Recalls in a line instead of dictionaries.
        for unwanted in (PrinterCallback, ProgressCallback):
            self.remove_callback(unwanted)
        self.add_callback(TrainingProgress(not self.args.disable_tqdm))

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

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """Return the loss of a batch: the forward's own, or that of `loss`."""
        if self.add_targets is not None:
            inputs = self.add_targets(inputs)
        if self.loss is None:
            output = model(**inputs)
            loss = output.loss
            self.loss_parts.add(getattr(output, "parts", None) or {})
        else:
            image_index = inputs.pop("image_index")
            output = model(**inputs)
            loss = self.loss(output, image_index)
        return (loss, output) if return_outputs else loss

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

    def evaluate(self, eval_dataset=None, ignore_keys=None, metric_key_prefix="eval") -> dict:
        """Score the gallery exactly and return `retrieval_metrics` with the prefix.

        Raises:
            InputError: a score is NaN or infinite: training has diverged.
        """
        rankings = rank_scores(self.score_gallery(), self.gallery.split, metadata={})
        metrics = retrieval_metrics(rankings.ranks)
        metrics = {f"{metric_key_prefix}_{key}": value for key, value in metrics.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    @cached_property
    def _loaded_gallery(self) -> LoadedGallery:
        # Once the model is on its device: the tiles depend on it.
        return self.gallery.load(self.accelerator.unwrap_model(self.model))

    def score_gallery(self) -> np.ndarray:
        """Return the scores of the gallery, (n_images, n_captions) float32, in every process.

        Each process scores every n-th image, so that a pair is scored once.
        """
        n_images, n_captions = len(self.gallery.split.images), len(self.gallery.split.captions)
        rank, world_size = self.accelerator.process_index, self.accelerator.num_processes
        rows = np.arange(n_images)[rank::world_size]
        own = np.empty((0, n_captions), np.float32)
        was_training = self.model.training
        self.model.eval()
        try:
            if len(rows):
                loaded = self._loaded_gallery
                show = self.is_world_process_zero() and not self.args.disable_tqdm
                scorer = loaded.encode(rows)
                own = score_all(scorer, loaded.column_blocks, len(rows), n_captions, show)
        finally:
            self.model.train(was_training)
        scores = np.empty((n_images, n_captions), np.float32)
        parts = gather_object([own]) if world_size > 1 else [own]
        for process, part in enumerate(parts):
            scores[process::world_size] = part
        return scores

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
