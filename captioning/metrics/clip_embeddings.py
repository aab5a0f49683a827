"""Embeddings of images, captions and references, by a dual encoder of information_retrieval."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from captioning.metrics.clip_score import (
    PREFIX,
    clip_scores,
    ref_clip_scores,
    reference_similarities,
)
from information_retrieval.models import dual_encoder
from information_retrieval.models.checkpoint import CROSS_ENCODERS, load_config, load_model
from information_retrieval.models.image_inputs import read_inputs
from information_retrieval.models.loaded_gallery import EncoderOptions, GalleryFiles
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Caption, CaptionedImage, Split


@dataclass(frozen=True)
class Embedded:
    """What a model makes of images and sentences.

    Attributes:
        images: (n_images, embedding_dim) float32, not of unit length.
        systems: of each system (n_images, embedding_dim) float32.
        references: of each image (n_references, embedding_dim) float32.
        warnings: lines on captions that the model reads a part of.
    """

    images: np.ndarray
    systems: list[np.ndarray]
    references: list[np.ndarray]
    warnings: list[str]

    def scores(self, system: int) -> dict[str, np.ndarray]:
        """Return a system's CLIPScore and RefCLIPScore: (n_images,) float64, by name."""
        candidates = self.systems[system]
        own = clip_scores(self.images, candidates)
        near = reference_similarities(candidates, self.references)
        found = {"CLIPScore": own, "RefCLIPScore": ref_clip_scores(own, near)}
        return {name: values.astype(np.float64) for name, values in found.items()}


def embed(
    name: str,
    images: Path,
    image_ids: Sequence[int],
    systems: Sequence[Sequence[str]],
    references: Sequence[Sequence[str]],
    options: EncoderOptions,
    device: torch.device,
) -> Embedded:
    """Encode images, and sentences with the metric's prefix.

    Args:
        name: checkpoint folder or hub id of a dual encoder.
        images: images HDF5 file that has all of them.
        systems: of each, one caption an image.
        references: of each image 1..n.

    Raises:
        InputError: no dual encoder, or those of `read_inputs`.
    """
    kind = load_config(name).model_type
    if kind in CROSS_ENCODERS:
        raise InputError(
            f"--clip_model {name}: expected a dual encoder, such as openai/clip-vit-base-patch32, "
            f"found a model of type {kind}; CLIPScore is a cosine of two embeddings"
        )
    model = load_model(name).to(device)
    gallery = _gallery(image_ids, [*zip(*systems, strict=True)], references)
    inputs = read_inputs(name, model, gallery, GalleryFiles(images, images), options)
    encoded = dual_encoder.encode_gallery(
        model,
        inputs.tokens.token_ids,
        inputs.pad_id,
        inputs.images,
        gallery.image_ids,
        inputs.image_processor,
        **options.of_every_model(),
    )
    sentences = encoded.captions.float().cpu().numpy()
    starts = np.flatnonzero(np.diff(gallery.caption_image_index, prepend=-1))
    n = len(systems)
    return Embedded(
        encoded.images.float().cpu().numpy(),
        [sentences[starts + system] for system in range(n)],
        [own[n:] for own in np.split(sentences, starts[1:])],
        inputs.tokens.warnings(),
    )


def _gallery(
    image_ids: Sequence[int],
    candidates: Sequence[Sequence[str]],
    references: Sequence[Sequence[str]],
) -> Split:
    """Return a split in which an image's captions are those of the systems, then references."""
    number, images = 0, []
    for image_id, own, human in zip(image_ids, candidates, references, strict=True):
        texts = [PREFIX + text for text in (*own, *human)]
        captions = tuple(Caption(number + k, text) for k, text in enumerate(texts))
        number += len(captions)
        images.append(CaptionedImage(int(image_id), f"{image_id}", captions))
    return Split("", "captions", "the captions to score", tuple(images))
