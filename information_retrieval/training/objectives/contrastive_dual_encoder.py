"""A dual encoder, such as CLIP, trained by comparing the pairs of a batch."""

import math
from functools import partial
from typing import Literal, Protocol

import torch
from torch import Tensor
from transformers import PreTrainedModel, TrainerCallback

from information_retrieval.training.objectives.losses import symmetric_cross_entropy
from preprocess.base.errors import InputError

# CLIP's own bound, at which its training ended.
LARGEST_SCALE = 100.0
TOWERS = {
    "image": ("vision_model", "visual_projection", "vision_projection"),
    "text": ("text_model", "text_projection"),
}


class Embeddings(Protocol):
    """What a dual encoder's forward gives: `image_embeds`, `text_embeds` (batch, embedding_dim)."""

    image_embeds: Tensor
    text_embeds: Tensor


def contrastive_loss(model: PreTrainedModel, output: Embeddings, image_index: Tensor) -> Tensor:
    """Return the symmetric cross entropy of the batch of all processes.

    Args:
        model: whose learnt scale multiplies the cosines.
        output: of its forward.
        image_index: (batch,) int64, equal for captions of one image.
    """
    scale = model.logit_scale.exp() if hasattr(model, "logit_scale") else 1 / model.temperature
    images, captions = (
        torch.nn.functional.normalize(embeds.float(), dim=-1)
        for embeds in (output.image_embeds, output.text_embeds)
    )
    return symmetric_cross_entropy(images, captions, scale, image_index)


def freeze_tower(model: PreTrainedModel, tower: Literal["none", "image", "text"]) -> None:
    """Keep one tower, projection included, as it is.

    Raises:
        InputError: the model has no such part.
    """
    if tower == "none":
        return
    parts = [getattr(model, name) for name in TOWERS[tower] if hasattr(model, name)]
    if not parts:
        raise InputError(
            f"--freeze {tower}: {type(model).__name__} has none of {', '.join(TOWERS[tower])}"
        )
    for part in parts:
        # A projection is a layer, or a parameter.
        part.requires_grad_(False)
        if isinstance(part, torch.nn.Module):
            # Else ALIGN's batch norms would go on counting, and dropout blur what is kept.
            part.eval().train = partial(_stay, part)  # type: ignore[method-assign]


def _stay(part: torch.nn.Module, mode: bool = True) -> torch.nn.Module:
    return part


class ScaleLimit(TrainerCallback):
    """Keeps the learnt scale at most at CLIP's bound, after each step.

    Also one that began above it, as SigLIP's: no rank depends on it.
    """

    def __init__(self, model: PreTrainedModel):
        self.model = model

    def on_step_end(self, args, state, control, **kwargs) -> None:
        with torch.no_grad():
            if hasattr(self.model, "logit_scale"):
                self.model.logit_scale.clamp_(max=math.log(LARGEST_SCALE))
            else:
                self.model.temperature.clamp_(min=1 / LARGEST_SCALE)
