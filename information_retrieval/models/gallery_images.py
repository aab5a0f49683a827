"""The images of a gallery, decoded and preprocessed as a checkpoint asks."""

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from preprocess.storage.images_file import ImagesFile


def photographic_negative(image: np.ndarray) -> np.ndarray:
    """Return what the original made of an image: each value x becomes (256 - x) mod 256.

    It stored 0..255 as floats, which its transformers 4.11.2 took for 0..1: times 255, then cast
    to uint8, which is -x modulo 256. So 0 stays 0 and 255 becomes 1.

    Args:
        image: uint8, any shape.
    """
    return np.negative(image)  # wraps around in uint8


def preprocess_image(image: np.ndarray, image_processor) -> dict[str, torch.Tensor]:
    """Return everything that an HF image processor makes of an image, without a batch axis.

    Args:
        image: (height, width, 3) uint8 RGB.
    """
    # Said, not guessed from the shape: an image may be three pixels high.
    processed = image_processor(image, return_tensors="pt", input_data_format="channels_last")
    return {name: values[0] for name, values in processed.items()}


class GalleryImages(Dataset):
    """The pixels of a gallery's images, one by one.

    Args:
        image_processor: the HF image processor that belongs to the model.
        negative_images: reproduce the original's defect (see `photographic_negative`).

    Raises:
        InputError: an image that is not in the file.
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
        """Return (3, height, width) float32, sized and normalised for the model."""
        return self.inputs(row)["pixel_values"]

    def inputs(self, row: int) -> dict[str, torch.Tensor]:
        """Return everything that the image processor made of an image, without a batch axis."""
        image = self.images.read(self.image_ids[row])  # (height, width, 3) uint8
        if self.negative_images:
            image = photographic_negative(image)
        return preprocess_image(image, self.image_processor)


def pixel_batches(
    images: GalleryImages, batch_size: int, num_workers: int, device: torch.device
) -> DataLoader:
    """Read images in order, in batches (<= batch_size, 3, height, width) for a device.

    Args:
        images: of one size, but for batches of one.
        num_workers: processes that decode and preprocess the next images.
    """
    return DataLoader(images, batch_size, num_workers=num_workers, pin_memory=device.type == "cuda")
