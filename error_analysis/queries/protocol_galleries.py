"""The galleries that a protocol takes from scored ones: one, or the five folds of 1,000 images."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings, check_same_gallery
from information_retrieval.ranking import protocols
from information_retrieval.ranking.protocols import CAPTIONS_PER_IMAGE, Protocol, galleries
from information_retrieval.ranking.rankings import rank_scores
from preprocess.base.errors import InputError


def galleries_of(model: ModelRankings, protocol: Protocol | None = None) -> list[ModelRankings]:
    """Return the model restricted to each gallery of a protocol, without scoring again.

    Ranks are counted anew among the documents of each gallery. The scores are views of the
    model's, but for galleries in which an image has more than 5 captions: their scores are copied.

    Args:
        protocol: None: the one that the scores were made for.

    Returns:
        five for `5fold`, whose metadata have "fold" (0 to 4); otherwise one.

    Raises:
        InputError: the rankings have too few images for the protocol.
    """
    protocol = protocol or model.protocol
    if protocol == model.protocol and protocol != "5fold":
        return [model]
    n_images = len(model.gallery.images)
    needed = protocols.GALLERY_IMAGES.get(protocol)
    if needed is None or n_images < needed:
        takes = f"{needed:,} images" if needed else "every image and caption of the split"
        raise InputError(
            f"{model.path}: protocol {protocol} takes {takes}, these are rankings of protocol "
            f"{model.protocol} with {n_images:,} images; leave out --protocol, or evaluate with "
            f"--protocol {protocol}"
        )
    parts = galleries(protocol, n_images, protocols.FOLD_IMAGES)
    if protocol != "5fold":
        return [_restricted(model, parts[0], {"protocol": protocol})]
    return [
        _restricted(model, rows, {"protocol": protocol, "fold": fold})
        for fold, rows in enumerate(parts)
    ]


def _restricted(model: ModelRankings, rows: slice, metadata: dict) -> ModelRankings:
    """Return the model over the images of `rows`, with the first captions of each."""
    whole, images = model.rankings, model.gallery.images[rows]
    gallery = replace(model.gallery, images=images).first(len(images), CAPTIONS_PER_IMAGE)
    columns = np.flatnonzero(np.isin(whole.caption_ids, gallery.caption_ids))
    first, last = columns[0], columns[-1]
    is_block = last - first + 1 == len(columns)  # a slice makes a view
    # (n_images, n_captions) of the gallery
    scores = whole.scores[rows, slice(first, last + 1) if is_block else columns]
    rankings = rank_scores(scores, gallery, {**whole.metadata, **metadata})
    return replace(model, gallery=gallery, rankings=rankings)


def galleries_of_models(
    models: Sequence[ModelRankings], protocol: Protocol | None = None
) -> list[list[ModelRankings]]:
    """Return, for each gallery of a protocol, all models restricted to it (see `galleries_of`).

    Args:
        models: of one split. Their files may have different galleries when `protocol` is given:
            a 5k file has the 1k gallery too.
        protocol: None: the one that the scores were made for.

    Raises:
        InputError: as `galleries_of`; the galleries differ; or without `protocol`, some files are
            of 5fold and others are not, so that nothing tells which is meant.
    """
    if protocol is None:
        check_same_gallery(models)
        own = {model.protocol: model.path for model in models}
        if "5fold" in own and len(own) > 1:
            told = ", ".join(f"{path} was made for {name}" for name, path in own.items())
            raise InputError(f"--rankings: {told}; say by --protocol 5fold or 5k which is meant")
    of_models = (galleries_of(model, protocol) for model in models)
    together = [list(same) for same in zip(*of_models, strict=True)]
    for same in together:
        check_same_gallery(same)
    return together


def protocols_held(models: Sequence[ModelRankings]) -> list[Protocol]:
    """Return the protocols whose galleries all models have scored: their own, and smaller ones."""
    fewest = min(len(model.gallery.images) for model in models)
    own = {model.protocol for model in models}
    smaller = [name for name, needed in protocols.GALLERY_IMAGES.items() if fewest >= needed]
    # Different ones of too few images have no protocol in common: the first one's error tells.
    shared = own if len(own) == 1 or not smaller else ()
    return list(dict.fromkeys([*sorted(shared), *smaller]))


def description_of(folds: Sequence[ModelRankings]) -> dict:
    """Return where a model's galleries come from: of folds, with their images and captions in all.

    Args:
        folds: one model's galleries of one protocol.
    """
    described = folds[0].description()
    if folds[0].protocol != "5fold":
        return described
    sizes = [fold.description()["gallery"] for fold in folds]
    total = {key: sum(size[key] for size in sizes) for key in sizes[0]}
    return {**described, "gallery": total, "folds": len(folds)}
