"""What is trained: model, pairs, batches and loss."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from transformers import PreTrainedModel, TrainerCallback

from information_retrieval.models.tokenization import TokenizedCaptions
from information_retrieval.training.examples.dataset import DrawnAnew
from information_retrieval.training.recipes.parameter_groups import HFS_GROUPS, ParameterGroups


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
        add_targets: adds to a batch what a teacher makes of it on its device; None without one.
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
    add_targets: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]] | None = None
    options: dict = field(default_factory=dict)
