"""Everything that a run trains with, loaded and checked before anything is written."""

import sys
from pathlib import Path

from transformers import AutoConfig, set_seed

from captioning.decoding.captions import check_decoding, check_tokens
from captioning.decoding.settings import Decoding
from captioning.models.loading import LoadedCaptioner
from captioning.training.caption_items import (
    CaptionTargets,
    EncodedCaptions,
    caption_targets,
    least_words,
)
from captioning.training.captioner_options import GPT2, CaptionDataArguments, CaptionerOptions
from captioning.training.minival import Minival, n_shared, read_minival
from captioning.training.new_captioner import architecture_of, clamp_of, first_captioner
from captioning.training.trainer import CaptionTrainer, ClampedGradients
from captioning.training.training_arguments import CaptionTrainingArguments
from information_retrieval.training.paper_arguments import telling_bad_options
from information_retrieval.training.resumable_trainer import RecordedRun
from information_retrieval.training.run_settings import check_processes, training_settings
from preprocess.base.errors import InputError
from preprocess.base.files import make_folder
from preprocess.base.hub import revision_of_weights
from preprocess.captions.split_file import Split, read_split
from preprocess.storage.encodings_file import EncodingsFile

COMMAND = "captioning.train"


def prepare(
    options: CaptionerOptions,
    data: CaptionDataArguments,
    decoding: Decoding,
    training: CaptionTrainingArguments,
) -> tuple[CaptionTrainer, dict]:
    """Load everything, and return the trainer and what its result depends on.

    Args:
        decoding: by which each epoch captions minival.

    Raises:
        InputError: on anything missing or mismatched; nothing is written then.
    """
    check_processes(training, COMMAND)
    clamp = clamp_of(options)
    if clamp is not None and training.fp16:
        raise InputError("--clamp_gradients, --fp16: fp16 scales gradients; use --bf16 or neither")
    train = read_split(data.split_file("train"))
    minival = read_minival(data, train, decoding, training.per_device_eval_batch_size)
    encodings = EncodingsFile(data.encodings_file("train"))
    check_same_encoder(encodings, minival.encodings)
    set_seed(training.seed)
    captioner = first_captioner(options, encodings, train.captions, training.seed)
    check_decoding(captioner, decoding)
    check_tokens(captioner, "max_words", data.max_words)
    targets = caption_targets(
        train, captioner.vocabulary, data.max_words, least_words(captioner.config)
    )
    dataset = EncodedCaptions(train, targets, encodings)
    if training.process_index == 0:
        for line in (*targets.told(), *minival.told(), *shared_images(minival.split, train)):
            print(f"warning: {line}", file=sys.stderr)
    if training.gradient_checkpointing:
        raise InputError("--gradient_checkpointing: no option of a captioner; leave it out")
    make_folder(Path(training.output_dir))
    settings = begun_with(options, captioner, dataset, targets, minival, training)
    settings |= {"max_words": data.max_words, "clamp_gradients": clamp}
    clamped = [] if clamp is None else [ClampedGradients(clamp)]
    with telling_bad_options():
        trainer = CaptionTrainer(
            captioner=captioner,
            minival=minival,
            train_dataset=dataset,
            args=training,
            callbacks=[RecordedRun(settings), *clamped],
        )
    trainer.check_options()
    return trainer, settings


def check_same_encoder(train: EncodingsFile, minival: EncodingsFile) -> None:
    """Raise InputError unless both files are by the same encoder."""
    # A file of another version of the weights has other numbers in the same places.
    minival.check_made_by(train.kind, train.revision)  # type: ignore[arg-type]
    if train.shape != minival.shape:
        shapes = [" x ".join(map(str, one.shape)) for one in (minival, train)]
        raise InputError(f"{minival.path}: {shapes[0]} numbers an image, {train.path} {shapes[1]}")


def shared_images(minival: Split, train: Split) -> list[str]:
    """Return a line where minival's images are trained on: epochs would be chosen by memory."""
    shared = n_shared(minival, train)
    if not shared:
        return []
    return [
        f"minival: {shared:,} of {len(minival.images):,} images are trained on: the best epoch is "
        "one that remembers; take them out of train"
    ]


def begun_with(
    options: CaptionerOptions,
    captioner: LoadedCaptioner,
    dataset: EncodedCaptions,
    targets: CaptionTargets,
    minival: Minival,
    training: CaptionTrainingArguments,
) -> dict:
    """Return what the result of the run depends on, as JSON values."""
    is_gpt2 = captioner.config.model_type == "prefix_captioner"
    name = options.model_name_or_path or ((options.gpt2 or GPT2) if is_gpt2 else None)
    encodings, decoding = dataset.encodings, minival.decoding
    beams = [decoding.num_beams, decoding.length_penalty]
    return {
        "model": name,
        "weights": None
        if name is None
        else revision_of_weights(name, AutoConfig.from_pretrained(name)),
        "paper": options.paper,
        **architecture_of(captioner.config),
        "encoder": encodings.encoder,
        "encoder_weights": encodings.revision,
        "encoder_kind": encodings.kind,
        "train_sha256": dataset.split.sha256,
        "minival_sha256": minival.split.sha256,
        "data_sha256": encodings.sha256(),
        "minival_data_sha256": minival.encodings.sha256(),
        "captions": len(targets.token_ids),
        "unknown_share": targets.unknown_share,
        "minival_method": decoding.method,
        "minival_max_tokens": decoding.max_tokens,
        **({"minival_beams": beams} if decoding.method == "beam" else {}),
        "minival_say_unknown": decoding.say_unknown,
        **training_settings(training),
    }
