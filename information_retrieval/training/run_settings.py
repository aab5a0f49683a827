"""What HF's options say of a run, whatever is trained."""

from typing import Any

from transformers import IntervalStrategy, SchedulerType
from transformers.trainer_utils import SaveStrategy
from transformers.training_args import OptimizerNames

from information_retrieval.training.paper_arguments import PaperTrainingArguments
from preprocess.base.errors import InputError


def check_processes(training: PaperTrainingArguments, module: str) -> None:
    """Raise InputError for several GPUs in one process, where HF's LXMERT does not run.

    Args:
        module: of the command.
    """
    if training.n_gpu > 1:
        raise InputError(
            f"{training.n_gpu} GPUs in one process: start one a GPU, by `torchrun --nproc_per_node "
            f"{training.n_gpu} -m {module}`, or choose one by CUDA_VISIBLE_DEVICES"
        )


def training_settings(training: PaperTrainingArguments) -> dict:
    """Return the options that the result of a run depends on, as JSON values.

    Not among them is what changes it by rounding only, or what is logged and where.
    """
    accelerator: Any = training.accelerator_config  # HF has parsed it
    return {
        "seed": training.seed,
        "learning_rate": training.learning_rate,
        "weight_decay": training.weight_decay,
        "num_train_epochs": training.num_train_epochs,
        "max_steps": training.max_steps,
        "lr_scheduler_type": SchedulerType(training.lr_scheduler_type).value,
        "train_sampling_strategy": training.train_sampling_strategy,
        "lr_scheduler_kwargs": training.lr_scheduler_kwargs,
        "data_seed": training.data_seed,
        "optim": OptimizerNames(training.optim).value,
        "optim_args": training.optim_args,
        "adam": [training.adam_beta1, training.adam_beta2, training.adam_epsilon],
        "max_grad_norm": training.max_grad_norm,
        "warmup_steps": training.warmup_steps,
        "neftune_noise_alpha": training.neftune_noise_alpha,
        "precision": "bf16" if training.bf16 else "fp16" if training.fp16 else "fp32",
        "batch_size": training.train_batch_size
        * training.world_size
        * training.gradient_accumulation_steps,
        "dataloader_drop_last": training.dataloader_drop_last,
        "split_batches": accelerator.split_batches,
        "even_batches": accelerator.even_batches,
        "use_seedable_sampler": accelerator.use_seedable_sampler,
        "load_best_model_at_end": training.load_best_model_at_end,
        **(_which_is_kept(training) if training.load_best_model_at_end else {}),
    }


def _which_is_kept(training: PaperTrainingArguments) -> dict:
    """Return what says which evaluation's model is the best."""
    evaluated = IntervalStrategy(training.eval_strategy)
    saved = SaveStrategy(training.save_strategy)
    return {
        "metric_for_best_model": (training.metric_for_best_model or "").removeprefix("eval_"),
        "greater_is_better": training.greater_is_better,
        "eval_strategy": evaluated.value,
        "eval_steps": training.eval_steps if evaluated == IntervalStrategy.STEPS else None,
        "eval_delay": training.eval_delay,
        "save_strategy": saved.value,
        "save_steps": training.save_steps if saved == SaveStrategy.STEPS else None,
    }
