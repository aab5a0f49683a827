"""HF's training arguments, with the paper's values as defaults."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from transformers import TrainingArguments

from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.ranking.query_ranks import DIRECTIONS
from preprocess.base.command_line import check_at_least
from preprocess.base.errors import InputError

# Options that HF does not look at until training has begun, and the least that they can be.
LEAST = {
    "seed": 0,
    "data_seed": 0,
    "dataloader_num_workers": 0,
    "per_device_train_batch_size": 1,
    "per_device_eval_batch_size": 1,
    "gradient_accumulation_steps": 1,
}


METRICS = (
    *(f"{d}_r{k}" for d in DIRECTIONS for k in CUTOFFS),
    *(f"{d}_{name}" for d in DIRECTIONS for name in ("median_rank", "mean_rank")),
    "rsum",
)


@contextmanager
def telling_bad_options() -> Iterator[None]:
    """Raise as InputError what HF raises while it prepares to train with a user's options.

    It raises whatever it meets: ValueError, ImportError of what is not installed, TypeError of a
    keyword that a schedule does not know, errors of the network.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise InputError(f"training arguments: {reason}") from error


def with_default(name: str, value):
    """Return HF's field of that name, help and all, with another default."""
    return field(default=value, metadata=TrainingArguments.__dataclass_fields__[name].metadata)


@dataclass
class PaperTrainingArguments(TrainingArguments):
    """HF's training arguments with the paper's values as defaults.

    Attributes:
        metrics: by which the best epoch may be chosen, the usual one last.
    """

    metrics: ClassVar[tuple[str, ...]] = METRICS

    output_dir: str = field(metadata={"help": "folder for the checkpoints, made if needed"})
    learning_rate: float = with_default("learning_rate", 1e-5)
    weight_decay: float = with_default("weight_decay", 1e-4)
    per_device_train_batch_size: int = with_default("per_device_train_batch_size", 32)
    per_device_eval_batch_size: int = with_default("per_device_eval_batch_size", 64)
    num_train_epochs: float = with_default("num_train_epochs", 10.0)
    # Not by default_factory, which HfArgumentParser does not heed for a bool.
    use_cpu: bool = field(
        default=not torch.cuda.is_available(),
        metadata={"help": "train on the CPU; by default where there is no GPU"},
    )
    fp16: bool = field(
        default=torch.cuda.is_available(),
        metadata={
            "help": "mixed precision; by default where there is a GPU, unless --bf16 or --use_cpu"
        },
    )
    eval_strategy: str = with_default("eval_strategy", "epoch")
    save_strategy: str = with_default("save_strategy", "epoch")
    save_total_limit: int | None = with_default("save_total_limit", 2)
    load_best_model_at_end: bool = with_default("load_best_model_at_end", True)
    metric_for_best_model: str | None = with_default("metric_for_best_model", "rsum")
    report_to: str = with_default("report_to", "none")
    logging_steps: float = with_default("logging_steps", 0.01)  # of all steps
    # Without a GPU there is nothing to pin for, and torch warns of it each epoch.
    dataloader_pin_memory: bool = field(
        default=torch.cuda.is_available(),
        metadata={"help": "pin the batches in memory; by default where there is a GPU"},
    )
    # The collator takes fields that are no argument of the model's forward.
    remove_unused_columns: bool = with_default("remove_unused_columns", False)
    # The score reads the text's first token alone: of the last cross layer's visual branch no
    # gradient comes, and of a frozen tower neither.
    ddp_find_unused_parameters: bool | None = with_default("ddp_find_unused_parameters", True)

    def __post_init__(self) -> None:
        if self.train_sampling_strategy == "batch_rebalance":
            raise InputError(
                "--train_sampling_strategy: expected random, sequential or group_by_length, found "
                "batch_rebalance, which is for HF's own datasets"
            )
        for option in ("label_smoothing_factor", "resume_from_checkpoint", "use_liger_kernel"):
            if getattr(self, option):
                raise InputError(f"--{option}: not an option here; leave it out")
        for option, least in LEAST.items():
            if getattr(self, option) is not None:
                check_at_least(f"--{option}", getattr(self, option), least)
        if self.max_steps == 0 or not self.num_train_epochs > 0:
            raise InputError("--num_train_epochs, --max_steps: expected some training, found none")
        metric = (self.metric_for_best_model or self.metrics[-1]).removeprefix("eval_")
        if metric not in self.metrics:
            raise InputError(
                f"--metric_for_best_model: expected one of {', '.join(self.metrics)}, found "
                f"{metric}"
            )
        if metric.endswith("_rank") and self.greater_is_better is None:
            self.greater_is_better = False  # HF takes all but losses for better the greater
        self.fp16 = self.fp16 and not self.bf16 and not self.use_cpu
        if self.accelerator_config is None:
            # From pinned memory, so that the copy does not wait for the batch before.
            self.accelerator_config = {"non_blocking": bool(self.dataloader_pin_memory)}
        with telling_bad_options():
            super().__post_init__()
