"""An X-VLM that begins as a Swin and a BERT, and one made to read images of another size."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import AutoConfig, BertForMaskedLM, PreTrainedModel, SwinModel

from information_retrieval.models.xvlm.configuration import XvlmConfig
from information_retrieval.models.xvlm.model import XvlmModel
from information_retrieval.models.xvlm.position_tables import resize_table
from preprocess.base.errors import InputError
from preprocess.base.hub import DAMAGED_WEIGHTS, quiet_transformers, use_cache_if_unreachable

TABLE = "relative_position_bias_table"
PATCH_POSITIONS = "vision_encoder.embeddings.position_embeddings"


@dataclass(frozen=True)
class Encoders:
    """What an X-VLM begins as.

    Attributes:
        image: HF's Swin.
        text: HF's BERT with its head for masked words.
    """

    image: SwinModel
    text: BertForMaskedLM


def load_encoders(image_name: str, text_name: str) -> Encoders:
    """Load a Swin and a BERT, each from a folder or hub id.

    A BERT without its head for masked words is given a new one.

    Raises:
        InputError: nothing there, another kind of model, or weights that are missing.
    """
    image = _load(SwinModel, "swin", "--image_encoder", image_name, add_pooling_layer=False)
    text = _load(BertForMaskedLM, "bert", "--text_encoder", text_name)
    return Encoders(image, text)


def _load(model_class, model_type: str, option: str, name: str, **kwargs):
    use_cache_if_unreachable()
    try:
        config = AutoConfig.from_pretrained(name)
        if config.model_type != model_type:
            raise InputError(
                f"{option} {name}: expected a {model_type} model, found {config.model_type}"
            )
        with quiet_transformers():
            model, loading = model_class.from_pretrained(
                name, dtype="float32", output_loading_info=True, **kwargs
            )
    except DAMAGED_WEIGHTS as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"{option} {name}: expected an HF checkpoint folder or hub id ({reason})"
        ) from error
    missing = sorted(key for key in loading["missing_keys"] if not key.startswith("cls."))
    if missing:
        raise InputError(
            f"{option} {name}: {len(missing)} weights are not in the checkpoint ({missing[0]}, ...)"
        )
    return model


def initialised(
    encoders: Encoders,
    seed: int,
    embedding_dim: int = 256,
    n_text_layers: int | None = None,
    image_size: int | None = None,
) -> XvlmModel:
    """Return an X-VLM that begins as two encoders: the fusion layers as BERT's last ones.

    Cross-attention, projections and the heads for matching and boxes are new, drawn by the seed.

    Args:
        n_text_layers: layers of BERT that see the text alone; None for half of them.
        image_size: pixels of a side; None for that of the Swin. Its tables of positions are
            resized as official ones.

    Raises:
        InputError: no layer is left to fuse, or a size that the image encoder's windows do not fit,
            or that its positions cannot be resized to.
    """
    layers = encoders.text.config.num_hidden_layers
    n_text_layers = layers // 2 if n_text_layers is None else n_text_layers
    if not 0 < n_text_layers < layers:
        raise InputError(
            f"--n_text_layers: expected 1 to {layers - 1} of the text encoder's {layers} layers, "
            f"the others to fuse, found {n_text_layers}"
        )
    config = XvlmConfig(
        vision_config=encoders.image.config.to_dict(),
        text_config=encoders.text.config.to_dict(),
        n_text_layers=n_text_layers,
        embedding_dim=embedding_dim,
    )
    config = fitted(config, image_size)
    torch.manual_seed(seed)
    model = XvlmModel(config)
    weights = {f"vision_encoder.{n}": v for n, v in encoders.image.state_dict().items()}
    weights |= {_text_name(n): v for n, v in encoders.text.state_dict().items()}
    _take(model, weights)
    return model.eval()


def _text_name(name: str) -> str:
    """Return what `XvlmModel` calls a weight of BERT with its head."""
    for prefix, own in (
        ("bert.encoder.layer.", "text_encoder.layers."),
        ("bert.", "text_encoder."),
        ("cls.", "mlm_head."),
    ):
        if name.startswith(prefix):
            return own + name.removeprefix(prefix)
    return name


def fitted(config: XvlmConfig, image_size: int | None) -> XvlmConfig:
    """Return the configuration for images of a size, with windows of the last map's side.

    Raises:
        InputError: no multiple of what a token stands for, or images smaller than a window.
    """
    config = XvlmConfig.from_dict(config.to_dict())
    vision, patch = config.vision_config, config.patch_size
    if image_size is not None:
        if image_size <= 0 or image_size % patch:
            raise InputError(f"--image_size {image_size}: expected a multiple of {patch}")
        vision.image_size, vision.window_size = image_size, image_size // patch
    if vision.image_size % patch or config.grid_size < vision.window_size:
        raise InputError(
            f"--image_encoder: expected images of a multiple of {patch} pixels, of at least its "
            f"window of {vision.window_size * patch}, found {vision.image_size}; give --image_size"
        )
    return config


def resized(model: XvlmModel, image_size: int) -> XvlmModel:
    """Return the model for images of another size; its tables of positions are resized.

    Raises:
        InputError: a size that is no multiple of what a token stands for, or that the model's
            positions cannot be resized to.
    """
    other = type(model)(fitted(model.config, image_size))
    _take(other, model.state_dict())
    return other.eval()


def _take(model: PreTrainedModel, weights: dict[str, Tensor]) -> None:
    """Load weights; tables of positions of another window are resized, the missing stay.

    Raises:
        InputError: tables of too small a window, or positions of patches, which are not resized.
    """
    own, vision = model.state_dict(), model.config.vision_config
    if PATCH_POSITIONS in own and weights[PATCH_POSITIONS].shape != own[PATCH_POSITIONS].shape:
        found, wanted = (at[PATCH_POSITIONS].shape[1] for at in (weights, own))
        raise InputError(
            f"--image_size {vision.image_size}: {PATCH_POSITIONS} (use_absolute_embeddings) has "
            f"{found:,} positions, and images of this size have {wanted:,}; expected a model "
            "without such a table, which is not resized, or the size that it was made for"
        )
    window = vision.window_size
    for name, value in weights.items():
        if name.endswith(TABLE) and value.shape != own[name].shape:
            weights[name] = torch.from_numpy(resize_table(np.asarray(value.cpu()), window))
    unexpected = model.load_state_dict(
        {name: value for name, value in weights.items() if not name.endswith("position_ids")},
        strict=False,
    ).unexpected_keys
    assert not unexpected, unexpected
    model.tie_weights()
