"""Scores of image-caption pairs by CLIP and its like: each image and each caption encoded once.

A pair then costs one dot product: 1,000 images and 5,000 captions take 6,000 encodings, where a
forward of every pair takes 5,000,000 of each encoder.

A dual encoder is here any HF model that has `get_text_features`, `get_image_features` and a learnt
scale of their cosine: `logit_scale` (CLIP, AltCLIP), with `logit_bias` (SigLIP), or `temperature`
(ALIGN). The scores are the model's own `logits_per_image`; Sx3HRe's are the cosines.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import DataLoader
from tqdm import tqdm
from transformers import PreTrainedModel

from information_retrieval.models.gallery_images import GalleryImages
from information_retrieval.models.tokenization import pad_tokens
from preprocess.base.errors import InputError
from preprocess.storage.images_file import ImagesFile

# Of a scored block's columns: 4,096 captions of 512 numbers are 8 MB, with 256 images 4 MB.
BLOCK_CAPTIONS = 4096


@dataclass(frozen=True)
class EncodedGallery:
    """The embeddings of a gallery, from which any block of its scores is computed.

    Attributes:
        images: (n_images, embedding_dim) float32, of the length of the model's scale.
        captions: (n_captions, embedding_dim) float32, unit length, on the same device.
        bias: what the model adds to every score.
    """

    images: torch.Tensor
    captions: torch.Tensor
    bias: float = 0.0

    @property
    def n_images(self) -> int:
        return len(self.images)

    @property
    def n_captions(self) -> int:
        return len(self.captions)

    @torch.inference_mode()
    def score(self, rows: slice, columns: np.ndarray) -> np.ndarray:
        """Score a block: cosine times the model's scale, plus its bias.

        In float32 whatever the encoders computed in: half-precision scores near 30 are 1/64
        apart, and tie.

        Args:
            columns: (n_columns,) integer.

        Returns:
            (n_rows, n_columns) float32.
        """
        captions = self.captions[torch.from_numpy(columns).to(self.captions.device)]
        with torch.autocast(captions.device.type, enabled=False):
            block = self.images[rows] @ captions.T  # (n_rows, n_columns)
        if self.bias:
            block += self.bias
        return block.cpu().numpy()


class GalleryInputs(GalleryImages):
    """As `GalleryImages`, with what else an image processor makes, such as SigLIP 2's masks."""

    def __getitem__(  # type: ignore[override]  # all inputs, not the pixels alone
        self, row: int
    ) -> dict[str, torch.Tensor]:
        return self.inputs(row)


def is_dual_encoder(model_class: type) -> bool:
    """Tell whether a model class gives the features of images and of texts apart."""
    return hasattr(model_class, "get_text_features") and hasattr(model_class, "get_image_features")


def scale_and_bias(model: PreTrainedModel) -> tuple[float, float]:
    """Return what the model's scores are: scale * cosine + bias.

    Raises:
        InputError: the model has neither a `logit_scale` nor a `temperature`: it has features of
            images and texts, but was not trained to compare them.
    """
    if getattr(model, "scores_are_cosines", False):
        return 1.0, 0.0
    bias = model.logit_bias.item() if hasattr(model, "logit_bias") else 0.0
    if isinstance(getattr(model, "logit_scale", None), torch.nn.Parameter):
        return model.logit_scale.float().exp().item(), bias
    if isinstance(getattr(model, "temperature", None), torch.nn.Parameter):
        return 1 / model.temperature.item(), bias
    raise InputError(
        f"{type(model).__name__}: expected a dual encoder with a learnt logit_scale (CLIP, SigLIP, "
        "AltCLIP) or temperature (ALIGN), found neither"
    )


def _features(output) -> torch.Tensor:
    """Return the projected embedding from what `get_*_features` gave, of unit length."""
    if output.pooler_output.ndim != 2:
        raise InputError(
            "expected a dual encoder with one embedding an image or caption, found embeddings of "
            f"shape {tuple(output.pooler_output.shape)}"
        )
    return torch.nn.functional.normalize(output.pooler_output.float(), dim=-1)


def encode_images(
    model: PreTrainedModel,
    batches: Iterable[torch.Tensor | dict[str, torch.Tensor]],
    show_progress: bool,
) -> torch.Tensor:
    """Encode batches of (batch, 3, size, size) pixels, or of an image processor's outputs.

    Returns:
        (n_images, embedding_dim) float32, unit length.
    """
    batches = tqdm(batches, desc="encoding images", unit="batch", disable=not show_progress)
    encoded = []
    for batch in batches:
        inputs = batch if isinstance(batch, dict) else {"pixel_values": batch}
        # From pinned memory, so that the copy does not wait for the batch before.
        inputs = {key: value.to(model.device, non_blocking=True) for key, value in inputs.items()}
        encoded.append(_features(model.get_image_features(**inputs)))
    return torch.cat(encoded)


def encode_captions(
    model: PreTrainedModel,
    token_ids: list[list[int]],
    pad_id: int,
    batch_size: int,
    show_progress: bool,
) -> torch.Tensor:
    """Encode captions, batched by length, in their own order.

    Returns:
        (n_captions, embedding_dim) float32, unit length.
    """
    by_length = np.argsort([len(ids) for ids in token_ids], kind="stable")
    starts = tqdm(
        range(0, len(by_length), batch_size),
        desc="encoding captions",
        unit="batch",
        disable=not show_progress,
    )
    encoded = []
    for start in starts:
        batch = [token_ids[column] for column in by_length[start : start + batch_size]]
        tokens = {key: value.to(model.device) for key, value in pad_tokens(batch, pad_id).items()}
        encoded.append(_features(model.get_text_features(**tokens)))
    return torch.cat(encoded)[torch.from_numpy(np.argsort(by_length))]


@torch.inference_mode()
def encode_gallery(
    model: PreTrainedModel,
    token_ids: list[list[int]],
    pad_id: int,
    images: ImagesFile,
    image_ids: np.ndarray,
    image_processor,
    *,
    dtype: torch.dtype = torch.float32,
    batch_size: int = 64,
    num_workers: int = 0,
    negative_images: bool = False,
    show_progress: bool = True,
) -> EncodedGallery:
    """Encode every image and every caption once.

    Args:
        model: in eval mode, on the device to compute on.
        token_ids: of each caption, special tokens included; padded only where the model reads the
            padding (`tokenize_captions`).
        images: has every image of `image_ids`.
        dtype: float32, or the type to autocast the encoders to.
        batch_size: images or captions encoded at once. Another one changes the last bits.
        num_workers: processes that decode and preprocess the next images while the model encodes;
            0: this process does both, in turns.
        negative_images: reproduce the original's defect (see gallery_images.py).

    Raises:
        InputError: an image that is not in the file, or does not decode; or those of
            `scale_and_bias`.
    """
    scale, bias = scale_and_bias(model)
    loader = DataLoader(
        GalleryInputs(images, image_ids, image_processor, negative_images),
        batch_size,
        num_workers=num_workers,
        pin_memory=model.device.type == "cuda",
    )
    with torch.autocast(model.device.type, dtype, enabled=dtype != torch.float32):
        image_embeddings = encode_images(model, loader, show_progress)
        text_embeddings = encode_captions(model, token_ids, pad_id, batch_size, show_progress)
    return EncodedGallery(scale * image_embeddings, text_embeddings, bias)
