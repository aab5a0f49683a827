"""What LXMERT is trained with: pairs, aligned or not, or the pairs of a batch compared."""

from functools import partial

import torch

from information_retrieval.models.arguments import InputArguments
from information_retrieval.models.checkpoint import load_model, load_tokenizer
from information_retrieval.models.known_answers import (
    check_answers,
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
    caption_positions,
    pad_tokens,
    tokenize_captions,
)
from information_retrieval.training.examples.dataset import Collator, TrainingPairs
from information_retrieval.training.examples.hard_negatives import read_hard_negatives
from information_retrieval.training.examples.pairs import PairSampler
from information_retrieval.training.objectives.contrastive_lxmert import ContrastiveLxmert
from information_retrieval.training.recipes.objective_arguments import ObjectiveArguments
from information_retrieval.training.recipes.recipe import Recipe
from preprocess.captions.split_file import Split
from preprocess.storage.features_file import FeaturesFile


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
    features.check_split(train)
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
