"""Step: all pairs by LXMERT of the published size, the plain forward against ours.

`minutes_5k` is what 5,000 images and 25,000 captions take by these rates, encoding included, but
not reading features and writing scores. `of_products` is the share of the card's rate of large
matrix products of that type. Differences and ranks are against ours in float32, itself compared
with the plain forward. The weights are random: real ones move fewer or more ranks.
"""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from transformers import LxmertConfig

from benchmarks.gpu.card import DRY_SIDE, SIDE, products
from benchmarks.gpu.record import Record, timed
from benchmarks.gpu.types import computing_in
from benchmarks.lxmert_pairs import (
    BATCH,
    changes,
    flop_of_pair,
    plain_scores,
    random_captions,
    random_model,
    random_regions,
)
from information_retrieval.models.lxmert.cross_layers import BlockOptions
from information_retrieval.models.lxmert.encoded_gallery import (
    EncodedGallery,
    encode_captions,
    encode_images,
)
from information_retrieval.scoring.all_pairs import score_all

N_IMAGES_5K, N_CAPTIONS_5K = 5000, 25_000
KERNELS = 12  # of the profile


@dataclass(frozen=True)
class Sizes:
    """How much is scored; `plain_captions` of the captions by the plain forward.

    `block` is captions of 13 tokens, of which blocks of each of `pairs` are timed; `compiled` the
    types that compiled layers are timed in.
    """

    config: LxmertConfig
    images: int
    captions: int
    plain_captions: int
    plain_batch: int
    block: int
    pairs: tuple[int, ...]
    compiled: tuple[str, ...]
    repeats: int


FULL = Sizes(
    *(LxmertConfig(), 64, 2048, 128, 1024, 1024),
    pairs=(512, 1024, 2048, 4096, 8192, 16_384, 32_768),
    compiled=("bfloat16", "float16", "tf32", "float32"),
    repeats=2,
)
TINY = LxmertConfig(
    vocab_size=400,
    hidden_size=32,
    num_attention_heads=4,
    intermediate_size=48,
    l_layers=1,
    r_layers=1,
    x_layers=2,
    visual_feat_dim=16,
)
DRY = Sizes(TINY, 4, 24, 8, 16, 8, pairs=(8, 16), compiled=("float32",), repeats=1)


class Scoring:
    """One model, images and captions, scored in every way; the exact scores come first."""

    def __init__(self, record: Record, sizes: Sizes):
        self.record, self.sizes, self.device = record, sizes, record.device
        self.model = random_model(sizes.config).to(self.device)
        self.token_ids = random_captions(sizes.config.vocab_size, sizes.captions)
        feats, pos = random_regions(sizes.config.visual_feat_dim, sizes.images)
        self.regions = feats.to(self.device), pos.to(self.device)
        self.exact: np.ndarray | None = None

    @torch.inference_mode()
    def encode_images(self) -> torch.Tensor:
        return encode_images(self.model, zip(*(p.split(BATCH) for p in self.regions), strict=True))

    def encode_captions(self) -> list:
        return encode_captions(self.model, self.token_ids, BATCH)

    def compared(self, scores: np.ndarray) -> dict:
        """Return what the exact scores say of these, which are of the first captions."""
        if self.exact is None:
            return {}
        change = changes(scores, self.exact[:, : scores.shape[1]])
        return {
            "largest_difference": change.largest,
            "deviation_of_scores": float(self.exact.std()),
            "ranks_moved": {d: f"{m} of {change.queries[d]}" for d, m in change.moved.items()},
            "tied": change.tied,
        }

    def rate(self, kind: str, seconds: float, n_pairs: int, flop: float) -> dict:
        """Return pairs a second, and the share of the rate of large products."""
        side = DRY_SIDE if self.record.dry_run else SIDE
        tflops = flop * n_pairs / seconds / 1e12
        matrix = products(self.device, kind, side)["tflops"]  # now: the card's clock changes
        return {"pairs_per_second": n_pairs / seconds, "of_products": tflops / matrix}

    @torch.inference_mode()
    def plain(self, kind: str) -> dict:
        """Time the model's forward on pairs, padded to the longest of each batch."""
        token_ids = self.token_ids[: self.sizes.plain_captions]
        scores: list[np.ndarray] = []

        def run() -> None:
            batch = self.sizes.plain_batch
            scores[:] = [plain_scores(self.model, token_ids, self.regions, 0, batch)]

        with computing_in(kind, self.device):
            times = timed(self.device, run, 1)
        length = float(np.mean([len(ids) for ids in token_ids]))
        flop = flop_of_pair(self.sizes.config, length, 1, 1)
        rate = self.rate(kind, times["seconds"], scores[0].size, flop)
        pairs = N_IMAGES_5K * N_CAPTIONS_5K
        minutes = pairs / rate["pairs_per_second"] / 60
        return {**rate, "minutes_5k": minutes, **self.compared(scores[0]), **times}

    def ours(self, kind: str, options: BlockOptions, keep: bool = False) -> dict:
        """Time the encoding of images and captions, then the scores of all pairs."""
        scores: list[np.ndarray] = []
        with computing_in(kind, self.device) as dtype:
            images = timed(self.device, self.encode_images, self.sizes.repeats)
            captions = timed(self.device, self.encode_captions, self.sizes.repeats)
            vision, groups = self.encode_images(), self.encode_captions()
        with computing_in(kind, self.device, autocast=False):
            gallery = EncodedGallery(self.model, vision, groups, dtype, options)
            blocks, sizes = gallery.column_blocks, (gallery.n_images, gallery.n_captions)

            def run() -> None:
                scores[:] = [score_all(gallery, blocks, *sizes, show_progress=False)]

            repeats = 1 if kind == "float32" else self.sizes.repeats
            times = timed(self.device, run, repeats, lambda: gallery.score(slice(None), blocks[0]))
        if keep:
            self.exact = scores[0]
        length = float(np.mean([len(ids) for ids in self.token_ids]))
        # An encoding that all share is nothing: what is left is of the cross layers.
        flop = flop_of_pair(self.sizes.config, length, math.inf, math.inf)
        seconds = N_IMAGES_5K * images["seconds"] / self.sizes.images
        seconds += N_CAPTIONS_5K * captions["seconds"] / self.sizes.captions
        seconds += N_IMAGES_5K * N_CAPTIONS_5K * times["seconds"] / scores[0].size
        return {
            "ours": True,
            **self.rate(kind, times["seconds"], scores[0].size, flop),
            "minutes_5k": seconds / 60,
            "images_encoded_per_second": self.sizes.images / images["seconds"],
            "captions_encoded_per_second": self.sizes.captions / captions["seconds"],
            **self.compared(scores[0]),
            **times,
        }

    def block_gallery(self, kind: str, options: BlockOptions) -> EncodedGallery:
        """Encode captions of one length, that of most of COCO's."""
        ids = np.random.default_rng(0).integers(
            5, self.sizes.config.vocab_size, (self.sizes.block, 13)
        )
        with computing_in(kind, self.device) as dtype:
            groups = encode_captions(self.model, ids.tolist(), BATCH)
            return EncodedGallery(self.model, self.encode_images(), groups, dtype, options)

    def block(self, kind: str, options: BlockOptions) -> dict:
        """Time the scores of captions of one length: pairs a second by the size of a block."""
        gallery = self.block_gallery(kind, options)
        columns = np.arange(gallery.n_captions)
        with computing_in(kind, self.device, autocast=False):
            times = timed(self.device, lambda: gallery.score(slice(None), columns), 3)
        n_pairs = gallery.n_images * gallery.n_captions
        return {"pairs_per_second": n_pairs / times["seconds"], **times}

    def profile(self, kind: str, options: BlockOptions) -> dict:
        """Return which kernels the time of a block goes to, as shares of all kernels' time."""
        gallery = self.block_gallery(kind, options)
        columns = np.arange(gallery.n_captions)
        gallery.score(slice(None), columns)
        side = "cuda" if self.device.type == "cuda" else "cpu"
        activity = getattr(torch.profiler.ProfilerActivity, side.upper())
        with torch.profiler.profile(activities=[activity]) as profiler:
            gallery.score(slice(None), columns)
        name = "self_device_time_total" if side == "cuda" else "self_cpu_time_total"
        spent = {event.key: getattr(event, name) for event in profiler.key_averages()}
        total = sum(spent.values())
        most = sorted(spent, key=lambda key: -spent[key])[:KERNELS]
        return {key[:100]: round(spent[key] / total, 4) for key in most}


def measure(record: Record) -> None:
    sizes = DRY if record.dry_run else FULL
    scoring = Scoring(record, sizes)
    eager, rounded = BlockOptions(), BlockOptions(keep_rounded=True)
    compiled, both = BlockOptions(compile=True), BlockOptions(compile=True, keep_rounded=True)

    def ours(kind: str, name: str, options: BlockOptions) -> None:
        record.add(f"ours, {kind}{name}", lambda: scoring.ours(kind, options))

    record.add("ours, float32", lambda: scoring.ours("float32", eager, keep=True))
    for kind in ("bfloat16", "float16"):
        record.add(f"plain, {kind}", partial(scoring.plain, kind))
        ours(kind, "", eager)
        ours(kind, ", kept rounded", rounded)
    for kind in sizes.compiled[:2]:
        ours(kind, ", compiled, kept rounded", both)
    ours("tf32", "", eager)
    for pairs in sizes.pairs:
        for images in (8, sizes.images):
            options = BlockOptions(keep_rounded=True, images=images, pairs=pairs)
            name = f"block of {pairs} pairs, of {images} images at least, float16, kept rounded"
            record.add(name, partial(scoring.block, "float16", options))
    for name, options in (("", eager), (", kept rounded", rounded)):
        record.add(f"kernels, float16{name}", partial(scoring.profile, "float16", options))
    for kind in ("float32", "tf32"):
        record.add(f"plain, {kind}", partial(scoring.plain, kind))
    for kind in sizes.compiled:
        ours(kind, ", compiled", compiled)
