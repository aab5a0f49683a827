"""HF's training arguments, with our values of a captioner as defaults."""

from dataclasses import dataclass
from typing import ClassVar

from captioning.metrics.scores import BLEUS
from information_retrieval.training.paper_arguments import PaperTrainingArguments, with_default


@dataclass
class CaptionTrainingArguments(PaperTrainingArguments):
    """HF's training arguments; batch, rate, optimiser and epochs are the captioning paper's.

    AdamW without decay is its Adam; it has no schedule.
    """

    metrics: ClassVar[tuple[str, ...]] = (*BLEUS, "ROUGE_L", "CIDEr")

    learning_rate: float = with_default("learning_rate", 1e-3)
    weight_decay: float = with_default("weight_decay", 0.0)
    lr_scheduler_type: str = with_default("lr_scheduler_type", "constant")
    num_train_epochs: float = with_default("num_train_epochs", 5.0)
    metric_for_best_model: str | None = with_default("metric_for_best_model", "CIDEr")
    # The model is small, and a sequence long.
    fp16: bool = with_default("fp16", False)
    ddp_find_unused_parameters: bool | None = with_default("ddp_find_unused_parameters", False)
