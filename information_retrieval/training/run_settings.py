"""What HF's options say of a run, whatever is trained."""

from transformers import SchedulerType
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
    """Return the options that the result of a run depends on, as JSON values."""
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
        "adam": [training.adam_beta1, training.adam_beta2, training.adam_epsilon],
        "max_grad_norm": training.max_grad_norm,
        "warmup_steps": training.warmup_steps,
        "precision": "bf16" if training.bf16 else "fp16" if training.fp16 else "fp32",
        "batch_size": training.train_batch_size
        * training.world_size
        * training.gradient_accumulation_steps,
    }
