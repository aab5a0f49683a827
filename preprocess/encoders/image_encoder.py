"""A frozen image encoder: pixels -> what other models regress, or are shown: vector or tokens.

BEiT-2's vector is its [CLS] after the final norm; that of a fine-tuned BEiT which was converted to
be used so, the norm of the mean of its patch tokens; CLIP's, its [CLS] after the last norm, before
the projection; a ResNet's, the mean of its last map. Each is what HF calls `pooler_output`. Of a
CLIP there are also its embedding, that vector projected, and its tokens.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoImageProcessor, PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from preprocess.base.errors import InputError, InputWarning
from preprocess.base.hub import revision_of_weights
from preprocess.encoders.towers import (
    load_tower,
    load_tower_config,
    tower_config,
)
from preprocess.storage.encodings_file import Kind

PROBE = (50, 40, 3)  # height, width, channels of an image that no processor leaves as it is
OUTPUTS = {"vector": "pooler_output", "embedding": "image_embeds", "tokens": "last_hidden_state"}


class FrozenTower(nn.Module):
    """An HF image tower that stays as it is: no gradients, and in eval mode under `train()`.

    BEiT has drop path, which a trainer that calls `train()` on all modules would switch on; a
    ResNet's batch norm would take the batch's statistics, and move its own.
    """

    def __init__(self, tower: PreTrainedModel, kind: Kind = "vector"):
        super().__init__()
        self.tower = tower
        self.output = OUTPUTS[kind]
        self.requires_grad_(False).train(False)

    def train(self, mode: bool = True) -> "FrozenTower":
        return super().train(False)

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Return (batch, width), of tokens (batch, n_tokens, width), of (batch, 3, side, side)."""
        output = self.tower(pixel_values=pixel_values)[self.output]
        return output.flatten(1) if output.ndim == 4 else output  # of a ResNet (batch, width, 1, 1)


@dataclass(frozen=True)
class ImageEncoder:
    """A frozen encoder and the pixels that it reads.

    Attributes:
        name: hub id, or the name of the folder.
        kind: which of its outputs it gives.
        model: (batch, 3, side, side) -> (batch, *shape).
        image_processor: HF's, by Pillow.
        shape: of an image's encoding: (width,), or (n_tokens, width).
        side: pixels of a side of what the model reads.
        mean, std: of red, green and blue in [0, 1], what pixels are normalised by.
        revision: "sha256:..." of the files of weights, or "commit:..." of a hub id.
    """

    name: str
    kind: Kind
    model: FrozenTower
    image_processor: BaseImageProcessor
    shape: tuple[int, ...]
    side: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    revision: str

    @property
    def width(self) -> int:
        """Numbers of a vector, or of a token."""
        return self.shape[-1]

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def encode(self, pixel_values: Tensor) -> Tensor:
        """Return each image's vector or tokens, in float32 also under autocast, without gradients.

        Args:
            pixel_values: (batch, 3, side, side), as `image_processor` makes them; moved to where
                the model is.

        Returns:
            (batch, *shape) float32, there.
        """
        device = self.device
        # Not a tensor of inference mode, which no loss with gradients could take.
        with (
            torch.inference_mode(False),
            torch.no_grad(),
            torch.autocast(device.type, enabled=False),
        ):
            return self.model(pixel_values.to(device, torch.float32))


def load_image_encoder(
    name: str, device: str | torch.device = "cpu", kind: Kind = "vector"
) -> ImageEncoder:
    """Load an encoder from an HF folder or hub id of the types of `towers.TOWERS`.

    Warns of a BEiT whose pixels are normalised as those of its first version.

    Raises:
        InputError: no such checkpoint or another type, or one without such outputs; weights
            missing, damaged or of another architecture; a fine-tuned BEiT that was not converted to
            be used so; no image processor, or one for another model.
    """
    config = load_tower_config(name)
    own = tower_config(config)
    model = load_tower(name, config, kind)
    processor: Any = _load_processor(name)
    side = _check_side(name, processor, getattr(own, "image_size", None))
    mean, std = _three(processor.image_mean), _three(processor.image_std)
    if config.model_type == "beit" and mean == (0.5, 0.5, 0.5):
        warnings.warn(
            f"{name}: its pixels are normalised by 0.5, as for the first version of BEiT; BEiT-2 "
            "was trained with ImageNet's mean and std: convert its weights anew if these are they",
            InputWarning,
            stacklevel=2,
        )
    return ImageEncoder(
        name=Path(name).resolve().name if Path(name).is_dir() else name,
        kind=kind,
        model=FrozenTower(model, kind).to(device),
        image_processor=processor,
        shape=_shape(own, side, kind),
        side=side,
        mean=mean,
        std=std,
        revision=revision_of_weights(name, config),
    )


def _shape(own: Any, side: int, kind: Kind) -> tuple[int, ...]:
    """Return what is made of an image; `own` is the configuration of the tower."""
    if kind == "embedding":
        return (own.projection_dim,)
    if kind == "tokens":
        return (side // own.patch_size) ** 2 + 1, own.hidden_size
    return (own.hidden_sizes[-1] if own.model_type == "resnet" else own.hidden_size,)


def _check_side(
    name: str, processor: Any, image_size: int | list[int] | tuple[int, ...] | None
) -> int:
    """Return the pixels of a side of what the processor makes.

    Args:
        image_size: that the model reads; None of a model that reads any.

    Raises:
        InputError: it makes no squares, or others than the model reads.
    """
    shape = tuple(pixels_of(np.zeros(PROBE, np.uint8), processor).shape)
    if image_size is None:
        sides = {shape[-1]}
    else:
        sides = {image_size} if isinstance(image_size, int) else set(image_size)
    if len(sides) != 1:
        raise InputError(f"{name}: expected a model of square images, found {image_size}")
    side = int(sides.pop())
    if shape != (3, side, side):
        raise InputError(
            f"{name}: expected an image processor for {side} x {side} pixels, as config.json "
            f"tells, found one that makes {shape} of an image"
        )
    return side


def _three(values: float | list[float] | tuple[float, ...]) -> tuple[float, float, float]:
    red, green, blue = np.broadcast_to(np.asarray(values, np.float64), 3).tolist()
    return red, green, blue


def _load_processor(name: str) -> BaseImageProcessor:
    try:
        # By Pillow: of torchvision's resize, HF's default, some pixels are a grey level off.
        processor = AutoImageProcessor.from_pretrained(name, backend="pil")
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{name}: no image processor ({error})") from error
    if not (processor.do_rescale and processor.do_normalize):
        raise InputError(
            f"{name}: expected an image processor that rescales and normalises pixels, found "
            f"do_rescale {processor.do_rescale}, do_normalize {processor.do_normalize}"
        )
    return processor


def pixels_of(image: np.ndarray, image_processor: BaseImageProcessor) -> Tensor:
    """Return what a model reads of an image, (3, height, width) float32.

    Args:
        image: (height, width, 3) uint8 RGB.
    """
    # Said, not guessed from the shape: an image may be three pixels high.
    made = image_processor(image, return_tensors="pt", input_data_format="channels_last")
    return made["pixel_values"][0]
