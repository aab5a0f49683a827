"""Scores of all image-caption pairs by CLIP: each image and each caption encoded once."""

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm
from transformers import CLIPModel

from information_retrieval.tokenization import pad_tokens
from preprocess.images_file import ImagesFile


class GalleryImages(Dataset):
    """The images of a gallery, decoded and preprocessed as the checkpoint asks.

    Args:
        image_processor: the HF image processor that belongs to the model.
    """

    def __init__(self, images: ImagesFile, image_ids: np.ndarray, image_processor):
        images.check_covers(image_ids)
        self.images = images
        self.image_ids = image_ids
        self.image_processor = image_processor

    def __len__(self) -> int:
        return len(self.image_ids)

    def __getitem__(self, row: int) -> torch.Tensor:
        image = self.images.read(self.image_ids[row])  # (height, width, 3) uint8
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
    return torch.cat(
        [_features(model.get_image_features(pixels.to(model.device))) for pixels in batches]
    )


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
def score_gallery(
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
    show_progress: bool = True,
) -> np.ndarray:
    """Score every image against every caption: cosine times the model's logit scale.

    Args:
        model: in eval mode, on the device to compute on.
        token_ids: of each caption, special tokens included, unpadded.
        images: has every image of `image_ids`.
        dtype: float32, or the type to autocast the encoders to. Scores are float32 either way:
            half-precision scores near 30 are 1/64 apart, and tie.

    Returns:
        (n_images, n_captions) float32.

    Raises:
        InputError: an image that is not in the file, or does not decode.
    """
    loader = DataLoader(
        GalleryImages(images, image_ids, image_processor), batch_size, num_workers=num_workers
    )
    with torch.autocast(model.device.type, dtype, enabled=dtype != torch.float32):
        image_embeddings = encode_images(model, loader, show_progress)
        text_embeddings = encode_captions(model, token_ids, pad_id, batch_size, show_progress)
    scale = model.logit_scale.float().exp()
    return (scale * image_embeddings @ text_embeddings.T).cpu().numpy()
