"""HF's `Trainer`, with retrieval over the whole minival gallery as its evaluation."""

from dataclasses import dataclass

import numpy as np
import torch
from accelerate.utils import gather_object
from transformers import Trainer, TrainerCallback

from information_retrieval.cross_encoder import encode_gallery
from information_retrieval.dataset import MatchingDataset
from information_retrieval.metrics import retrieval_metrics
from information_retrieval.rankings import rank_scores
from preprocess.features_file import FeaturesFile
from preprocess.split_file import Split


@dataclass(frozen=True)
class Gallery:
    """What retrieval is evaluated on: a split, its token ids, and features that cover it."""

    split: Split
    token_ids: list[list[int]]
    features: FeaturesFile

    def __post_init__(self) -> None:
        self.features.check_covers(self.split.image_ids)


class EpochStart(TrainerCallback):
    """Tells the training pairs which epoch begins, before workers copy them."""

    def __init__(self, pairs: MatchingDataset):
        self.pairs = pairs

    def on_epoch_begin(self, args, state, control, **kwargs) -> None:
        # A fraction while resuming within an epoch.
        self.pairs.start_epoch(int(state.epoch or 0))


class RetrievalTrainer(Trainer):
    """Trains on pairs, evaluates by ranking: `eval_rsum`, `eval_i2t_r1` and so on."""

    def __init__(self, *, gallery: Gallery, train_dataset: MatchingDataset, **kwargs):
        # The Trainer asks for an evaluation set before it will evaluate; `evaluate` ranks instead.
        super().__init__(
            train_dataset=train_dataset,
            eval_dataset=train_dataset,
            callbacks=[EpochStart(train_dataset)],
            **kwargs,
        )
        self.gallery = gallery

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

    def score_gallery(self) -> np.ndarray:
        """Return the scores of the gallery, (n_images, n_captions) float32, in every process.

        Each process scores every n-th image, so that a pair is scored once.
        """
        model = self.accelerator.unwrap_model(self.model)
        image_ids = self.gallery.split.image_ids
        rank, world_size = self.accelerator.process_index, self.accelerator.num_processes
        own_ids = image_ids[rank::world_size]
        own = np.empty((0, len(self.gallery.token_ids)), np.float32)
        was_training = model.training
        model.eval()
        try:
            if len(own_ids):
                encoded = encode_gallery(
                    model,
                    self.gallery.token_ids,
                    self.gallery.features,
                    own_ids,
                    dtype=self.evaluation_dtype,
                    batch_size=self.args.per_device_eval_batch_size,
                )
                own = encoded.score_all(
                    show_progress=self.is_world_process_zero() and not self.args.disable_tqdm
                )
        finally:
            model.train(was_training)
        scores = np.empty((len(image_ids), len(self.gallery.token_ids)), np.float32)
        parts = gather_object([own]) if world_size > 1 else [own]
        for process, part in enumerate(parts):
            scores[process::world_size] = part
        return scores

    @property
    def evaluation_dtype(self) -> torch.dtype:
        """The type that training computes in."""
        if self.args.bf16:
            return torch.bfloat16
        return torch.float16 if self.args.fp16 else torch.float32
