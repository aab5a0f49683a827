"""A sample of images and captions of a split, and their embeddings by any dual encoder."""

from dataclasses import dataclass, replace

import numpy as np

from error_analysis.probing.probed_captions import ScoringModel
from error_analysis.statistics.joint_tsne import PairPoints
from information_retrieval.models.checkpoint import CROSS_ENCODERS, load_config
from information_retrieval.models.dual_encoder import EncodedGallery
from information_retrieval.models.loading import load_gallery
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split


@dataclass(frozen=True)
class EmbeddedPairs:
    """What a model makes of a gallery's images and captions.

    Attributes:
        points: float64 of unit length, in the order of the gallery.
        identity: what they depend on, as text by name.
        warnings: lines on captions that the model reads a part of.
    """

    points: PairPoints
    identity: dict[str, str]
    warnings: list[str]


def draw_pairs(
    split: Split, n_images: int, captions_per_image: int, generator: np.random.Generator
) -> Split:
    """Draw images, and captions of each, without replacement; both stay in their order.

    Fewer, where the split or an image has fewer.

    Raises:
        InputError: fewer than two images, which leave no image to compare a pair with.
    """
    if min(n_images, len(split.images)) < 2:
        raise InputError(
            f"--n_images: expected two images or more, found {min(n_images, len(split.images))} "
            f"(split {split.split!r} of {split.source} has {len(split.images):,})"
        )

    def drawn(n: int, size: int) -> list[int]:
        return sorted(generator.choice(n, min(n, size), replace=False).tolist())

    images = []
    for row in drawn(len(split.images), n_images):
        captions = split.images[row].captions
        kept = tuple(captions[i] for i in drawn(len(captions), captions_per_image))
        images.append(replace(split.images[row], captions=kept))
    return replace(split, images=tuple(images))


def check_is_dual_encoder(name: str) -> None:
    """Raise InputError for a model that has no embedding of an image without a caption.

    An X-VLM has: that of its contrastive half.
    """
    kind = load_config(name).model_type
    if kind in CROSS_ENCODERS and kind != "xvlm":
        raise InputError(
            f"{name}: expected a dual encoder (CLIP, SigLIP, Sx3HRe, ...) or an X-VLM, which embed "
            f"images and captions in one space; found a model of type {kind}, which reads each "
            "pair together"
        )


def embed_pairs(gallery: Split, model: ScoringModel) -> EmbeddedPairs:
    """Embed every image and caption of a gallery, each once.

    Raises:
        InputError: those of `check_is_dual_encoder` and `load_gallery`, or an embedding that is
            NaN or infinite.
    """
    check_is_dual_encoder(model.name)
    is_xvlm = load_config(model.name).model_type == "xvlm"
    options = replace(model.options, score="itc") if is_xvlm else model.options
    loaded = load_gallery(model.name, gallery, model.files, model.device, options)
    encoded = loaded.encode(np.arange(len(gallery.images)))
    assert isinstance(encoded, EncodedGallery), "what scores by cosines embeds"
    images, captions = (
        embedded.cpu().numpy().astype(np.float64) for embedded in (encoded.images, encoded.captions)
    )
    for what, ids, embedded in (
        ("image", gallery.image_ids, images),
        ("caption", gallery.caption_ids, captions),
    ):
        if not np.isfinite(embedded).all():
            row = np.argwhere(~np.isfinite(embedded))[0, 0]
            raise InputError(
                f"{model.name}: the embedding of {what} {ids[row]} is not finite; check the "
                "model's weights, or compute in float32"
            )
    # Images come of the length of the model's scale.
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    points = PairPoints(images, captions, gallery.caption_image_index)
    return EmbeddedPairs(points, loaded.identity, loaded.tokens.warnings())
