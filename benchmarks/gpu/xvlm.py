"""Step: all pairs by X-VLM of the published size at 384 pixels, the plain fusion against ours.

`minutes_5k` is what 5,000 images and 25,000 captions take by these rates, encoding included, but
not decoding images and writing scores. `of_products` is the share of the card's rate of large
matrix products of that type. Differences are from ours in float32, of a few captions from the
plain fusion. The weights are random.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from benchmarks.gpu.card import DRY_SIDE, SIDE, products
from benchmarks.gpu.record import Record, timed
from benchmarks.gpu.types import computing_in
from benchmarks.lxmert_pairs import random_captions
from benchmarks.xvlm_pairs import (
    LENGTHS,
    N_CAPTIONS_5K,
    N_IMAGES_5K,
    Encoded,
    flop_of_pair,
    plain_captions,
    plain_scores,
    published_config,
    random_model,
)
from information_retrieval.models.xvlm.configuration import XvlmConfig
from information_retrieval.models.xvlm.encoded_gallery import EncodedGallery
from information_retrieval.models.xvlm.encoders import encode_captions, encoded_images
from information_retrieval.scoring.all_pairs import score_all

BATCH = 64


@dataclass(frozen=True)
class Sizes:
    """How much is scored; `plain_captions` of the captions by the plain fusion."""

    config: XvlmConfig
    images: int
    captions: int
    plain_captions: int


FULL = Sizes(published_config(), 64, 2048, 64)
TINY = XvlmConfig(
    vision_config={
        "image_size": 64,
        "window_size": 2,
        "embed_dim": 16,
        "depths": [1, 1, 2, 1],
        "num_heads": [2] * 4,
    },
    text_config={
        "vocab_size": 400,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
    },
    n_text_layers=2,
)
DRY = Sizes(TINY, 4, 24, 8)


class Scoring:
    """One model, images and captions; the exact scores come first."""

    def __init__(self, record: Record, sizes: Sizes):
        self.record, self.sizes, self.device = record, sizes, record.device
        self.model = random_model(sizes.config).to(self.device)
        self.token_ids = random_captions(
            sizes.config.text_config.vocab_size, sizes.captions, LENGTHS
        )
        side = sizes.config.vision_config.image_size
        self.pixels = torch.randn(sizes.images, 3, side, side, device=self.device)
        self.exact: np.ndarray | None = None

    def _images(self) -> list[torch.Tensor]:
        batches = encoded_images(self.model, self.pixels.split(BATCH), show_progress=False)
        return [image for batch in batches for image in batch]

    def _timed(self, kind: str, run: Callable[[], np.ndarray], flop: float) -> dict:
        """Time `run`, and hold what it gives against the exact scores."""
        found: list[np.ndarray] = []
        times = timed(self.device, lambda: found.append(run()), 1)
        scores, side = found[-1], DRY_SIDE if self.record.dry_run else SIDE
        rate = scores.size / times["seconds"]
        # Now: the card's clock changes.
        of_products = flop * rate / 1e12 / products(self.device, kind, side)["tflops"]
        told = {"pairs_per_second": rate, "of_products": of_products, **times}
        if self.exact is None:
            self.exact = scores
        change = np.abs(scores - self.exact[:, : scores.shape[1]]).max()
        return {**told, "largest_difference": float(change), "deviation": float(self.exact.std())}

    @torch.inference_mode()
    def ours(self, kind: str) -> dict:
        """Time the encoders, then the scores of all pairs."""
        with computing_in(kind, self.device) as dtype:
            images = timed(self.device, self._images, 1)["seconds"]
            encode = partial(encode_captions, self.model, self.token_ids, BATCH)
            captions = timed(self.device, encode, 1)["seconds"]
            gallery = EncodedGallery(self.model, self._images(), encode(), dtype)
        blocks = [group.columns for group in gallery.groups]
        sizes = self.sizes.images, self.sizes.captions
        length = float(np.mean([len(ids) for ids in self.token_ids]))
        flop = flop_of_pair(self.sizes.config, length, plain=False)
        with computing_in(kind, self.device, autocast=False):
            told = self._timed(kind, lambda: score_all(gallery, blocks, *sizes, False), flop)
        rates = sizes[0] / images, sizes[1] / captions
        pairs = N_IMAGES_5K * N_CAPTIONS_5K / told["pairs_per_second"]
        seconds = N_IMAGES_5K / rates[0] + N_CAPTIONS_5K / rates[1] + pairs
        encoding = {"images_per_second": rates[0], "captions_per_second": rates[1]}
        return {**told, **encoding, "minutes_5k": seconds / 60}

    @torch.inference_mode()
    def plain(self, kind: str) -> dict:
        """Time the model's fusion layers on pairs, padded to the longest of each batch."""
        token_ids = self.token_ids[: self.sizes.plain_captions]
        with computing_in(kind, self.device):
            encoded = Encoded(
                torch.stack(self._images()), *plain_captions(self.model, token_ids, 0)
            )
            length = float(np.mean([len(ids) for ids in token_ids]))
            flop = flop_of_pair(self.sizes.config, length, plain=True)
            return self._timed(kind, partial(plain_scores, self.model, encoded, 0), flop)


def measure(record: Record) -> None:
    scoring = Scoring(record, DRY if record.dry_run else FULL)
    for kind in ("float32", "bfloat16", "float16", "tf32"):
        record.add(f"ours, {kind}", partial(scoring.ours, kind))
        record.add(f"plain, {kind}", partial(scoring.plain, kind))
