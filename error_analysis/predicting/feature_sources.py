"""What is known of the queries beside the split itself, and the features that it allows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from error_analysis.predicting.agreement_features import (
    CaptionGains,
    consensus_features,
    gain_features,
)
from error_analysis.predicting.query_features import (
    QueryFeatures,
    caption_features,
    caption_set_features,
    object_features,
    quality_features,
    rarity_features,
    reason_flags,
)
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.protocol_galleries import galleries_of
from error_analysis.reasons.captions.caption_reasons import REASON_NAMES, caption_reasons
from error_analysis.reasons.images.objects import Objects, read_detected
from information_retrieval.ranking.protocols import Protocol
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile


@dataclass(frozen=True)
class Sources:
    """What is known of the queries beside the split itself; None: not known."""

    training_captions: tuple[str, ...] | None = None
    objects: Objects | None = None
    features: FeaturesFile | None = None
    object_labels: tuple[str, ...] | None = None
    images: ImagesFile | None = None
    rules: bool = True
    oracle: ModelRankings | None = None
    gains: CaptionGains | None = None


def features_of(
    gallery: Split, sources: Sources, progress: Callable[[Iterable], Iterable] = iter
) -> dict[Direction, QueryFeatures]:
    """Compute the features of all queries of a gallery that the sources allow.

    Raises:
        InputError: a source is of other images, or cannot be read.
    """
    of_captions, of_images = [], [caption_set_features(gallery)]
    if sources.oracle is not None:
        of_captions.append(oracle_feature(sources.oracle, gallery, "t2i"))
        of_images.append(oracle_feature(sources.oracle, gallery, "i2t"))
    of_captions.append(caption_features(gallery))
    told = [consensus_features(gallery)]
    if sources.gains is not None:
        told.append(gain_features(gallery, sources.gains))
    of_captions += [features["t2i"] for features in told]
    of_images += [features["i2t"] for features in told]
    if sources.training_captions is not None:
        of_captions.append(rarity_features(gallery, sources.training_captions))
    if sources.rules:
        reasons = caption_reasons(gallery, sources.training_captions or ())
        of_captions.append(reason_flags(reasons, REASON_NAMES))
    image_ids = gallery.image_ids.tolist()
    if sources.objects is not None:
        of_images.append(object_features(gallery, sources.objects))
    for file in (sources.features, sources.images):
        if file is not None:
            file.check_names(gallery)
    if sources.features is not None:
        detected = read_detected(sources.features, image_ids, sources.object_labels)
        of_images.append(object_features(gallery, detected, "detected "))
    if sources.images is not None:
        of_images.append(quality_features(gallery, sources.images, progress))
    rows = np.arange(len(image_ids))
    return {
        "i2t": QueryFeatures.join(rows, *of_images),
        "t2i": QueryFeatures.join(gallery.caption_image_index, *of_captions),
    }


def features_of_folds(
    galleries: Sequence[Split],
    sources: Sources,
    protocol: Protocol | None = None,
    progress: Callable[[Iterable], Iterable] = iter,
) -> dict[Direction, QueryFeatures]:
    """Compute the features of the queries of all folds of a protocol, or of its one gallery.

    Raises:
        InputError: a source is of other images, or cannot be read.
    """
    oracles: Sequence[ModelRankings | None] = [None] * len(galleries)
    if sources.oracle is not None:
        sizes = [len(gallery.images) for gallery in galleries]
        is_whole = sizes == [len(sources.oracle.gallery.images)]  # whatever it was made for
        oracles = [sources.oracle] if is_whole else galleries_of(sources.oracle, protocol)
        if len(oracles) != len(galleries):
            raise InputError(
                f"{sources.oracle.path}: expected {len(galleries)} galleries, found "
                f"{len(oracles)}; make it with the --protocol of the rankings"
            )
    of_folds = [
        features_of(gallery, replace(sources, oracle=oracle), progress)
        for gallery, oracle in zip(galleries, oracles, strict=True)
    ]
    return {d: QueryFeatures.concatenate([fold[d] for fold in of_folds]) for d in DIRECTIONS}


def oracle_feature(
    oracle: ModelRankings, gallery: Split, direction: Direction
) -> dict[str, np.ndarray]:
    """Return the logarithm of 1 + the rank that captions alone give each query.

    Args:
        oracle: rankings of `error_analysis.caption_oracle`, or of another scorer.

    Raises:
        InputError: they are of another gallery.
    """
    for what in ("image_ids", "caption_ids"):
        if not np.array_equal(getattr(oracle.rankings, what), getattr(gallery, what)):
            raise InputError(
                f"{oracle.path}: expected the {len(gallery.images):,} images and "
                f"{len(gallery.captions):,} captions of the rankings, found other {what}; make it "
                "with the same --split_file and --protocol"
            )
    return {"log (1 + oracle rank)": np.log1p(oracle.query_ranks(direction).ranks())}
