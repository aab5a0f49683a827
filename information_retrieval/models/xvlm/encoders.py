"""Images and captions of X-VLM encoded, each once: for the fusion layers, or to be compared.

Swin sees only the image, the first half of BERT only the caption. Captions are encoded in groups of
one token length: there is no padding, and nothing to mask.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from information_retrieval.models.xvlm.model import XvlmModel
from information_retrieval.models.xvlm.pair_blocks import attend_to_text


@dataclass(frozen=True)
class CaptionGroup:
    """Encoded captions of one token length.

    Attributes:
        columns: (n,) int64 ascending, positions in the split.
        hidden: (n, length, hidden_size), after the self-attention of the first fusion layer.
    """

    columns: np.ndarray
    hidden: Tensor


def encoded_texts(
    model: XvlmModel, token_ids: list[list[int]], batch_size: int, show_progress: bool
) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Run the text layers on captions in batches of one length, shortest first.

    Yields:
        columns (batch,) int64 ascending, and the output (batch, length, hidden_size).
    """
    lengths = np.array([len(ids) for ids in token_ids])
    with tqdm(
        total=len(token_ids), desc="encoding captions", unit="caption", disable=not show_progress
    ) as progress:
        for length in np.unique(lengths):
            columns = np.flatnonzero(lengths == length)
            for start in range(0, len(columns), batch_size):
                batch = columns[start : start + batch_size]
                ids = torch.tensor([token_ids[column] for column in batch], device=model.device)
                yield batch, _encode_texts(model, ids)
                progress.update(len(batch))


def _encode_texts(model: XvlmModel, input_ids: Tensor) -> Tensor:
    hidden = model.text_encoder.embeddings(input_ids=input_ids)
    for layer in model.text_encoder.text_layers:
        hidden = layer(hidden, None)  # of one length: nothing is masked
    return hidden


def encode_captions(
    model: XvlmModel, token_ids: list[list[int]], batch_size: int, show_progress: bool = False
) -> list[CaptionGroup]:
    """Encode every caption, in groups of one length, shortest first."""
    parts: dict[int, list[tuple[np.ndarray, Tensor]]] = {}
    for columns, hidden in encoded_texts(model, token_ids, batch_size, show_progress):
        attended = attend_to_text(model, hidden)
        parts.setdefault(hidden.shape[1], []).append((columns, attended))
    groups = []
    for length in sorted(parts):
        of_columns, of_hidden = zip(*parts.pop(length), strict=True)
        groups.append(CaptionGroup(np.concatenate(of_columns), torch.cat(of_hidden)))
    return groups


def encoded_images(
    model: XvlmModel, batches: Iterable[Tensor], show_progress: bool
) -> Iterator[Tensor]:
    """Run the image encoder on batches of pixels (batch, 3, image_size, image_size).

    Yields:
        (batch, 1 + n_patches, image_width); under autocast in its type.
    """
    batches = tqdm(batches, desc="encoding images", unit="batch", disable=not show_progress)
    for pixels in batches:
        tokens = model.vision_encoder(pixels.to(model.device, non_blocking=True))
        kind = tokens.device.type
        # What reads them are linear layers, which round them so: nothing is lost.
        rounds = torch.is_autocast_enabled(kind)
        yield tokens.to(torch.get_autocast_dtype(kind)) if rounds else tokens


@torch.inference_mode()
def encode_features(
    model: XvlmModel,
    token_ids: list[list[int]],
    batches: Iterable[Tensor],
    *,
    dtype: torch.dtype = torch.float32,
    batch_size: int = 64,
    show_progress: bool = False,
) -> tuple[Tensor, Tensor]:
    """Encode every image and every caption to what is compared by cosine.

    Args:
        model: in eval mode, on the device to compute on.
        token_ids: of each caption, [CLS] included, unpadded.
        batches: the images' pixels, in order.
        dtype: float32, or the type to autocast the encoders to.
        batch_size: captions encoded at once.

    Returns:
        images and captions, (n, embedding_dim) float32, unit length.
    """
    of_images, columns, of_captions = [], [], []
    with autocast(model, dtype):
        for tokens in encoded_images(model, batches, show_progress):
            of_images.append(_in_float32(model.image_features, tokens))
        for batch, hidden in encoded_texts(model, token_ids, batch_size, show_progress):
            columns.append(batch)
            of_captions.append(_in_float32(model.text_features, hidden))
    in_order = torch.from_numpy(np.argsort(np.concatenate(columns)))
    return torch.cat(of_images), torch.cat(of_captions)[in_order.to(model.device)]


def _in_float32(project: Callable[[Tensor], Tensor], hidden: Tensor) -> Tensor:
    """Project in float32: rounded cosines are so few that many would be tied."""
    with torch.autocast(hidden.device.type, enabled=False):
        return project(hidden.float())


def autocast(model: XvlmModel, dtype: torch.dtype) -> torch.autocast:
    return torch.autocast(model.device.type, dtype, enabled=dtype != torch.float32)
