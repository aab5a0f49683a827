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

import torch
from transformers import TrainingArguments, set_seed
from transformers.trainer_utils import get_last_checkpoint

from information_retrieval.arguments import DataArguments, ModelArguments
from information_retrieval.checkpoint import load_config, load_model, load_tokenizer
from information_retrieval.dataset import (
    MatchingCollator,
    MatchingDataset,
    PairSampler,
    check_feature_dim,
)
from information_retrieval.tokenization import tokenize_captions
from information_retrieval.trainer import Gallery, RetrievalTrainer
from preprocess.command_line import parse_arguments, run_command
from preprocess.errors import InputError
from preprocess.features_file import FeaturesFile
from preprocess.split_file import read_split


@dataclass
class PairArguments:
    prob_unaligned: float = field(
        default=0.3, metadata={"help": "share of the training pairs made unaligned, in [0, 1)"}
    )


@dataclass
class PaperTrainingArguments(TrainingArguments):
    """HF's training arguments with the paper's values as defaults."""

    learning_rate: float = 1e-5
    weight_decay: float = 1e-4
    per_device_train_batch_size: int = 32
    per_device_eval_batch_size: int = 64
    num_train_epochs: float = 10.0
    fp16: bool = field(
        default_factory=torch.cuda.is_available,
        metadata={"help": "mixed precision; by default where there is a GPU"},
    )
    eval_strategy: str = "epoch"
    save_strategy: str = "epoch"
    save_total_limit: int | None = 2
    load_best_model_at_end: bool = True
    metric_for_best_model: str | None = "rsum"
    report_to: str = "none"
    # The collator takes fields that are no argument of the model's forward.
    remove_unused_columns: bool = False


def build_trainer(
    model_name: str, data: DataArguments, prob_unaligned: float, training: TrainingArguments
) -> RetrievalTrainer:
    """Load the model and the data. Raises InputError on anything missing or mismatched."""
    model_type = load_config(model_name).model_type
    if model_type != "lxmert":
        raise InputError(f"{model_name}: expected an LXMERT checkpoint, found {model_type}")
    set_seed(training.seed)
    model = load_model(model_name, new_head=True)
    tokenizer = load_tokenizer(model_name)
    max_length = model.config.max_position_embeddings
    train, minival = (read_split(data.split_file(name)) for name in ("train", "minival"))
    pairs = MatchingDataset(
        train,
        tokenize_captions(train, tokenizer, max_length),
        FeaturesFile(data.features_file("train")),
        PairSampler(train, prob_unaligned, training.seed),
    )
    check_feature_dim(pairs.features, model)
    gallery = Gallery(
        minival,
        tokenize_captions(minival, tokenizer, max_length),
        FeaturesFile(data.features_file("minival")),
    )
    return RetrievalTrainer(
        model=model,
        args=training,
        train_dataset=pairs,
        gallery=gallery,
        data_collator=MatchingCollator(tokenizer.pad_token_id),
        processing_class=tokenizer,
    )


def main() -> None:
    model_arguments, data, pairs, training = parse_arguments(
        ModelArguments, DataArguments, PairArguments, PaperTrainingArguments, description=__doc__
    )
    if training.output_dir is None:
        raise InputError("pass --output_dir, the folder for checkpoints")
    trainer = build_trainer(
        model_arguments.model_name_or_path, data, pairs.prob_unaligned, training
    )
    trainer.train(resume_from_checkpoint=get_last_checkpoint(training.output_dir))
    trainer.save_model()
    trainer.save_state()
    if trainer.is_world_process_zero():
        best = trainer.state.best_metric
        kept = "the last epoch" if best is None else f"the best epoch, rsum {best:.2f} on minival"
        print(f"wrote {training.output_dir}: the model of {kept}")


if __name__ == "__main__":
    run_command(main)
