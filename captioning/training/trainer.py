"""A trainer whose evaluation captions minival and scores what was said."""

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from accelerate.utils import gather_object
from torch import Tensor
from torch.utils.data import DataLoader, Sampler
from tqdm import tqdm
from transformers import TrainerCallback

from captioning.decoding.captions import GeneratedCaption
from captioning.models.loading import LoadedCaptioner
from captioning.results.caption_counts import SHOWN
from captioning.training.caption_items import (
    FILLER,
    EncodedCaptions,
    collate,
    count_captions,
    count_targets,
)
from captioning.training.minival import Minival, evaluation_line
from information_retrieval.training.resumable_trainer import ResumableTrainer


class ClampedGradients(TrainerCallback):
    """Clamps each number of the gradient, as the original does of its attention.

    Of several processes, after their gradients were averaged.
    """

    def __init__(self, most: float):
        self.most = most

    def on_pre_optimizer_step(self, args, state, control, model=None, **kwargs) -> None:
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.grad.clamp_(-self.most, self.most)


class FilledUp(Sampler[int]):
    """Captions' numbers as another sampler gives them, and `FILLER` up to a multiple.

    Where an epoch's last batches are not full in all processes, accelerate would repeat its first
    captions.
    """

    def __init__(self, sampler: Any, multiple: int):
        self.sampler = sampler
        self.multiple = multiple

    def __len__(self) -> int:
        return -(-len(self.sampler) // self.multiple) * self.multiple

    def __iter__(self) -> Iterator[int]:
        yield from self.sampler
        yield from [FILLER] * (len(self) - len(self.sampler))

    def set_epoch(self, epoch: int) -> None:
        if hasattr(self.sampler, "set_epoch"):
            self.sampler.set_epoch(epoch)


class CaptionTrainer(ResumableTrainer):
    """Trains a captioner; evaluates by what it says of minival: `eval_CIDEr` and so on.

    The loss of a step is the mean over all its targets, however many processes and parts of a batch
    they are in. A mean of the parts' means would weigh words of short captions more. An epoch is
    each caption once, however many there are.
    """

    train_dataset: EncodedCaptions

    def __init__(
        self,
        *,
        captioner: LoadedCaptioner,
        minival: Minival,
        train_dataset: EncodedCaptions,
        **kwargs,
    ):
        super().__init__(
            model=captioner.model,
            train_dataset=train_dataset,
            data_collator=collate,
            processing_class=captioner.vocabulary.tokenizer,
            evaluation_line=partial(evaluation_line, constant=minival.constant_metrics),
            **kwargs,
        )
        self.captioner = captioner
        self.minival = minival
        self.mean_sizes = torch.ones(2)

    def get_train_dataloader(self) -> DataLoader:
        """Return what gives the batches; of several processes the last ones are filled up."""
        loader: Any = super().get_train_dataloader()  # accelerate's
        processes = self.accelerator.num_processes
        if processes > 1 and not self.args.dataloader_drop_last:
            multiple = processes * self.args.train_batch_size
            loader.set_sampler(FilledUp(loader.get_sampler(), multiple))
        return loader

    def get_batch_samples(self, epoch_iterator: Iterator, num_batches: int, device) -> tuple:
        """Return the batches of a step, as HF's does, and see how large they are."""
        batches, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        if batches:
            sizes = torch.stack([self._sizes(batch["labels"].to(device)) for batch in batches])
            self.mean_sizes = self._mean_over_processes(sizes.mean(0))
        return batches, None

    def _sizes(self, labels: Tensor) -> Tensor:
        """Return a batch's targets and captions, (2,) float64."""
        n_targets = count_targets(labels, self.model.config)
        return torch.stack([n_targets, count_captions(labels)]).double()

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """Return a part's loss, weighed by its share of the step's targets, or captions."""
        shares = self._sizes(inputs["labels"]) / self.mean_sizes.to(inputs["labels"].device)
        of_words, of_captions = shares.float()
        output = model(**inputs)
        loss = of_words * output.word_loss
        if output.attention_loss is not None:
            loss = loss + of_captions * self.model.config.attention_penalty * output.attention_loss
            parts = {"words": output.word_loss, "attention": output.attention_loss}
            self.loss_parts.add({name: value.detach() for name, value in parts.items()})
        return (loss, output) if return_outputs else loss

    def evaluate(self, eval_dataset=None, ignore_keys=None, metric_key_prefix="eval") -> dict:
        """Caption minival, and return the metrics of `Minival.judge` with the prefix.

        Warns where one caption serves all images.

        Raises:
            InputError: training has diverged.
        """
        judged = self.minival.judge(self.caption_minival())
        metrics = {f"{metric_key_prefix}_{k}": v for k, v in judged.metrics.items()}
        self.report(metrics)
        if judged.counts.distinct == 1 and self.is_world_process_zero():
            tqdm.write(
                f"warning: epoch {self.state.epoch or 0:.3g}: one caption serves all "
                f"{judged.counts.captions:,} images of minival, "
                f"{judged.counts.commonest[:SHOWN]!r}: the images are not looked at (yet); if that "
                "stays, lower --learning_rate",
                file=sys.stderr,
            )
        return metrics

    def caption_minival(self) -> list[GeneratedCaption]:
        """Return a caption of each image, in every process; each process makes every n-th."""
        n_images = len(self.minival.split.images)
        rank, world_size = self.accelerator.process_index, self.accelerator.num_processes
        was_training = self.model.training
        self.model.eval()
        try:
            own = self.minival.caption(self.captioner, np.arange(n_images)[rank::world_size])
        finally:
            self.model.train(was_training)
        if world_size == 1:
            return own
        captions: list = [None] * n_images
        for process, part in enumerate(gather_object([own])):
            captions[process::world_size] = part
        return captions
