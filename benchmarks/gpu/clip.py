"""Step: CLIP's two encoders at their published sizes, and decoding apart from them."""

import os
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

from benchmarks.dual_scoring import (
    caption_embeddings,
    image_embeddings,
    random_captions,
    random_jpeg,
)
from benchmarks.gpu.record import Record, timed
from benchmarks.gpu.types import TYPES, computing_in
from information_retrieval.models.dual_encoder import GalleryInputs, encode_gallery
from preprocess.storage.images_file import ImagesFile, write_images_file


def clip_config(text: dict, vision: dict, projection_dim: int) -> CLIPConfig:
    return CLIPConfig(text_config=text, vision_config=vision, projection_dim=projection_dim)


def layers(width: int, n_layers: int, n_heads: int) -> dict:
    """The sizes of a tower, whose feed-forward is four times as wide."""
    return {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": n_layers,
        "num_attention_heads": n_heads,
    }


@dataclass(frozen=True)
class Sizes:
    """The models by name, and how many images, captions and files they are given."""

    models: dict[str, CLIPConfig]
    images: int
    captions: int
    files: int
    batch: int
    repeats: int


LARGE = clip_config(
    layers(768, 12, 12), {**layers(1024, 24, 16), "image_size": 224, "patch_size": 14}, 768
)
FULL = Sizes({"ViT-B/32": CLIPConfig(), "ViT-L/14": LARGE}, 512, 4096, 64, 256, 2)
TINY = clip_config(
    {**layers(32, 1, 4), "vocab_size": 60, "bos_token_id": 58, "eos_token_id": 59},
    {**layers(32, 1, 4), "image_size": 32, "patch_size": 8},
    24,
)
DRY = Sizes({"tiny": TINY}, 4, 8, 2, 2, 1)


class Encoding:
    """A model, pixels and captions in memory, and images in a file."""

    def __init__(self, record: Record, config: CLIPConfig, sizes: Sizes):
        self.device, self.sizes = record.device, sizes
        torch.manual_seed(0)
        self.model = CLIPModel(config).eval().to(self.device)
        generator = np.random.default_rng(0)
        size = config.vision_config.image_size
        self.pixels = torch.randn(sizes.batch, 3, size, size, device=self.device)
        self.token_ids = random_captions(self.model, sizes.captions, generator)
        edge = {"height": size, "width": size}
        self.processor = CLIPImageProcessor(size={"shortest_edge": size}, crop_size=edge)
        path = record.folder / f"{size}.h5"
        if not path.exists():
            jpegs = [random_jpeg(generator) for _ in range(sizes.files)]
            write_images_file(path, np.arange(sizes.files), jpegs)
        self.images = ImagesFile(path)
        self.workers = 0 if record.dry_run else max(1, min(12, (os.cpu_count() or 2) - 1))

    def encode_images(self, kind: str) -> dict:
        batches = -(-self.sizes.images // self.sizes.batch)
        pixels = self.pixels.repeat(batches, 1, 1, 1)
        with computing_in(kind, self.device):
            run = partial(image_embeddings, self.model, pixels, self.sizes.batch)
            times = timed(self.device, run, self.sizes.repeats)
        return {"images_per_second": len(pixels) / times["seconds"], **times}

    def encode_captions(self, kind: str) -> dict:
        with computing_in(kind, self.device):
            run = partial(caption_embeddings, self.model, self.token_ids, self.sizes.batch)
            times = timed(self.device, run, self.sizes.repeats)
        return {"captions_per_second": len(self.token_ids) / times["seconds"], **times}

    def decoding(self) -> dict:
        """Time decoding and preprocessing in this one process."""
        gallery = GalleryInputs(self.images, np.arange(self.sizes.files), self.processor)
        rows = range(min(32, self.sizes.files))
        times = timed(self.device, lambda: [gallery[row] for row in rows], 1)
        return {"images_per_second": len(rows) / times["seconds"]}

    def from_file(self, kind: str) -> dict:
        """Time decoding and encoding together, as evaluation does, workers decoding."""
        # Twice the images: long enough that the workers' start is little.
        times = 2 * self.sizes.images // self.sizes.files
        ids = np.tile(np.arange(self.sizes.files), times)
        with computing_in(kind, self.device, autocast=False) as dtype:
            run = partial(
                encode_gallery,
                *(self.model, self.token_ids[:1], 0, self.images, ids, self.processor),
                dtype=dtype,
                batch_size=self.sizes.batch,
                num_workers=self.workers,
                show_progress=False,
            )
            taken = timed(self.device, run, 1)
        rate = len(ids) / taken["seconds"]
        return {"images_per_second": rate, "workers": self.workers, **taken}


def measure(record: Record) -> None:
    sizes = DRY if record.dry_run else FULL
    for name, config in sizes.models.items():
        encoding = Encoding(record, config, sizes)
        for kind in TYPES:
            record.add(f"{name}, images, {kind}", partial(encoding.encode_images, kind))
            record.add(f"{name}, captions, {kind}", partial(encoding.encode_captions, kind))
        record.add(f"{name}, decoding, one process", encoding.decoding)
        for kind in ("float32", "float16"):
            record.add(f"{name}, from their file, {kind}", partial(encoding.from_file, kind))
