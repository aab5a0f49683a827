"""A trainer whose evaluation is retrieval over the whole minival gallery."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from accelerate.utils import gather_object
from torch import Tensor

from information_retrieval.models.loaded_gallery import LoadedGallery
from information_retrieval.ranking.metrics import retrieval_metrics
from information_retrieval.ranking.rankings import rank_scores
from information_retrieval.scoring.all_pairs import score_all
from information_retrieval.training.examples.dataset import DrawnAnew
from information_retrieval.training.progress import recall_line
from information_retrieval.training.resumable_trainer import ResumableTrainer
from preprocess.captions.split_file import Split


@dataclass(frozen=True)
class Gallery:
    """What retrieval is evaluated on: a split, and a model's way to score it.

    Attributes:
        load: gives the tiles and the encoder, for a model on its device.
    """

    split: Split
    load: Callable[[torch.nn.Module], LoadedGallery]


class RetrievalTrainer(ResumableTrainer):
    """Trains on pairs, evaluates by ranking: `eval_rsum`, `eval_i2t_r1` and so on.

    Args:
        loss: of the model's output and the target, where the model's forward gives none.
        add_targets: adds to each batch what a teacher makes of it on its device.
    """

    def __init__(
        self,
        *,
        gallery: Gallery,
        train_dataset: DrawnAnew,
        loss: Callable | None = None,
        add_targets: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None,
        **kwargs,
    ):
        super().__init__(train_dataset=train_dataset, evaluation_line=recall_line, **kwargs)
        self.gallery = gallery
        self.loss = loss
        self.add_targets = add_targets

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

    def evaluate(self, eval_dataset=None, ignore_keys=None, metric_key_prefix="eval") -> dict:
        """Score the gallery exactly and return `retrieval_metrics` with the prefix.

        Raises:
            InputError: a score is NaN or infinite: training has diverged.
        """
        rankings = rank_scores(self.score_gallery(), self.gallery.split, metadata={})
        metrics = retrieval_metrics(rankings.ranks)
        metrics = {f"{metric_key_prefix}_{key}": value for key, value in metrics.items()}
        self.report(metrics)
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
