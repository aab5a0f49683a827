"""The evaluation protocols: which images and captions form the galleries of a number.

    1k     the first 1,000 images (of Karpathy's test split, in file order), first 5 captions
    5fold  the mean over five galleries of 1,000: images 0-999, 1000-1999, ...
    5k     the first 5,000 images in one gallery
    full   every image and every caption of the split

`1k` is the 1K of the paper; much of the literature reports `5fold` as 1K. They differ: name the
one that was used wherever a number stands.
"""

from typing import Literal

import numpy as np

from information_retrieval.metrics import CUTOFFS, TIED_SHARE, count_ranks, retrieval_metrics
from preprocess.errors import InputError
from preprocess.split_file import Split

Protocol = Literal["1k", "5fold", "5k", "full"]
GALLERY_IMAGES = {"1k": 1000, "5fold": 5000, "5k": 5000}
FOLD_IMAGES = 1000
CAPTIONS_PER_IMAGE = 5


def protocol_split(split: Split, protocol: Protocol) -> Split:
    """Return the images and captions of `split` that are scored under `protocol`.

    Raises:
        InputError: the split has fewer images than the protocol takes.
    """
    if protocol == "full":
        return split
    n_images = GALLERY_IMAGES[protocol]
    if len(split.images) < n_images:
        raise InputError(
            f"protocol {protocol} takes {n_images:,} images, split {split.split!r} of "
            f"{split.source} has {len(split.images):,}; use --protocol full"
        )
    return split.first(n_images, CAPTIONS_PER_IMAGE)


def galleries(protocol: Protocol, n_images: int, fold_images: int = FOLD_IMAGES) -> list[slice]:
    """Return the rows of each gallery: one slice, or the folds of `5fold`."""
    if protocol != "5fold":
        return [slice(0, n_images)]
    return [slice(start, start + fold_images) for start in range(0, n_images, fold_images)]


def protocol_metrics(
    scores: np.ndarray,
    caption_image_index: np.ndarray,
    protocol: Protocol,
    fold_images: int = FOLD_IMAGES,
) -> dict:
    """Compute the metrics of one score matrix under a protocol, without scoring again.

    Args:
        scores: (n_images, n_captions) float32 of `protocol_split`.
        caption_image_index: (n_captions,) integer, ascending.

    Returns:
        "protocol"; "metrics" (see `retrieval_metrics`; expected ties; the mean over folds);
        "bounds": the same under "optimistic" and "pessimistic" ties; "folds": the metrics of
        each fold (only `5fold`).
    """
    fold_ranks = []
    for rows in galleries(protocol, len(scores), fold_images):
        # Captions lie image by image, so a fold's are a slice, and its scores a view.
        columns = slice(*np.searchsorted(caption_image_index, (rows.start, rows.stop)))
        index = caption_image_index[columns] - rows.start
        fold_ranks.append(count_ranks(scores[rows, columns], index))
    by_rule = {
        rule: [retrieval_metrics(ranks, rule) for ranks in fold_ranks] for rule in TIED_SHARE
    }
    means = {rule: _mean(folds) for rule, folds in by_rule.items()}
    result = {"protocol": protocol, "metrics": means.pop("expected"), "bounds": means}
    if protocol == "5fold":
        result["folds"] = by_rule["expected"]
    return result


def _mean(folds: list[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([fold[key] for fold in folds])) for key in folds[0]}


def _with_bounds(value: float, low: float, high: float) -> str:
    return f"{value:.2f}" if low == high else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def metrics_table(result: dict) -> str:
    """Return the text table of `protocol_metrics`, with tie bounds where they differ."""
    low, high = result["bounds"]["pessimistic"], result["bounds"]["optimistic"]
    lines = [f"{'':17}" + "".join(f"{name:>24}" for name in (f"R@{k}" for k in CUTOFFS))]
    for direction, name in (("i2t", "text retrieval"), ("t2i", "image retrieval")):
        keys = [f"{direction}_r{k}" for k in CUTOFFS]
        cells = [_with_bounds(result["metrics"][k], low[k], high[k]) for k in keys]
        lines.append(f"{name:17}" + "".join(f"{cell:>24}" for cell in cells))
    metrics = result["metrics"]
    lines.append(
        f"rsum {metrics['rsum']:.2f}; protocol {result['protocol']}; tied queries: "
        f"{metrics['i2t_tied']:.1f} % of images, {metrics['t2i_tied']:.1f} % of captions"
    )
    return "\n".join(lines)
