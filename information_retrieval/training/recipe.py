"""What is trained: model, pairs, batches and loss. LXMERT's and a dual encoder's."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch.utils.data import default_collate
from transformers import PreTrainedModel, TrainerCallback

from information_retrieval.models.arguments import InputArguments
from information_retrieval.models.checkpoint import load_model, load_processor, load_tokenizer
from information_retrieval.models.dual_encoder import GalleryInputs, scale_and_bias
from information_retrieval.models.known_answers import (
    check_answers,
    pixel_answers,
    region_answers,
    token_answers,
)
from information_retrieval.models.lxmert.model import LxmertForImageTextMatching
from information_retrieval.models.lxmert.region_features import (
    GalleryFeatures,
    check_feature_dim,
    stack_regions,
)
from information_retrieval.models.tokenization import (
    READ_PADDING,
    TokenizedCaptions,
    caption_positions,
    pad_tokens,
    tokenize_captions,
)
from information_retrieval.training.examples.dataset import Collator, DrawnAnew, TrainingPairs
from information_retrieval.training.examples.hard_negatives import read_hard_negatives
from information_retrieval.training.examples.pairs import PairSampler
from information_retrieval.training.objective_arguments import ObjectiveArguments
from information_retrieval.training.objectives.contrastive_dual_encoder import (
    ScaleLimit,
    contrastive_loss,
    freeze_tower,
)
from information_retrieval.training.objectives.contrastive_lxmert import ContrastiveLxmert
from information_retrieval.training.parameter_groups import HFS_GROUPS, ParameterGroups
from preprocess.captions.split_file import Split
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile


@dataclass(frozen=True)
class Recipe:
    """All that a trainer needs of a model and a formulation.

    Attributes:
        tokens: the training captions as the model reads them.
        pairs: items, or of `PretrainingSteps` whole batches, one an item.
        collator: of items.
        processor: what is saved beside the weights: a tokenizer, or a processor of both.
        loss: of the forward's output and the image index; None where the forward gives one.
        data_sha256: of the images or features that are trained on.
        options: what else the run's result depends on, as JSON values.
    """

    model: PreTrainedModel
    tokens: TokenizedCaptions
    pairs: DrawnAnew
    collator: Callable[[list], dict[str, torch.Tensor]]
    processor: object
    data_sha256: str
    loss: Callable | None = None
    callbacks: tuple[TrainerCallback, ...] = ()
    groups: ParameterGroups = HFS_GROUPS
    options: dict = field(default_factory=dict)


def lxmert_recipe(
    name: str,
    formulation: str,
    objective: ObjectiveArguments,
    train: Split,
    features: FeaturesFile,
    seed: int,
    odd: InputArguments,
) -> Recipe:
    """Fine-tune LXMERT: by its matching head on pairs, or by comparing the pairs of a batch."""
    contrastive = formulation == "contrastive"
    model = load_model(name, ContrastiveLxmert if contrastive else LxmertForImageTextMatching)
    if contrastive:
        model.margin, model.top_k_violations = objective.margin, objective.top_k_violations
    # Also of the binary head: the checkpoint may be one that was trained by its cosines.
    model.config.matching_score = objective.matching_score
    check_feature_dim(features, model)
    features.check_covers(train.image_ids)
    check_answers(region_answers(features, train.image_ids), str(features.path), odd.wrong_answers)
    # What the checkpoint expects from now on: `known_answers.detector_answers` asks for it.
    model.config.detector_sha256 = str(features.attributes["weights_sha256"])
    tokenizer = load_tokenizer(name, model.config.vocab_size)
    check_answers(token_answers(tokenizer, model.config), name, odd.wrong_answers)
    path = objective.hard_negatives
    hard = None if path is None else read_hard_negatives(path, train)
    prob_unaligned = 0.0 if contrastive else objective.prob_unaligned
    sampler = PairSampler(train, prob_unaligned, seed, hard, objective.hard_share)
    positions = caption_positions(model)
    tokens = tokenize_captions(train, tokenizer, positions, long_captions=odd.long_captions)
    inputs = GalleryFeatures(features, train.image_ids)
    return Recipe(
        model=model,
        tokens=tokens,
        pairs=TrainingPairs(train, tokens.token_ids, inputs, sampler),
        collator=Collator(
            pad=partial(pad_tokens, pad_id=tokenizer.pad_token_id),
            stack=_stack_regions_by_name,
            target="image_index" if contrastive else "labels",
        ),
        processor=tokenizer,
        data_sha256=features.sha256(),
        options={} if hard is None else {"hard_negatives": f"sha256:{hard.sha256}"},
    )


def _stack_regions_by_name(images: list) -> dict[str, torch.Tensor]:
    visual_feats, visual_pos = stack_regions(images)
    return {"visual_feats": visual_feats, "visual_pos": visual_pos}


def dual_encoder_recipe(
    name: str,
    objective: ObjectiveArguments,
    train: Split,
    images: ImagesFile,
    seed: int,
    odd: InputArguments,
) -> Recipe:
    """Fine-tune a dual encoder by the symmetric cross entropy of a batch."""
    model = load_model(name)
    scale_and_bias(model)  # else an InputError
    freeze_tower(model, objective.freeze)
    tokenizer = load_tokenizer(name, model.config.get_text_config().vocab_size)
    reads_padding = model.config.model_type in READ_PADDING
    tokens = tokenize_captions(
        train, tokenizer, caption_positions(model), reads_padding, odd.long_captions
    )
    processor = load_processor(name)
    check_answers(token_answers(tokenizer, model.config), name, odd.wrong_answers)
    check_answers(pixel_answers(processor.image_processor, model.config), name, odd.wrong_answers)
    inputs = GalleryInputs(images, train.image_ids, processor.image_processor)
    return Recipe(
        model=model,
        tokens=tokens,
        pairs=TrainingPairs(train, tokens.token_ids, inputs, PairSampler(train, 0.0, seed)),
        collator=Collator(
            pad=partial(pad_tokens, pad_id=tokenizer.pad_token_id),
            stack=default_collate,
            target="image_index",
        ),
        processor=processor,
        data_sha256=images.sha256(),
        loss=partial(contrastive_loss, model),
        callbacks=(ScaleLimit(model),),
    )
