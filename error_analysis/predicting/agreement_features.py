"""Features of queries by what captioners' metrics and models tell of captions."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from captioning.metrics.consensus import consensus
from information_retrieval.ranking.query_ranks import Direction
from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.captions.split_file import Split

CIDER, MEAN_CIDER = "CIDEr-D by siblings", "mean CIDEr-D by siblings"
GAIN, MEAN_GAIN = "surprise gain", "mean surprise gain"
MADE_BY = "make it with `python -m captioning.surprise`"

Features = dict[Direction, dict[str, np.ndarray]]


@dataclass(frozen=True)
class CaptionGains:
    """By how much its image makes a word of a caption likelier to a captioner.

    Attributes:
        path: of the file.
        gains: by caption id, a word's mean log-probability with the image less that without.
    """

    path: Path
    gains: Mapping[int, float]


def consensus_features(gallery: Split) -> Features:
    """Return how far captions agree with the others of their image (see `consensus`).

    Needs no model. A caption that is its image's only one has the mean of all that are not: nothing
    is known of it. Of images, the mean of their captions.
    """
    of_images = consensus([[c.caption for c in image.captions] for image in gallery.images])
    values = np.concatenate(of_images)
    is_known = ~np.isnan(values)
    values[~is_known] = values[is_known].mean() if is_known.any() else 0.0
    return _with_means(gallery, CIDER, MEAN_CIDER, values)


def gain_features(gallery: Split, known: CaptionGains) -> Features:
    """Return what its image tells a captioner of each caption; of images, the mean.

    Raises:
        InputError: the file has not all captions of the gallery.
    """
    ids = gallery.caption_ids.tolist()
    missing = [caption_id for caption_id in ids if caption_id not in known.gains]
    if missing:
        raise InputError(
            f"{known.path}: expected all {len(ids):,} captions of the rankings, found none of "
            f"{len(missing):,}, such as {missing[0]}; {MADE_BY} of the same split"
        )
    values = np.array([known.gains[caption_id] for caption_id in ids])
    return _with_means(gallery, GAIN, MEAN_GAIN, values)


def read_gains(path: Path, split: Split) -> CaptionGains:
    """Read a file of captioning.surprise.

    Raises:
        InputError: it is missing, no such file, of another split (whose ids may be the same), or a
            gain is no finite number.
    """
    content = read_json(path, MADE_BY)
    try:
        gains = {int(one["caption_id"]): float(one["gain"]) for one in content["captions"]}
        split_file, sha256 = (content["metadata"][key] for key in ("split_file", "split_sha256"))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not a file of captioning.surprise ({type(error).__name__}: {error}); "
            f"{MADE_BY}"
        ) from error
    if sha256 != split.sha256:
        raise InputError(
            f"{path}: expected gains of split {split.split!r} of {split.source}, found those of "
            f"{split_file}, whose images or captions are others; {MADE_BY} of the same split file"
        )
    odd = [caption_id for caption_id, gain in gains.items() if not np.isfinite(gain)]
    if odd:
        raise InputError(f"{path}: the gain of caption {odd[0]} is no number; {MADE_BY}")
    return CaptionGains(path, gains)


def _with_means(gallery: Split, name: str, mean_name: str, values: np.ndarray) -> Features:
    index = gallery.caption_image_index
    means = np.bincount(index, values) / np.bincount(index)
    return {"t2i": {name: values}, "i2t": {mean_name: means}}
