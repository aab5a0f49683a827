"""Scores of all image-caption pairs by X-VLM, each image and each caption encoded once.

Swin sees only the image, the first half of BERT only the caption; they meet in the fusion layers.
So a pair costs the fusion layers and the matching head alone (models/xvlm/pair_blocks.py), and less
of them than the plain forward. Captions are scored in groups of one token length. The scores are
those of the plain forward of each pair (tests: within 1e-5 in float32): logit 1 of the matching
head, as published.

Memory, of the published size at 384 pixels, in float32: 0.6 MB an image (3 GB for 5,000), 3 KB a
caption token (1 GB for 25,000 captions), and 5.3 MB an image of a band (0.34 GB). Under autocast
the images and the band take half.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from information_retrieval.models.xvlm.encoders import (
    CaptionGroup,
    autocast,
    encode_captions,
    encoded_images,
)
from information_retrieval.models.xvlm.model import XvlmModel
from information_retrieval.models.xvlm.pair_blocks import (
    ImageReading,
    make_ready,
    read_images,
    score_block,
)

# Captions in a tile, by the type of device: with 64 images, a minute of 2 CPU cores.
BLOCK_CAPTIONS = {"cpu": 64, "cuda": 1024}
BAND_IMAGES = 64  # of which keys and values are kept
# Pairs that go through the fusion layers together: on a CPU, activations stay near its caches.
PAIRS = {"cpu": 64, "cuda": 4096}


class EncodedGallery:
    """Encoded images and captions, of which any pairs of one caption length can be scored.

    Args:
        model: in eval mode, on the device of the encodings.
        images: of each image (1 + n_patches, image_width).
        groups: every caption once.
        dtype: float32, or the type to autocast to.
    """

    def __init__(
        self,
        model: XvlmModel,
        images: list[Tensor],
        groups: list[CaptionGroup],
        dtype: torch.dtype = torch.float32,
    ):
        self.model = model
        self.images = images
        self.groups = groups
        self.dtype = dtype
        self.pairs = PAIRS.get(model.device.type, PAIRS["cpu"])
        self._band: tuple[slice, list[ImageReading]] | None = None
        n_captions = sum(len(group.columns) for group in groups)
        self._group_of = np.empty(n_captions, np.int64)
        for index, group in enumerate(groups):
            self._group_of[group.columns] = index

    def read_band(self, rows: slice) -> list[ImageReading]:
        """Return what captions read of a band of images, by layer.

        The last band's is kept: tiles go band by band.
        """
        if self._band is None or self._band[0] != rows:
            self.forget_band()  # its memory is free for the next
            self._band = rows, read_images(self.model, torch.stack(self.images[rows]))
        return self._band[1]

    def forget_band(self) -> None:
        self._band = None

    @torch.inference_mode()
    def score(self, rows: slice, columns: np.ndarray) -> np.ndarray:
        """Score images against captions of one token length.

        Args:
            rows: a slice of images.
            columns: (n,) int64, captions of one token length.

        Returns:
            (n_rows, n) float32 logits.
        """
        start, stop, _ = rows.indices(len(self.images))
        group = self.groups[self._group_of[columns[0]]]
        scores = []
        with autocast(self.model, self.dtype):
            captions = make_ready(self.model, group.hidden[_places(group, columns)])
            n_captions = min(len(captions), self.pairs)
            n_images = max(1, self.pairs // n_captions)  # more where there are few captions
            for band in _parts(start, stop, BAND_IMAGES):
                readings = self.read_band(band)
                for images in _parts(0, band.stop - band.start, n_images):
                    read = [reading[images] for reading in readings]
                    blocks = [
                        score_block(self.model, captions[part], read)
                        for part in _parts(0, len(captions), n_captions)
                    ]
                    scores.append(torch.cat(blocks, dim=1))
        return torch.cat(scores).cpu().numpy()

    @torch.inference_mode()
    def score_listed(
        self, rows: np.ndarray, columns: np.ndarray, show_progress: bool = False
    ) -> np.ndarray:
        """Score the pairs (rows[i], columns[i]).

        An image's captions of one length are a block: a few hundred captions an image keep it full.

        Args:
            rows, columns: (n_pairs,) int64, positions of images and captions.

        Returns:
            (n_pairs,) float32 logits.
        """
        scores = np.empty(len(rows), np.float32)
        order = np.lexsort((columns, self._group_of[columns], rows))
        keys = np.stack([rows[order], self._group_of[columns[order]]])  # (2, n_pairs)
        starts = np.flatnonzero(np.diff(keys, prepend=-1).any(axis=0))
        progress = tqdm(
            total=len(rows), desc="scoring", unit="pair", unit_scale=True, disable=not show_progress
        )
        with progress, autocast(self.model, self.dtype):
            for run in np.split(order, starts[1:]):  # of one image and one length
                row, group = int(rows[run[0]]), self.groups[self._group_of[columns[run[0]]]]
                first = row - row % BAND_IMAGES
                band = slice(first, min(first + BAND_IMAGES, len(self.images)))
                read = [r[row - first : row - first + 1] for r in self.read_band(band)]
                for part in _parts(0, len(run), self.pairs):
                    pairs = run[part]
                    hidden = group.hidden[_places(group, columns[pairs])]
                    block = score_block(self.model, make_ready(self.model, hidden), read)
                    scores[pairs] = block[0].cpu().numpy()
                    progress.update(len(pairs))
        return scores


def _places(group: CaptionGroup, columns: np.ndarray) -> Tensor:
    places = torch.from_numpy(np.searchsorted(group.columns, columns))
    return places.to(group.hidden.device)


def _parts(start: int, stop: int, most: int) -> Iterator[slice]:
    return (slice(first, min(first + most, stop)) for first in range(start, stop, most))


@torch.inference_mode()
def encode_gallery(
    model: XvlmModel,
    token_ids: list[list[int]],
    batches: Iterable[Tensor],
    *,
    dtype: torch.dtype = torch.float32,
    batch_size: int = 64,
    show_progress: bool = False,
) -> EncodedGallery:
    """Encode every image and every caption.

    Args:
        model: in eval mode, on the device to compute on.
        token_ids: of each caption, [CLS] included, unpadded.
        batches: the images' pixels, in order.
        dtype: float32, or the type to autocast to.
        batch_size: captions encoded at once.
    """
    with autocast(model, dtype):
        images = [
            image for batch in encoded_images(model, batches, show_progress) for image in batch
        ]
        groups = encode_captions(model, token_ids, batch_size, show_progress)
    return EncodedGallery(model, images, groups, dtype)
