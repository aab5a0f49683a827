"""Fine-tune LXMERT, or a dual encoder such as CLIP, for image-text matching.

LXMERT learns by default as in the paper: each pair aligned or not, by a binary head. Other ways are
options (`--formulation contrastive`, `--hard_negatives`). A dual encoder learns by the symmetric
cross entropy of each batch.

Reads a checkpoint (an LXMERT without the matching head is given a new one), `{data_dir}/train.json`
and `minival.json`, with `train_features.h5` and `val_features.h5`, or `..._images.h5` for a dual
encoder. After each epoch the whole minival gallery is ranked; the best epoch by rsum is kept.
Writes HF checkpoint folders: the best model in `output_dir`, with a model card and
`training_curves.png`, and each epoch's in `output_dir/checkpoint-*`. Takes every option of HF's
`TrainingArguments`; the defaults are the paper's.

    python -m information_retrieval.train --model_name_or_path unc-nlp/lxmert-base-uncased \\
        --data_dir datasets/coco --output_dir runs/lxmert

The same command goes on from the last checkpoint when it was killed; while it runs, a second one
with the same output folder stops. On SIGTERM or SIGUSR1 it first writes one, and exits with 128 +
the signal's number. On several GPUs: `torchrun --nproc_per_node 8 -m information_retrieval.train
...`; on several machines that share the output folder, as in slurm/finetune_lxmert.sbatch. The
paper reports 24 to 28 h on 8 GPUs of 11 GB.
"""

import os
import sys
from contextlib import ExitStack
from pathlib import Path

import torch
from transformers import SchedulerType, set_seed
from transformers.training_args import OptimizerNames

from information_retrieval.models.arguments import DataArguments, InputArguments, ModelArguments
from information_retrieval.models.checkpoint import load_config, weights_revision
from information_retrieval.models.loaded_gallery import EncoderOptions, GalleryFiles
from information_retrieval.models.loading import gallery_for
from information_retrieval.scoring.processes import check_launch, join_launched
from information_retrieval.training.arguments import (
    ObjectiveArguments,
    PaperTrainingArguments,
    telling_bad_options,
)
from information_retrieval.training.curves import training_curves
from information_retrieval.training.model_card import kept_evaluation, model_card
from information_retrieval.training.recipe import (
    Recipe,
    check_options_fit,
    formulation_of,
    heeded_options,
    make_recipe,
)
from information_retrieval.training.run_folder import (
    begin_or_go_on,
    is_finished,
    make_folder,
    remove_leftovers,
)
from information_retrieval.training.trainer import Gallery, RecordedRun, RetrievalTrainer
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.disk_space import writing_model
from preprocess.base.errors import InputError
from preprocess.base.files import atomic_path
from preprocess.base.output_lock import lock_output
from preprocess.captions.split_file import Split, read_split


def pairs_compared(
    formulation: str, model_type: str, training: PaperTrainingArguments
) -> int | None:
    """Return how many pairs a contrastive loss compares at once; None for another.

    Raises:
        InputError: fewer than two.
    """
    if formulation != "contrastive":
        return None
    # A dual encoder's batch is that of all processes.
    processes = 1 if model_type == "lxmert" else training.world_size
    found = training.train_batch_size * processes
    if found < 2:
        raise InputError(
            "--per_device_train_batch_size: a contrastive loss compares the pairs of a batch, "
            f"expected at least 2, found {found}"
        )
    return found


def check_processes(training: PaperTrainingArguments) -> None:
    """Raise InputError for several GPUs in one process, where HF's LXMERT does not run."""
    if training.n_gpu > 1:
        raise InputError(
            f"{training.n_gpu} GPUs in one process: start one a GPU, by `torchrun --nproc_per_node "
            f"{training.n_gpu} -m information_retrieval.train`, or choose one by "
            "CUDA_VISIBLE_DEVICES"
        )


def begun_with(
    name: str, recipe: Recipe, minival: Split, objective: dict, training: PaperTrainingArguments
) -> dict:
    """Return what the result of the run depends on, as JSON values.

    Args:
        name: of the checkpoint that was begun with.
        objective: the formulation and its options.
    """
    return {
        "model": name,
        "weights": weights_revision(name),
        "train_sha256": recipe.pairs.split.sha256,
        "minival_sha256": minival.sha256,
        "data_sha256": recipe.data_sha256,
        **objective,
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


def minival_gallery(
    name: str,
    minival: Split,
    data: DataArguments,
    training: PaperTrainingArguments,
    odd: InputArguments,
) -> Gallery:
    """Return what every evaluation ranks, encoded in the type that training computes in."""
    half = torch.float16 if training.fp16 else torch.float32
    options = EncoderOptions(
        dtype=torch.bfloat16 if training.bf16 else half,
        batch_size=training.per_device_eval_batch_size,
        num_workers=training.dataloader_num_workers,
        show_progress=training.process_index == 0 and not training.disable_tqdm,
        long_captions=odd.long_captions,
        wrong_answers=odd.wrong_answers,
    )
    files = GalleryFiles(data.features_file("minival"), data.images_file("minival"))
    return Gallery(minival, lambda model: gallery_for(name, model, minival, files, options))


def write_results(trainer: RetrievalTrainer, settings: dict) -> None:
    """Write the best model, its card and the curves; last the state, which says it is finished."""
    trainer.save_model()
    if not trainer.is_world_process_zero():
        return
    output_dir = Path(trainer.args.output_dir)
    remove_leftovers(output_dir)
    state, is_best_loaded = trainer.state, trainer.args.load_best_model_at_end
    kept = kept_evaluation(state, is_best_loaded)
    with atomic_path(output_dir / "training_curves.png") as partial:
        training_curves(state.log_history).savefig(partial, dpi=150, format="png")
    train, minival = trainer.train_dataset.split, trainer.gallery.split
    card = model_card(output_dir, settings, train, minival, kept)
    with atomic_path(output_dir / "README.md") as partial:
        partial.write_text(card.content, "utf-8")
    with atomic_path(output_dir / "trainer_state.json") as partial:
        state.save_to_json(str(partial))
    is_best = is_best_loaded and state.best_model_checkpoint is not None
    which = "the best epoch" if is_best else "the last epoch"
    rsum = "" if kept is None else f", rsum {kept['eval_rsum']:.2f} on minival"
    print(f"wrote {output_dir}: the model of {which}{rsum}, README.md and training_curves.png")


def prepare(
    name: str,
    data: DataArguments,
    objective: ObjectiveArguments,
    training: PaperTrainingArguments,
    odd: InputArguments,
) -> tuple[RetrievalTrainer, dict]:
    """Load everything, and return the trainer and what its result depends on.

    Raises:
        InputError: on anything missing or mismatched; nothing is written then.
    """
    model_type = load_config(name).model_type
    formulation = formulation_of(model_type, objective.formulation)
    check_options_fit(model_type, formulation, objective)
    check_processes(training)
    compared = pairs_compared(formulation, model_type, training)
    train, minival = (read_split(data.split_file(split)) for split in ("train", "minival"))
    set_seed(training.seed)
    recipe = make_recipe(name, model_type, formulation, objective, train, data, training.seed, odd)
    gallery = minival_gallery(name, minival, data, training, odd)
    loaded = gallery.load(recipe.model)  # bad input stops here, not after the first epoch
    if training.process_index == 0:
        for split, tokens in ((train, recipe.tokens), (minival, loaded.tokens)):
            for line in tokens.warnings():
                print(f"{split.split}: {line}", file=sys.stderr)
    make_folder(Path(training.output_dir))
    heeded = heeded_options(model_type, formulation, objective, recipe)
    heeded["pairs_compared"] = compared
    settings = begun_with(name, recipe, minival, heeded, training)
    with telling_bad_options():
        trainer = RetrievalTrainer(
            model=recipe.model,
            args=training,
            train_dataset=recipe.pairs,
            data_collator=recipe.collator,
            processing_class=recipe.processor,
            loss=recipe.loss,
            callbacks=[*recipe.callbacks, RecordedRun(settings)],
            gallery=gallery,
        )
    trainer.check_options()
    return trainer, settings


def main() -> None:
    check_launch(os.environ)  # HF's arguments join the processes as they are parsed
    model_arguments, odd, data, objective, training = parse_arguments(
        ModelArguments,
        InputArguments,
        DataArguments,
        ObjectiveArguments,
        PaperTrainingArguments,
        description=__doc__,
    )
    name, output_dir = model_arguments.model_name_or_path, Path(training.output_dir)
    processes = join_launched(training.device)
    trainer, settings = processes.agree(lambda: prepare(name, data, objective, training, odd))

    def finished() -> bool:
        """Whether the folder holds this run, finished; nothing is written to see that."""
        if not is_finished(output_dir):
            return False
        begin_or_go_on(output_dir, settings)  # refuses another run's
        return True

    with ExitStack() as held, writing_model(output_dir):
        if processes.from_main(finished):
            if processes.is_main:
                print(f"{output_dir}: this run is finished; nothing to do")
            return
        processes.from_main(lambda: held.enter_context(lock_output(output_dir)))
        processes.check_shared(output_dir)
        checkpoint = processes.from_main(lambda: begin_or_go_on(output_dir, settings))
        trainer.train(resume_from_checkpoint=checkpoint)
        if trainer.stopped_by:
            if processes.is_main:
                print(
                    f"{output_dir}: stopped by {trainer.stopped_by.name}; the same command goes on"
                )
            sys.exit(128 + trainer.stopped_by)
        write_results(trainer, settings)


if __name__ == "__main__":
    run_command(main)
