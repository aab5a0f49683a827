"""Image tokens of X-VLM: Swin's, after their mean; and those of regions, without encoding again."""

import torch
from torch import Tensor, nn
from transformers import SwinConfig, SwinModel

from preprocess.base.errors import InputError


class XvlmImageEncoder(SwinModel):
    """HF's Swin, of which the tokens stand after their mean."""

    def __init__(self, config: SwinConfig):
        super().__init__(config, add_pooling_layer=False)

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Encode images.

        Args:
            pixel_values: (batch, 3, image_size, image_size).

        Returns:
            (batch, 1 + n_patches, hidden_size): the mean, and the tokens, row by row.

        Raises:
            InputError: images of another size.
        """
        side = self.config.image_size
        # One of another size would change windows of HF's Swin for good, and fail, or be padded.
        if pixel_values.shape[-2:] != (side, side):
            found = " x ".join(map(str, pixel_values.shape[-2:]))
            raise InputError(
                f"the model reads images of {side} x {side} pixels, found {found}; give the "
                "preprocessor_config.json that belongs to it"
            )
        tokens = super().forward(pixel_values).last_hidden_state
        return torch.cat([tokens.mean(dim=1, keepdim=True), tokens], dim=1)


def region_embeds(image_tokens: Tensor, image_of: Tensor, masks: Tensor) -> Tensor:
    """Return the tokens of regions: their image's, after the mean of those in the region.

    The tokens outside stay as they are; what reads them is given the mask.

    Args:
        image_tokens: (n_images, 1 + n_patches, width).
        image_of: (n_regions,) int64, the image of each region.
        masks: (n_regions, 1 + n_patches), 1 for a token in the region, and for the first.

    Returns:
        (n_regions, 1 + n_patches, width).
    """
    tokens = image_tokens[image_of, 1:]  # (n_regions, n_patches, width)
    inside = masks[:, 1:, None].to(tokens.dtype)
    mean = (tokens * inside).sum(dim=1, keepdim=True) / inside.sum(dim=1, keepdim=True)
    return torch.cat([mean, tokens], dim=1)


def projection_head(width: int, n_outputs: int) -> nn.Sequential:
    """Return the shape of the matching and the box head, which read the first token."""
    return nn.Sequential(
        nn.Linear(width, 2 * width),
        nn.LayerNorm(2 * width),
        nn.GELU(),
        nn.Linear(2 * width, n_outputs),
    )
