"""The loop from an images file to the rows of an encodings file."""

import json
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm
from transformers.image_processing_utils import BaseImageProcessor

from preprocess.base.errors import InputError
from preprocess.encoders.image_encoder import ImageEncoder, pixels_of
from preprocess.extracting.loader_workers import die_with_parent, telling_killed_workers
from preprocess.storage.encodings_file import EncodingsWriter
from preprocess.storage.images_file import ImagesFile

RESIZING = ("do_resize", "size", "resample", "do_center_crop", "crop_size", "crop_pct")


class EncoderPixels(Dataset):
    """What an encoder reads of each row of an images file: its number, and (3, side, side) float32.

    An InputError stands for an image that is damaged: an exception would come out of a worker
    wrapped in a traceback, and end the others' work.
    """

    def __init__(self, images: ImagesFile, image_processor: BaseImageProcessor):
        self.images = images
        self.image_processor = image_processor

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[int, Tensor | InputError]:
        try:
            image = self.images.read(self.images.image_ids[row])
        except InputError as error:
            return row, error
        return row, pixels_of(image, self.image_processor)


def describe(encoder: ImageEncoder, images: ImagesFile) -> dict[str, str]:
    """Return the attributes of the encodings file that say what made it.

    The batch size and the device are not among them: they change encodings by rounding only, and
    a run may have to go on with a smaller batch.
    """
    processor = encoder.image_processor.to_dict()
    settings = {
        "side": encoder.side,
        "mean": encoder.mean,
        "std": encoder.std,
        **{key: processor.get(key) for key in RESIZING},
    }
    return {
        "kind": encoder.kind,
        "encoder": encoder.name,
        "weights_sha256": encoder.revision,
        "images_sha256": images.sha256(),
        "settings": json.dumps(settings),
    }


def unfinished_batches(n_rows: int, missing: np.ndarray, batch_size: int) -> list[list[int]]:
    """Return the batches of rows in which a row is missing, whole.

    The batches are those of all rows, whichever are done already: a run that was interrupted gives
    what it would have given, also in the last digit, which depends on what is computed together.
    """
    wanted = sorted({int(row) // batch_size for row in missing})
    return [list(range(b * batch_size, min((b + 1) * batch_size, n_rows))) for b in wanted]


def write_encodings(
    writer: EncodingsWriter,
    encoder: ImageEncoder,
    images: ImagesFile,
    batch_size: int,
    num_workers: int,
    title: str,
) -> list[str]:
    """Encode each image whose row is missing in the file, and show progress.

    Args:
        images: whose rows are the writer's.
        batch_size: images that are encoded together.
        num_workers: processes that decode and preprocess images meanwhile.
        title: names the progress bar.

    Returns:
        A line for each image that is damaged, and whose row stays missing.

    Raises:
        InputError: the disk is full, the device's memory too small, a worker was killed, or
            encodings are not finite.
    """
    missing = set(writer.missing_rows().tolist())
    loader = DataLoader(
        EncoderPixels(images, encoder.image_processor),
        batch_sampler=unfinished_batches(len(images), np.array(sorted(missing)), batch_size),
        collate_fn=list,
        num_workers=num_workers,
        worker_init_fn=die_with_parent,
    )
    failures = []
    done = len(images) - len(missing)
    progress = tqdm(desc=title, initial=done, total=len(images), unit="image", smoothing=0.1)
    with progress, telling_killed_workers():
        for batch in loader if missing else ():
            encodings = _encode(encoder, [pixels for _, pixels in batch])
            for (row, pixels), encoding in zip(batch, encodings, strict=True):
                if row not in missing:  # there for the size of the batch
                    continue
                if isinstance(pixels, InputError):
                    failures.append(str(pixels))
                else:
                    writer.write(row, encodings=encoding)
                progress.update()
    return failures


def _encode(encoder: ImageEncoder, batch: Sequence[Tensor | InputError]) -> np.ndarray:
    """Return (batch, *shape) float32; of a damaged image, what blank pixels give."""
    blank = torch.zeros(3, encoder.side, encoder.side)  # so that the batch keeps its size
    pixels = torch.stack([blank if isinstance(one, InputError) else one for one in batch])
    try:
        return encoder.encode(pixels).cpu().numpy()
    except torch.OutOfMemoryError as error:
        raise InputError(
            f"--batch_size: {len(batch)} images are too many for the memory of {encoder.device}; "
            "repeat the command with fewer, and it goes on"
        ) from error
