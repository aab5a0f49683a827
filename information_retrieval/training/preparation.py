"""Everything that a run trains with, loaded and checked before anything is written."""

import sys
from pathlib import Path

import torch
from transformers import set_seed

from information_retrieval.models.arguments import DataArguments, InputArguments, Score
from information_retrieval.models.checkpoint import load_config, weights_revision
from information_retrieval.models.loaded_gallery import EncoderOptions, GalleryFiles
from information_retrieval.models.loading import gallery_for
from information_retrieval.training.formulations import (
    check_options_fit,
    formulation_of,
    heeded_options,
    make_recipe,
)
from information_retrieval.training.paper_arguments import (
    PaperTrainingArguments,
    telling_bad_options,
)
from information_retrieval.training.recipes.objective_arguments import ObjectiveArguments
from information_retrieval.training.recipes.recipe import Recipe
from information_retrieval.training.resumable_trainer import RecordedRun
from information_retrieval.training.run_settings import check_processes, training_settings
from information_retrieval.training.trainer import Gallery, RetrievalTrainer
from preprocess.base.errors import InputError
from preprocess.base.files import make_folder
from preprocess.captions.split_file import Split, read_split


def pairs_compared(
    formulation: str,
    model_type: str,
    objective: ObjectiveArguments,
    training: PaperTrainingArguments,
) -> int | None:
    """Return how many pairs a loss compares at once; None for one that compares none.

    Raises:
        InputError: fewer than two.
    """
    if formulation == "binary" or objective.alignment == "none":
        return None
    # A dual encoder's batch is that of all processes; X-VLM's hard negatives are of one's own.
    processes = 1 if model_type in ("lxmert", "xvlm") else training.world_size
    found = training.train_batch_size * processes
    if found < 2:
        raise InputError(
            "--per_device_train_batch_size: this loss compares the pairs of a batch, "
            f"expected at least 2, found {found}"
        )
    return found


def check_order(formulation: str, training: PaperTrainingArguments) -> None:
    """Raise InputError for an order of pairs that pre-training would not heed: it has its own."""
    if formulation == "pretraining" and training.train_sampling_strategy != "random":
        raise InputError(
            f"--train_sampling_strategy {training.train_sampling_strategy}: the pretraining "
            "formulation draws its own batches; leave it out"
        )


def drop_last_batch(train: Split, training: PaperTrainingArguments) -> None:
    """Leave out an epoch's last batch where it is smaller, as the original: it may be of one image.

    Raises:
        InputError: there is no other batch.
    """
    batch = training.train_batch_size * training.world_size
    if len(train.captions) < batch:
        raise InputError(
            f"--per_device_train_batch_size: batches of {batch} pairs, and split {train.split!r} "
            f"of {train.source} has {len(train.captions)}; smaller ones are left out: lower it"
        )
    training.dataloader_drop_last = True


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
        **training_settings(training),
    }


def minival_gallery(
    name: str,
    minival: Split,
    data: DataArguments,
    training: PaperTrainingArguments,
    odd: InputArguments,
    score: Score | None,
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
        score=score,
    )
    files = GalleryFiles(data.features_file("minival"), data.images_file("minival"))
    return Gallery(minival, lambda model: gallery_for(name, model, minival, files, options))


def prepare(
    name: str,
    data: DataArguments,
    objective: ObjectiveArguments,
    training: PaperTrainingArguments,
    odd: InputArguments,
    score: Score | None = None,
) -> tuple[RetrievalTrainer, dict]:
    """Load everything, and return the trainer and what its result depends on.

    Args:
        score: of an X-VLM, by which evaluations rank.

    Raises:
        InputError: on anything missing or mismatched; nothing is written then.
    """
    model_type = load_config(name).model_type
    formulation = formulation_of(model_type, objective.formulation)
    check_options_fit(model_type, formulation, objective)
    check_processes(training, "information_retrieval.train")
    check_order(formulation, training)
    compared = pairs_compared(formulation, model_type, objective, training)
    train, minival = (read_split(data.split_file(split)) for split in ("train", "minival"))
    set_seed(training.seed)
    sizes = (training.train_batch_size, training.world_size)
    if formulation == "distillation":
        drop_last_batch(train, training)
    recipe = make_recipe(
        name, model_type, formulation, objective, train, data, training.seed, odd, *sizes
    )
    gallery = minival_gallery(name, minival, data, training, odd, score)
    loaded = gallery.load(recipe.model)  # bad input stops here, not after the first epoch
    if training.process_index == 0:
        for split, tokens in ((train, recipe.tokens), (minival, loaded.tokens)):
            for line in tokens.warnings():
                print(f"{split.split}: {line}", file=sys.stderr)
    if training.gradient_checkpointing and not recipe.model.supports_gradient_checkpointing:
        raise InputError(
            f"--gradient_checkpointing: no option of a {model_type} model; leave it out (smaller "
            "batches with --gradient_accumulation_steps need less memory)"
        )
    make_folder(Path(training.output_dir))
    heeded = heeded_options(model_type, formulation, objective, recipe)
    heeded |= {"pairs_compared": compared, "score": score}
    settings = begun_with(name, recipe, minival, heeded, training)
    with telling_bad_options():
        trainer = RetrievalTrainer(
            model=recipe.model,
            args=training,
            train_dataset=recipe.pairs,
            data_collator=recipe.collator,
            processing_class=recipe.processor,
            loss=recipe.loss,
            groups=recipe.groups,
            add_targets=recipe.add_targets,
            callbacks=[*recipe.callbacks, RecordedRun(settings)],
            gallery=gallery,
        )
    trainer.check_options()
    return trainer, settings
