"""The image tower of an HF checkpoint, a folder or a hub id, with all its weights."""

import pickle
import re
from collections.abc import Iterable
from typing import Any

from transformers import (
    BeitModel,
    CLIPVisionModel,
    CLIPVisionModelWithProjection,
    PreTrainedConfig,
    PreTrainedModel,
    ResNetModel,
)

from preprocess.base.errors import InputError, lack_of_machine
from preprocess.base.hub import DAMAGED_WEIGHTS, quiet_transformers, read_config
from preprocess.storage.encodings_file import Kind

TOWERS: dict[str, Any] = {
    "beit": BeitModel,
    "clip": CLIPVisionModel,
    "clip_vision_model": CLIPVisionModel,
    "resnet": ResNetModel,
}
CLIPS = ("clip", "clip_vision_model")
# In the configuration of a converted BEiT-2, what its vector of an image is.
CLS, MEAN_OF_PATCHES = "cls", "mean_of_patches"
CONVERT = "python -m preprocess.convert_beit --checkpoint"
# Of a tower, and read by no encoder of whole images; tables that follow from the configuration.
NOT_READ = re.compile(r"(mask_token|relative_position_index|position_ids)$")
LISTED = 3  # weights in a line


def load_tower_config(name: str) -> PreTrainedConfig:
    """Read the configuration of a checkpoint that has an image tower.

    Raises:
        InputError: nothing there, or a model of another type.
    """
    config = read_config(name)
    if config.model_type not in TOWERS:
        raise InputError(
            f"{name}: model type {config.model_type!r} is no image encoder that is supported; "
            f"expected one of {', '.join(TOWERS)}"
        )
    return config


def tower_config(config: PreTrainedConfig) -> Any:
    """Return the part of a configuration that is the image tower's."""
    return config.vision_config if config.model_type == "clip" else config


def image_vector(config: PreTrainedConfig) -> str:
    """Return `CLS` or `MEAN_OF_PATCHES`: what `pooler_output` of the tower is made of."""
    return MEAN_OF_PATCHES if getattr(config, "use_mean_pooling", False) else CLS


def load_tower(name: str, config: PreTrainedConfig, kind: Kind = "vector") -> PreTrainedModel:
    """Load a checkpoint's image tower in float32, in eval mode; with its projection for embeddings.

    Raises:
        InputError: a kind that there is of a CLIP only; weights that are missing, damaged, or of
            another architecture; a BEiT that was fine-tuned, and not converted to be used so.
    """
    if kind != "vector" and config.model_type not in CLIPS:
        raise InputError(
            f"{name}: there is no {kind} of a model of type {config.model_type!r}; give a CLIP, or "
            "take the kind vector"
        )
    tower, own = TOWERS[config.model_type], tower_config(config)
    if kind == "embedding":
        tower = CLIPVisionModelWithProjection
        # The tower's part of a whole CLIP's configuration may tell HF's default.
        own.projection_dim = config.projection_dim
    try:
        with quiet_transformers():
            model, loading = tower.from_pretrained(
                name,
                config=own,
                dtype="float32",
                output_loading_info=True,
                ignore_mismatched_sizes=True,
            )
    except DAMAGED_WEIGHTS as error:
        code = isinstance(error, pickle.UnpicklingError) or "weights_only" in str(error)
        reason = "not a file of tensors that torch.save wrote" if code else lack_of_machine(error)
        raise InputError(
            f"{name}: the weights cannot be loaded ({reason or repr(error)})"
        ) from error
    unused = _of_tower(model, loading["unexpected_keys"])
    if config.model_type == "beit":
        _check_trained_vector(name, config, unused)
    _check_none(name, loading["missing_keys"], "are missing")
    shapes = (key for key, *_ in loading["mismatched_keys"])
    _check_none(name, shapes, "have another shape than config.json tells")
    _check_none(name, unused, "have no place in the model that config.json describes")
    return model.eval()


def _of_tower(model: PreTrainedModel, unexpected: Iterable[str]) -> list[str]:
    """Return the weights without a place that are not of another tower or a head."""
    own = getattr(model, "vision_model", model)
    parts = {part for part, _ in own.named_children()}
    names = (re.sub(r"^(vision_model|beit|resnet)\.", "", key) for key in unexpected)
    return sorted(n for n in names if n.partition(".")[0] in parts and not NOT_READ.search(n))


def _check_trained_vector(name: str, config: PreTrainedConfig, unused: list[str]) -> None:
    """Raise InputError where the vector that a BEiT's configuration tells of was not trained."""
    if "layernorm.weight" in unused:
        raise InputError(
            f"{name}: config.json says use_mean_pooling, which drops the final norm that the "
            f"weights have: {CONVERT} {name} makes a folder that reads their [CLS]"
        )
    if "pooler.layernorm.weight" in unused:
        raise InputError(
            f"{name}: fine-tuned weights, whose config.json denies use_mean_pooling; give the "
            "config.json that belongs to them"
        )
    if config.use_mean_pooling and getattr(config, "image_vector", None) != MEAN_OF_PATCHES:
        raise InputError(
            f"{name}: a BEiT that was fine-tuned with labels, whose [CLS] nothing has trained; use "
            f"self-supervised weights, or {CONVERT} {name} --fine_tuned for the mean of its patches"
        )


def _check_none(name: str, weights: Iterable[str], what: str) -> None:
    found = sorted(weights)
    if found:
        listed = ", ".join(found[:LISTED]) + ", ..." * bool(found[LISTED:])
        raise InputError(f"{name}: {len(found)} weights of the image tower {what}: {listed}")
