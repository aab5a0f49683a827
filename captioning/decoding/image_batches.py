"""What a captioner reads of images, batch by batch: cached encodings, or pixels."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from captioning.models.configuration import LstmCaptionerConfig
from captioning.models.encodings import check_encodings
from captioning.models.loading import LoadedCaptioner
from captioning.models.prefix_captioner import PrefixCaptionerConfig
from information_retrieval.models.checkpoint import load_image_processor
from information_retrieval.models.gallery_images import GalleryImages, pixel_batches
from preprocess.base.errors import InputError
from preprocess.storage.encodings_file import EncodingsFile
from preprocess.storage.images_file import ImagesFile

Inputs = EncodingsFile | ImagesFile


def open_inputs(captioner: LoadedCaptioner, encodings: Path | None, images: Path | None) -> Inputs:
    """Open the file that a captioner reads.

    Raises:
        InputError: the file of the other kind was given, there is none, or its encodings are not
            those that the captioner was trained on.
    """
    if captioner.reads == "pixels":
        if images is None or encodings is not None:
            raise InputError(
                f"{captioner.name}: reads pixels; give --images, an images HDF5 of "
                "preprocess.write_images, and no --encodings"
            )
        return ImagesFile(images)
    if encodings is None or images is not None:
        of = getattr(captioner.config, "encoder", None)
        raise InputError(
            f"{captioner.name}: reads encodings{f' by {of}' if of else ''}; give --encodings, made "
            "of the images by preprocess.encode_images, and no --images"
        )
    file = EncodingsFile(encodings)
    assert isinstance(captioner.config, LstmCaptionerConfig | PrefixCaptionerConfig)
    check_encodings(file, captioner.config)
    return file


def input_batches(
    captioner: LoadedCaptioner,
    inputs: Inputs,
    image_ids: Sequence[int] | np.ndarray,
    batch_size: int,
    num_workers: int = 0,
) -> Iterator[Tensor] | DataLoader:
    """Read images in this order, (<= batch_size, ...).

    Raises:
        InputError: an image that is not in the file, or is damaged.
    """
    inputs.check_covers(image_ids)
    if isinstance(inputs, EncodingsFile):
        return encoding_batches(inputs, image_ids, batch_size)
    processor = load_image_processor(captioner.name)
    images = GalleryImages(inputs, np.asarray(image_ids), processor)
    return pixel_batches(images, batch_size, num_workers, captioner.device)


def encoding_batches(
    encodings: EncodingsFile, image_ids: Sequence[int] | np.ndarray, batch_size: int
) -> Iterator[Tensor]:
    """Read encodings in this order, (<= batch_size, D) or (<= batch_size, T, D) float32."""
    for start in range(0, len(image_ids), batch_size):
        rows = [encodings.read(image_id) for image_id in image_ids[start : start + batch_size]]
        yield torch.from_numpy(np.stack(rows))
