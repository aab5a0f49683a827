"""What is scored: a model and a gallery that fit, and how the gallery is encoded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from information_retrieval.models.arguments import (
    ComputeArguments,
    InputArguments,
    LongCaptions,
    Score,
    WrongAnswers,
)
from information_retrieval.models.tokenization import TokenizedCaptions


class Scorer(Protocol):
    """Encoded images and captions, of which any tile of scores can be computed."""

    def score(self, rows: slice, columns: np.ndarray) -> np.ndarray:
        """Return (n_rows, n_columns) float32."""


@dataclass(frozen=True)
class GalleryFiles:
    """The HDF5 files of a gallery's split; each model reads one.

    A part of the public interface (docs/python.md).
    """

    features: Path
    images: Path


@dataclass(frozen=True)
class EncoderOptions:
    """How a gallery is encoded.

    A part of the public interface (docs/python.md).

    Attributes:
        dtype: float32, or the type to autocast to.
        batch_size: images or captions encoded at once.
        num_workers: processes that read and decode images.
        show_progress: whether bars are shown.
        long_captions: whether captions longer than the model's positions are cut, or an error.
        wrong_answers: whether a surely wrong answer of `known_answers` is an error, or a warning.
        negative_images: each pixel value x becomes (256 - x) mod 256, as in the original; for
            models that read images.
        compile: compile what acts on each token alone; of an LXMERT.
        score: which of an X-VLM's two scores, None for itm; None for any other model.
    """

    dtype: torch.dtype = torch.float32
    batch_size: int = 64
    num_workers: int = 0
    show_progress: bool = False
    negative_images: bool = False
    long_captions: LongCaptions = "cut"
    wrong_answers: WrongAnswers = "error"
    compile: bool = False
    score: Score | None = None

    def of_every_model(self) -> dict:
        """Return the arguments that each module's `encode_gallery` takes."""
        names = ("dtype", "batch_size", "num_workers", "show_progress")
        return {name: getattr(self, name) for name in names}


def encoder_options(
    compute: ComputeArguments, odd: InputArguments, show_progress: bool = True, **others
) -> EncoderOptions:
    """Return what a command was told, as options.

    Args:
        others: what this command alone can be told, by the options' names.
    """
    return EncoderOptions(
        dtype=getattr(torch, compute.dtype),
        batch_size=compute.batch_size,
        num_workers=compute.num_workers,
        show_progress=show_progress,
        long_captions=odd.long_captions,
        wrong_answers=odd.wrong_answers,
        **others,
    )


@dataclass(frozen=True)
class LoadedGallery:
    """A model and a gallery that fits it; nothing is encoded yet.

    Attributes:
        identity: what the scores depend on, as text by name.
        tokens: the captions as the model reads them.
        column_blocks: the columns of each block of tiles.
        encode: gives the scorer of the images in an ascending choice of rows (n,) int64.
    """

    identity: dict[str, str]
    tokens: TokenizedCaptions
    column_blocks: tuple[np.ndarray, ...]
    encode: Callable[[np.ndarray], Scorer]
