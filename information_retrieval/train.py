"""Fine-tune LXMERT for image-text matching, by the paper's protocol.

Reads a checkpoint (one without the matching head is given a new one), `{data_dir}/train.json`
with `train_features.h5`, and `minival.json` with `val_features.h5`. After each epoch the whole
minival gallery is ranked; the best epoch by rsum is kept. Writes HF checkpoint folders: the best
model in `output_dir`, each epoch's in `output_dir/checkpoint-*`. Takes every option of HF's
`TrainingArguments`; the defaults are the paper's. The same command goes on from the last
checkpoint when it was interrupted.

    python -m information_retrieval.train --model_name_or_path unc-nlp/lxmert-base-uncased \\
        --data_dir datasets/coco --output_dir runs/lxmert

On several GPUs: `torchrun --nproc_per_node 8 -m information_retrieval.train ...`. The paper
reports 24 to 28 h on 8 GPUs of 11 GB.
"""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from transformers import TrainingArguments, set_seed

from information_retrieval.arguments import DataArguments, ModelArguments
from information_retrieval.checkpoint import (
    load_config,
    load_model,
    load_tokenizer,
    weights_revision,
)
from information_retrieval.dataset import (
    MatchingCollator,
    MatchingDataset,
    PairSampler,
    check_feature_dim,
)
from information_retrieval.tokenization import tokenize_captions
from information_retrieval.trainer import Gallery, RetrievalTrainer
from information_retrieval.training_run import begin_or_go_on, is_finished, make_folder
from preprocess.command_line import parse_arguments, run_command
from preprocess.errors import InputError
from preprocess.features_file import FeaturesFile
from preprocess.split_file import read_split


@dataclass
class PairArguments:
    prob_unaligned: float = field(
        default=0.3, metadata={"help": "share of the training pairs made unaligned, in [0, 1)"}
    )


def _default(name: str, value):
    """Return HF's field of that name, help and all, with another default."""
    return field(default=value, metadata=TrainingArguments.__dataclass_fields__[name].metadata)


@dataclass
class PaperTrainingArguments(TrainingArguments):
    """HF's training arguments with the paper's values as defaults."""

    output_dir: str = field(metadata={"help": "folder for the checkpoints, made if needed"})
    learning_rate: float = _default("learning_rate", 1e-5)
    weight_decay: float = _default("weight_decay", 1e-4)
    per_device_train_batch_size: int = _default("per_device_train_batch_size", 32)
    per_device_eval_batch_size: int = _default("per_device_eval_batch_size", 64)
    num_train_epochs: float = _default("num_train_epochs", 10.0)
    fp16: bool = field(
        default_factory=torch.cuda.is_available,
        metadata={"help": "mixed precision; by default where there is a GPU, unless --bf16"},
    )
    eval_strategy: str = _default("eval_strategy", "epoch")
    save_strategy: str = _default("save_strategy", "epoch")
    save_total_limit: int | None = _default("save_total_limit", 2)
    load_best_model_at_end: bool = _default("load_best_model_at_end", True)
    metric_for_best_model: str | None = _default("metric_for_best_model", "rsum")
    report_to: str = _default("report_to", "none")
    # Without a GPU there is nothing to pin for, and torch warns of it each epoch.
    dataloader_pin_memory: bool = field(
        default_factory=torch.cuda.is_available,
        metadata={"help": "pin the batches in memory; by default where there is a GPU"},
    )
    # The collator takes fields that are no argument of the model's forward.
    remove_unused_columns: bool = _default("remove_unused_columns", False)

    def __post_init__(self) -> None:
        self.fp16 = self.fp16 and not self.bf16
        try:
            super().__post_init__()
        except ValueError as error:
            raise InputError(f"training arguments: {error}") from error


def build_trainer(
    model_name: str, data: DataArguments, prob_unaligned: float, training: TrainingArguments
) -> RetrievalTrainer:
    """Load the model and the data. Raises InputError on anything missing or mismatched."""
    config = load_config(model_name)
    if config.model_type != "lxmert":
        raise InputError(f"{model_name}: expected an LXMERT checkpoint, found {config.model_type}")
    set_seed(training.seed)
    model = load_model(model_name, new_head=True)
    tokenizer = load_tokenizer(model_name, config.vocab_size)
    max_length = config.max_position_embeddings
    train, minival = (read_split(data.split_file(name)) for name in ("train", "minival"))
    features = {name: FeaturesFile(data.features_file(name)) for name in ("train", "minival")}
    for file in features.values():
        check_feature_dim(file, model)
    pairs = MatchingDataset(
        train,
        tokenize_captions(train, tokenizer, max_length),
        features["train"],
        PairSampler(train, prob_unaligned, training.seed),
    )
    gallery = Gallery(
        minival, tokenize_captions(minival, tokenizer, max_length), features["minival"]
    )
    make_folder(Path(training.output_dir))
    return RetrievalTrainer(
        model=model,
        args=training,
        train_dataset=pairs,
        gallery=gallery,
        data_collator=MatchingCollator(tokenizer.pad_token_id),
        processing_class=tokenizer,
    )


def begun_with(model_name: str, prob_unaligned: float, trainer: RetrievalTrainer) -> dict:
    """Return what the result of the run depends on, as JSON values."""
    training, features = trainer.args, trainer.train_dataset.features
    return {
        "model": model_name,
        "weights": weights_revision(model_name),
        "train_sha256": trainer.train_dataset.split_sha256,
        "minival_sha256": trainer.gallery.split.sha256,
        "features_sha256": features.sha256(),
        "prob_unaligned": prob_unaligned,
        "seed": training.seed,
        "learning_rate": training.learning_rate,
        "weight_decay": training.weight_decay,
        "num_train_epochs": training.num_train_epochs,
        "batch_size": training.train_batch_size
        * training.world_size
        * training.gradient_accumulation_steps,
    }


def main() -> None:
    model_arguments, data, pairs, training = parse_arguments(
        ModelArguments, DataArguments, PairArguments, PaperTrainingArguments, description=__doc__
    )
    model_name = model_arguments.model_name_or_path
    trainer = build_trainer(model_name, data, pairs.prob_unaligned, training)
    output_dir = Path(training.output_dir)
    settings = begun_with(model_name, pairs.prob_unaligned, trainer)
    with training.main_process_first(local=False, desc="run folder"):
        checkpoint = begin_or_go_on(output_dir, settings)
    if is_finished(output_dir):
        print(f"{output_dir}: this run is finished; nothing to do")
        return
    trainer.train(resume_from_checkpoint=checkpoint)
    trainer.save_model()
    trainer.save_state()
    if trainer.is_world_process_zero():
        best = trainer.state.best_metric
        kept = "the last epoch" if best is None else f"the best epoch, rsum {best:.2f} on minival"
        print(f"wrote {output_dir}: the model of {kept}")


if __name__ == "__main__":
    run_command(main)
