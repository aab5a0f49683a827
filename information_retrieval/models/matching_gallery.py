"""Images encoded once, and scored with captions by a cross-encoder's matching head.

ViLT (information_retrieval/models/vilt.py) and BLIP (information_retrieval/models/blip.py) say what
an image is encoded to and how it meets a block of captions; the rest is here. Captions are scored
in blocks of one token length: there is no padding, and nothing to mask.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import torch
from tqdm import tqdm
from transformers import PreTrainedModel

from information_retrieval.models.gallery_images import GalleryImages, pixel_batches


class MatchingGallery(ABC):
    """Encoded images and tokenised captions, of which any block of one length can be scored.

    Args:
        model: in eval mode, on the device of the images.
        images: each (n_patches, hidden_size); the images may differ in n_patches.
        token_ids: of each caption, special tokens included, unpadded.
        dtype: float32, or the type to autocast to.

    Attributes:
        BLOCK_CAPTIONS: captions to score at once, by the type of device.
        ONE_SIZE: whether the model's images all have one size, and so make batches.
    """

    BLOCK_CAPTIONS: ClassVar[dict[str, int]]
    ONE_SIZE: ClassVar[bool]

    def __init__(
        self,
        model: PreTrainedModel,
        images: list[torch.Tensor],
        token_ids: list[list[int]],
        dtype: torch.dtype,
    ):
        self.model = model
        self.images = images
        self.token_ids = token_ids
        self.dtype = dtype

    @staticmethod
    @abstractmethod
    def encode_images(model: PreTrainedModel, pixels: torch.Tensor) -> torch.Tensor:
        """Encode (batch, 3, height, width) pixels: (batch, n_patches, hidden_size)."""

    @abstractmethod
    def embed_captions(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Compute what captions (n, length) have for all images: (n, length, hidden_size)."""

    @abstractmethod
    def score_image(self, image: torch.Tensor, captions: torch.Tensor) -> torch.Tensor:
        """Score an image (n_patches, hidden_size) with embedded captions: (n,) float32 logits.

        The head must compute in float32: logits in bfloat16 are so few that many would be tied.
        """

    @torch.inference_mode()
    def score(self, rows: slice, columns: np.ndarray) -> np.ndarray:
        """Score images against captions of one token length.

        Args:
            rows: a slice of images.
            columns: (n,) integer.

        Returns:
            (n_rows, n) float32 logits.
        """
        device = self.model.device
        ids = torch.tensor([self.token_ids[column] for column in columns], device=device)
        with _autocast(self.model, self.dtype):
            captions = self.embed_captions(ids)
            scores = [self.score_image(image, captions) for image in self.images[rows]]
        return torch.stack(scores).cpu().numpy()


def _autocast(model: PreTrainedModel, dtype: torch.dtype) -> torch.autocast:
    return torch.autocast(model.device.type, dtype, enabled=dtype != torch.float32)


@torch.inference_mode()
def encode_gallery(
    gallery_class: type[MatchingGallery],
    model: PreTrainedModel,
    token_ids: list[list[int]],
    images: GalleryImages,
    *,
    dtype: torch.dtype = torch.float32,
    batch_size: int = 64,
    num_workers: int = 0,
    show_progress: bool = False,
) -> MatchingGallery:
    """Encode every image once.

    Args:
        gallery_class: that of the model's type.
        model: in eval mode, on the device to compute on.
        token_ids: of each caption, special tokens included, unpadded.
        dtype: float32, or the type to autocast to.
        batch_size: images encoded at once, where they have one size.
        num_workers: processes that decode and preprocess the next images.

    Raises:
        InputError: an image that does not decode.
    """
    at_once = batch_size if gallery_class.ONE_SIZE else 1
    batches = pixel_batches(images, at_once, num_workers, model.device)
    batches = tqdm(batches, desc="encoding images", unit="batch", disable=not show_progress)
    encoded: list[torch.Tensor] = []
    with _autocast(model, dtype):
        for pixels in batches:
            pixels = pixels.to(model.device, non_blocking=True)
            encoded.extend(gallery_class.encode_images(model, pixels))
    return gallery_class(model, encoded, token_ids, dtype)
