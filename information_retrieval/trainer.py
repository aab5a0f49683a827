"""HF's `Trainer`, with retrieval over the whole minival gallery as its evaluation."""

from dataclasses import dataclass

import numpy as np
from transformers import Trainer, TrainerCallback

from information_retrieval.cross_encoder import score_gallery
from information_retrieval.dataset import MatchingDataset
from information_retrieval.metrics import count_ranks, retrieval_metrics
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
        """Score the gallery exactly and return `retrieval_metrics` with the prefix."""
        scores = self.score_gallery()
        metrics = retrieval_metrics(count_ranks(scores, self.gallery.split.caption_image_index))
        metrics = {f"{metric_key_prefix}_{key}": value for key, value in metrics.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def score_gallery(self) -> np.ndarray:
        """Return the scores of the gallery, (n_images, n_captions) float32, in eval mode."""
        model = self.accelerator.unwrap_model(self.model)
        was_training = model.training
        model.eval()
        try:
            return score_gallery(
                model,
                self.gallery.token_ids,
                self.gallery.features,
                self.gallery.split.image_ids,
                batch_size=self.args.per_device_eval_batch_size,
                show_progress=self.is_world_process_zero() and not self.args.disable_tqdm,
            )
        finally:
            model.train(was_training)
