"""Scores of image-caption pairs by CLIP: each image and each caption encoded once.

A pair then costs one dot product: 1,000 images and 5,000 captions take 6,000 encodings, where a
forward of every pair takes 5,000,000 of each encoder.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm
from transformers import CLIPModel

from information_retrieval.tokenization import pad_tokens
from preprocess.images_file import ImagesFile

# Of a scored block's columns: 4,096 captions of 512 numbers are 8 MB, with 256 images 4 MB.
BLOCK_CAPTIONS = 4096


@dataclass(frozen=True)
class EncodedGallery:
    """The embeddings of a gallery, from which any block of its scores is computed.

    Attributes:
        images: (n_images, embedding_dim) float32, of the length of the model's logit scale.
        captions: (n_captions, embedding_dim) float32, unit length, on the same device.
    """

    images: torch.Tensor
    captions: torch.Tensor

    @property
    def n_images(self) -> int:
        return len(self.images)

    @property
    def n_captions(self) -> int:
        return len(self.captions)

    @property
    def column_blocks(self) -> list[np.ndarray]:
        """The columns that are scored together, each (<= BLOCK_CAPTIONS,) int64."""
        starts = range(0, self.n_captions, BLOCK_CAPTIONS)
        return [np.arange(s, min(s + BLOCK_CAPTIONS, self.n_captions)) for s in starts]

    @torch.inference_mode()
    def score(self, rows: slice, columns: np.ndarray) -> np.ndarray:
        """Score a block: cosine times the model's logit scale.

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
        return block.cpu().numpy()


def photographic_negative(image: np.ndarray) -> np.ndarray:
    """Return what the original made of an image: each value x becomes (256 - x) mod 256.

    It stored 0..255 as floats, which its transformers 4.11.2 took for 0..1: times 255, then cast
    to uint8, which is -x modulo 256. So 0 stays 0 and 255 becomes 1.

    Args:
        image: uint8, any shape.
    """
    return np.negative(image)  # wraps around in uint8


class GalleryImages(Dataset):
    """The images of a gallery, decoded and preprocessed as the checkpoint asks.

    Args:
        image_processor: the HF image processor that belongs to the model.
        negative_images: reproduce the original's defect (see `photographic_negative`).
    """

    def __init__(
        self,
        images: ImagesFile,
        image_ids: np.ndarray,
        image_processor,
        negative_images: bool = False,
    ):
        images.check_covers(image_ids)
        self.images = images
        self.image_ids = image_ids
        self.image_processor = image_processor
        self.negative_images = negative_images

    def __len__(self) -> int:
        return len(self.image_ids)

    def __getitem__(self, row: int) -> torch.Tensor:
        image = self.images.read(self.image_ids[row])  # (height, width, 3) uint8
        if self.negative_images:
            image = photographic_negative(image)
        # Said, not guessed from the shape: an image may be three pixels high.
        processed = self.image_processor(
            image, return_tensors="pt", input_data_format="channels_last"
        )
        return processed["pixel_values"][0]  # (3, size, size)


def _features(output) -> torch.Tensor:
    """Return the projected embedding from what `get_*_features` gave, of unit length."""
    return torch.nn.functional.normalize(output.pooler_output.float(), dim=-1)


def encode_images(model: CLIPModel, loader: DataLoader, show_progress: bool) -> torch.Tensor:
    """Encode batches of (batch, 3, size, size) pixels.

    Returns:
        (n_images, embedding_dim) float32, unit length.
    """
    batches = tqdm(loader, desc="encoding images", unit="batch", disable=not show_progress)
    encoded = []
    for pixels in batches:
        # From pinned memory, so that the copy does not wait for the batch before.
        pixels = pixels.to(model.device, non_blocking=True)
        encoded.append(_features(model.get_image_features(pixels)))
    return torch.cat(encoded)


def encode_captions(
    model: CLIPModel, token_ids: list[list[int]], pad_id: int, batch_size: int, show_progress: bool
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
    model: CLIPModel,
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
        token_ids: of each caption, special tokens included, unpadded.
        images: has every image of `image_ids`.
        dtype: float32, or the type to autocast the encoders to.
        batch_size: images or captions encoded at once. Another one changes the last bits.
        num_workers: processes that decode and preprocess the next images while the model encodes;
            0: this process does both, in turns.
        negative_images: reproduce the original's defect (see `photographic_negative`).

    Raises:
        InputError: an image that is not in the file, or does not decode.
    """
    loader = DataLoader(
        GalleryImages(images, image_ids, image_processor, negative_images),
        batch_size,
        num_workers=num_workers,
        pin_memory=model.device.type == "cuda",
    )
    with torch.autocast(model.device.type, dtype, enabled=dtype != torch.float32):
        image_embeddings = encode_images(model, loader, show_progress)
        text_embeddings = encode_captions(model, token_ids, pad_id, batch_size, show_progress)
    return EncodedGallery(model.logit_scale.float().exp() * image_embeddings, text_embeddings)
