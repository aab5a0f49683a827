"""Step: all pairs by X-VLM of the published size at 384 pixels, the plain fusion against ours.

`compiled` compiles what acts on each token of the fusion layers alone, as `evaluate --compile` does
for LXMERT; `evaluate` has no such option for X-VLM, until a card says that it helps.

`minutes_5k` is what 5,000 images and 25,000 captions take by these rates, encoding included, but
not decoding images and writing scores. `of_products` is the share of the card's rate of large
matrix products of that type. Differences and ranks are against ours in float32, those of the plain
fusion of a few captions. The weights are random: real ones move fewer or more ranks.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from benchmarks.gpu.card import DRY_SIDE, SIDE, products
from benchmarks.gpu.record import Record, timed
from benchmarks.gpu.types import computing_in
from benchmarks.lxmert_pairs import changes, random_captions
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
from information_retrieval.models.lxmert.cross_layers import OnTokens
from information_retrieval.models.xvlm.configuration import XvlmConfig
from information_retrieval.models.xvlm.encoded_gallery import EncodedGallery
from information_retrieval.models.xvlm.encoders import encode_captions, encoded_images
from information_retrieval.models.xvlm.model import XvlmModel
from information_retrieval.models.xvlm.pair_blocks import fusion_layers
from information_retrieval.scoring.all_pairs import score_all

BATCH = 64


@dataclass(frozen=True)
class Sizes:
    """How much is scored; `plain_captions` of the captions by the plain fusion.

    `compiled` are the types that compiled layers are timed in.
    """

    config: XvlmConfig
    images: int
    captions: int
    plain_captions: int
    compiled: tuple[str, ...]


FULL = Sizes(published_config(), 64, 2048, 64, ("bfloat16", "float16", "tf32", "float32"))
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
DRY = Sizes(TINY, 4, 24, 8, ("float32",))


def compiled(model: XvlmModel) -> XvlmModel:
    """Return a copy of which what acts on each token alone is compiled in the fusion layers."""
    model = copy.deepcopy(model)
    for layer in fusion_layers(model):
        for attention in (layer.attention, layer.crossattention):
            attention.output = OnTokens(attention.output)
        layer.intermediate, layer.output = OnTokens(layer.intermediate), OnTokens(layer.output)
    return model


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
        change = changes(scores, self.exact[:, : scores.shape[1]])
        moved = {d: f"{m} of {change.queries[d]}" for d, m in change.moved.items()}
        compared = {"largest_difference": change.largest, "ranks_moved": moved}
        return {**told, **compared, "deviation_of_scores": float(self.exact.std())}

    @torch.inference_mode()
    def ours(self, kind: str, is_compiled: bool = False) -> dict:
        """Time the encoders, then the scores of all pairs."""
        with computing_in(kind, self.device) as dtype:
            images = timed(self.device, self._images, 1)["seconds"]
            encode = partial(encode_captions, self.model, self.token_ids, BATCH)
            captions = timed(self.device, encode, 1)["seconds"]
            model = compiled(self.model) if is_compiled else self.model
            gallery = EncodedGallery(model, self._images(), encode(), dtype)
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
        return {"ours": True, **told, **encoding, "minutes_5k": seconds / 60}

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
    sizes = DRY if record.dry_run else FULL
    scoring = Scoring(record, sizes)
    for kind in ("float32", "bfloat16", "float16", "tf32"):
        record.add(f"ours, {kind}", partial(scoring.ours, kind))
        record.add(f"plain, {kind}", partial(scoring.plain, kind))
    for kind in sizes.compiled:
        name = f"ours, {kind}, compiled"
        record.add(name, partial(scoring.ours, kind, is_compiled=True))
