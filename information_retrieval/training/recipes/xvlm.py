"""What X-VLM is trained with: fine-tuned for retrieval, or pre-trained on images and regions."""

from dataclasses import dataclass
from functools import partial

import torch
from torch.utils.data import default_collate
from transformers import PreTrainedTokenizerBase, ProcessorMixin

from information_retrieval.models.arguments import InputArguments
from information_retrieval.models.checkpoint import load_model, load_processor, load_tokenizer
from information_retrieval.models.known_answers import (
    check_answers,
    pixel_answers,
    token_answers,
)
from information_retrieval.models.tokenization import pad_tokens
from information_retrieval.training.examples.augmentation import PixelFormat
from information_retrieval.training.examples.clean_captions import CleanCaptions, clean_captions
from information_retrieval.training.examples.dataset import Collator
from information_retrieval.training.examples.masking import WordMasker
from information_retrieval.training.examples.varied_pairs import VariedPairs
from information_retrieval.training.objectives.xvlm_in_training import XvlmInTraining
from information_retrieval.training.recipes.objective_arguments import ObjectiveArguments
from information_retrieval.training.recipes.parameter_groups import NEW_IN_XVLM, ParameterGroups
from information_retrieval.training.recipes.recipe import Recipe
from information_retrieval.training.regions.example import RegionReader
from information_retrieval.training.regions.pretraining_steps import Batches, PretrainingSteps
from information_retrieval.training.regions.region_images import RegionImages
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split
from preprocess.region_phrases.region_file import RegionsFile
from preprocess.storage.images_file import ImagesFile

# The published code decays it, too.
UNDECAYED = r"^temperature$"
BATCH, REGION_IMAGES = 128, 48  # published, of one process


@dataclass(frozen=True)
class _Loaded:
    """A checkpoint, and the captions as it reads them."""

    model: XvlmInTraining
    tokenizer: PreTrainedTokenizerBase
    processor: ProcessorMixin
    pixels: PixelFormat
    captions: CleanCaptions


def _load(name: str, train: Split, odd: InputArguments) -> _Loaded:
    model = load_model(name, XvlmInTraining)
    assert isinstance(model, XvlmInTraining)
    tokenizer = load_tokenizer(name, model.config.text_config.vocab_size)
    processor = load_processor(name)
    image_processor = processor.image_processor
    check_answers(token_answers(tokenizer, model.config), name, odd.wrong_answers)
    check_answers(pixel_answers(image_processor, model.config), name, odd.wrong_answers)
    if len(train.images) < 2:
        raise InputError(
            f"split {train.split!r} of {train.source}: expected at least two images, to be "
            f"compared, found {len(train.images)}"
        )
    pixels = PixelFormat(
        model.config.vision_config.image_size,
        tuple(image_processor.image_mean),
        tuple(image_processor.image_std),
    )
    captions = clean_captions(train, tokenizer, model.config, odd.long_captions)
    return _Loaded(model, tokenizer, processor, pixels, captions)


def matching_recipe(
    name: str, train: Split, images: ImagesFile, seed: int, odd: InputArguments
) -> Recipe:
    """Fine-tune X-VLM for retrieval: contrastive and matching loss, hard negatives, varied images.

    The heads for boxes and masked words are left out, as of official files.
    """
    loaded = _load(name, train, odd)
    loaded.model.drop_pretraining_heads()
    return Recipe(
        model=loaded.model,
        tokens=loaded.captions.tokens,
        pairs=VariedPairs(loaded.captions, images, loaded.pixels, seed),
        collator=Collator(
            pad=partial(pad_tokens, pad_id=loaded.tokenizer.pad_token_id),
            stack=default_collate,
            target="image_index",
        ),
        processor=loaded.processor,
        data_sha256=images.sha256(),
        groups=ParameterGroups(UNDECAYED),
    )


def pretraining_recipe(
    name: str,
    objective: ObjectiveArguments,
    train: Split,
    images: ImagesFile,
    seed: int,
    odd: InputArguments,
    batch_size: int,
    processes: int,
) -> Recipe:
    """Pre-train X-VLM: masked words besides, and regions with their boxes if there are any.

    Raises:
        InputError: as `make_recipe`; or the checkpoint lacks a head.
    """
    loaded = _load(name, train, odd)
    config = loaded.model.config
    learns_boxes = objective.regions is not None and objective.box_loss
    if not config.has_mlm_head or (learns_boxes and not config.has_box_head):
        raise InputError(
            f"{name}: a fine-tuned X-VLM, without the heads for masked words and boxes; pre-train "
            "one of `python -m information_retrieval.init_xvlm`, or a pre-trained one"
        )
    loaded.model.has_box_loss = objective.box_loss
    masker = WordMasker(loaded.tokenizer, config.max_tokens)
    regions = _regions(objective, train, images, loaded, masker)
    region_images = objective.images_per_region_batch or max(2, batch_size * REGION_IMAGES // BATCH)
    options: dict = {"images_per_region_batch": region_images if regions else None}
    if regions is not None:
        options["regions"] = f"sha256:{regions.regions.sha256}"
        options["region_images"] = regions.images.sha256()
    steps = PretrainingSteps(
        loaded.captions,
        images,
        loaded.pixels,
        masker,
        regions,
        Batches(batch_size, region_images, processes),
        loaded.tokenizer.pad_token_id,
        seed,
    )
    return Recipe(
        model=loaded.model,
        tokens=loaded.captions.tokens,
        pairs=steps,
        collator=_whole_batch,
        processor=loaded.processor,
        data_sha256=images.sha256(),
        groups=ParameterGroups(UNDECAYED, NEW_IN_XVLM, objective.new_lr_multiplier),
        options=options,
    )


def _regions(
    objective: ObjectiveArguments,
    train: Split,
    images: ImagesFile,
    loaded: _Loaded,
    masker: WordMasker,
) -> RegionImages | None:
    if objective.regions is None:
        return None
    config, other = loaded.model.config, objective.region_images
    regions = RegionsFile(objective.regions)
    reader = RegionReader(
        loaded.pixels,
        masker,
        max_words=config.max_words,
        tokenized=regions.tokenized,
        max_texts=objective.max_regions,
        patch=config.patch_size,
    )
    return RegionImages(
        regions,
        images if other is None else ImagesFile(other),
        train if other is None else None,
        reader,
    )


def _whole_batch(items: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Return the one item, which is a batch already."""
    (batch,) = items
    return batch
