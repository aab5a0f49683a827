"""The evaluation protocols: which images and captions form the galleries of a number.

    1k     the first 1,000 images (of Karpathy's test split, in file order), first 5 captions
    5fold  the mean over five galleries of 1,000: images 0-999, 1000-1999, ...
    5k     the first 5,000 images in one gallery
    full   every image and every caption of the split

`1k` is the 1K of the paper; much of the literature reports `5fold` as 1K. They differ: name the
one that was used wherever a number stands (benchmark_names.py). Flickr30k's test has 1,000 images:
there `1k` and `full` are the same, and the others do not exist. A matrix of scores holds those of
every smaller gallery: `every_protocol` reads them from it.
"""

from fractions import Fraction
from typing import Literal

import numpy as np

from information_retrieval.ranking.metrics import CUTOFFS, retrieval_metrics
from information_retrieval.ranking.query_ranks import DIRECTIONS, TIE_RULES, QueryRanks, Ranks
from information_retrieval.ranking.rank_counter import RankCounter, count_ranks
from preprocess.base.errors import InputError
from preprocess.base.text_table import text_table
from preprocess.captions.split_file import Split

Protocol = Literal["1k", "5fold", "5k", "full"]
GALLERY_IMAGES: dict[Protocol, int] = {"1k": 1000, "5fold": 5000, "5k": 5000}
FOLD_IMAGES = 1000
CAPTIONS_PER_IMAGE = 5
FLICKR30K_TEST_IMAGES = 1000
# Rows copied at once where captions are left out: 6 MB at 25,000 captions.
COPIED_ROWS = 64
# Percent of the queries of a direction; so much R@10 could move by the order of ties alone.
COMMON_TIES = 1.0
FRACTION_BITS = {"float32": 23, "float16": 10, "bfloat16": 7}


def largest_protocol(split: Split) -> Protocol:
    """Return the protocol of the most images of a split that a score matrix should hold.

    `5k` from 5,000 images on, as COCO's test split has; `1k` of just 1,000, as Flickr30k's; else
    `full`.
    """
    n_images = len(split.images)
    if n_images >= GALLERY_IMAGES["5k"]:
        return "5k"
    return "1k" if n_images == GALLERY_IMAGES["1k"] else "full"


def protocol_split(split: Split, protocol: Protocol) -> Split:
    """Return the images and captions of `split` that are scored under `protocol`.

    Raises:
        InputError: the split has fewer images than the protocol takes, or is a test of Flickr30k
            that is not Karpathy's, whose first 1,000 would pass for Flickr30k 1K.
    """
    if protocol == "full":
        return split
    n_images = GALLERY_IMAGES[protocol]
    is_test_of_flickr30k = (split.dataset, split.split) == ("flickr30k", "test")
    if is_test_of_flickr30k and len(split.images) > FLICKR30K_TEST_IMAGES:
        raise InputError(
            f"protocol {protocol}: the test of {split.source} has {len(split.images):,} images; "
            f"Flickr30k 1K is Karpathy's test of {FLICKR30K_TEST_IMAGES:,} (some copies call all "
            "31,014 images test, and tell the splits in a column). Make the split files with "
            "`python -m preprocess.splits` from that column or from dataset_flickr30k.json, or "
            "score all of them as what they are, --protocol full"
        )
    if len(split.images) < n_images:
        raise InputError(
            f"protocol {protocol} takes {n_images:,} images, split {split.split!r} of "
            f"{split.source} has {len(split.images):,}; use --protocol full"
        )
    return split.first(n_images, CAPTIONS_PER_IMAGE)


def galleries(protocol: Protocol, n_images: int, fold_images: int = FOLD_IMAGES) -> list[slice]:
    """Return the rows of each gallery in a matrix of `n_images`: one slice, or those of `5fold`.

    Raises:
        ValueError: the images do not fill the folds.
    """
    if protocol == "full":
        return [slice(0, n_images)]
    last = min(n_images, GALLERY_IMAGES[protocol] // FOLD_IMAGES * fold_images)
    step = fold_images if protocol == "5fold" else last
    if last % step:
        raise ValueError(f"{n_images} images do not fill folds of {fold_images}")
    return [slice(start, start + step) for start in range(0, last, step)]


def protocol_metrics(
    scores: np.ndarray,
    caption_image_index: np.ndarray,
    protocol: Protocol,
    fold_images: int = FOLD_IMAGES,
) -> dict:
    """Compute the metrics of one score matrix under a protocol, without scoring again.

    Args:
        scores: (n_images, n_captions) float32 of `protocol_split`, or of a larger gallery of the
            same split: `1k` takes the first 1,000 rows, and all but `full` 5 captions an image.
        caption_image_index: (n_captions,) integer, ascending.

    Returns:
        "protocol"; "metrics" (see `retrieval_metrics`; expected ties; the mean over folds);
        "bounds": the same under "optimistic" and "pessimistic" ties; "folds": the metrics of
        each fold (only `5fold`).

    Raises:
        ValueError: as `galleries` and `count_ranks` do.
    """
    fold_ranks = _ranks_of_galleries(scores, caption_image_index, protocol, fold_images)
    by_rule = {rule: [retrieval_metrics(ranks, rule) for ranks in fold_ranks] for rule in TIE_RULES}
    means = {rule: _mean(folds) for rule, folds in by_rule.items()}
    result: dict = {"protocol": protocol, "metrics": means.pop("expected"), "bounds": means}
    if protocol == "5fold":
        result["folds"] = by_rule["expected"]
    return result


def every_protocol(
    scores: np.ndarray, caption_image_index: np.ndarray, protocol: Protocol
) -> dict[Protocol, dict]:
    """Compute the metrics of every protocol that a matrix scored for `protocol` has images for.

    Returns:
        `protocol_metrics` by protocol: `protocol` itself, and `1k` from 1,000 images on, `5fold`
        and `5k` from 5,000 on.
    """
    names = [name for name, needed in GALLERY_IMAGES.items() if len(scores) >= needed]
    return {
        name: protocol_metrics(scores, caption_image_index, name)
        for name in dict.fromkeys([protocol, *names])
    }


def _ranks_of_galleries(
    scores: np.ndarray, caption_image_index: np.ndarray, protocol: Protocol, fold_images: int
) -> list[Ranks]:
    """Count the ranks of each gallery of a protocol."""
    per_image = None if protocol == "full" else CAPTIONS_PER_IMAGE
    return [
        _gallery_ranks(scores, caption_image_index, rows, per_image)
        for rows in galleries(protocol, len(scores), fold_images)
    ]


def _gallery_ranks(
    scores: np.ndarray, caption_image_index: np.ndarray, rows: slice, per_image: int | None
) -> Ranks:
    """Count the ranks among the images of `rows` and the first captions of each."""
    # Captions lie image by image, so a gallery's are a slice, and its scores a view.
    columns = slice(*np.searchsorted(caption_image_index, (rows.start, rows.stop)))
    scores, index = scores[rows, columns], caption_image_index[columns] - rows.start
    position = np.arange(len(index)) - np.searchsorted(index, index)  # (n_captions,), in its image
    if per_image is None or (position < per_image).all():
        return count_ranks(scores, index)
    kept = np.flatnonzero(position < per_image)
    counter = RankCounter(scores[index[kept], kept], index[kept], len(scores))
    for start in range(0, len(scores), COPIED_ROWS):
        part = slice(start, start + COPIED_ROWS)
        counter.update(part, slice(None), scores[part][:, kept])
    return counter.ranks()


def _mean(folds: list[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([fold[key] for fold in folds])) for key in folds[0]}


def _with_bounds(value: float, *bounds: float) -> str:
    shown, low, high = (f"{number:.2f}" for number in (value, min(bounds), max(bounds)))
    return shown if low == high else f"{shown} [{low}, {high}]"


def protocol_shown(result: dict) -> str:
    """Return the protocol of `protocol_metrics`, with the benchmark's name where it has one."""
    if "benchmark" in result:
        return f"protocol {result['protocol']} ({result['benchmark']})"
    if "no_benchmark" in result:
        return f"protocol {result['protocol']} (not Flickr30k 1K: {result['no_benchmark']})"
    return f"protocol {result['protocol']}"


def metrics_table(result: dict) -> str:
    """Return the text table of `protocol_metrics`, with tie bounds where they differ."""
    metrics, bounds = result["metrics"], result["bounds"].values()

    def cell(key: str) -> str:
        return _with_bounds(metrics[key], *(bound[key] for bound in bounds))

    columns = {f"r{k}": f"R@{k}" for k in CUTOFFS}
    columns |= {"median_rank": "median rank", "mean_rank": "mean rank"}
    rows = [["", *columns.values()]]
    for direction, name in (("i2t", "text retrieval"), ("t2i", "image retrieval")):
        rows.append([name, *(cell(f"{direction}_{column}") for column in columns)])
    lines = text_table(rows, "l" + "r" * len(columns))
    lines.append(
        f"rsum {cell('rsum')}; {protocol_shown(result)}; tied queries: "
        f"{metrics['i2t_tied']:.1f} % of images, {metrics['t2i_tied']:.1f} % of captions"
    )
    if "folds" in result:
        rsums = ", ".join(f"{fold['rsum']:.2f}" for fold in result["folds"])
        lines.append(f"rsum of each fold: {rsums}")
    return "\n".join(lines)


def tie_warning(
    scores: np.ndarray,
    caption_image_index: np.ndarray,
    protocol: Protocol,
    dtype: str,
    fold_images: int = FOLD_IMAGES,
    n_repeated: int = 0,
) -> str | None:
    """Return a line of warning when ties within the top 10 are common; None otherwise.

    They are common when, in either direction, more than 1 % of the queries have a best ground
    truth that is tied with a wrong document and that ties may put into the top 10; of `5fold`, in
    the mean over the folds.

    Args:
        scores, caption_image_index, protocol: as in `protocol_metrics`.
        dtype: "float32", "float16" or "bfloat16", in which the model computed. The scores may be
            finer: both models' last step is in float32.
        n_repeated: captions that are another image's too, word for word: image queries tie by them.
    """
    counted = _ranks_of_galleries(scores, caption_image_index, protocol, fold_images)
    shares = [
        float(np.mean([_share_tied_in_top(ranks.of(direction)) for ranks in counted]))
        for direction in DIRECTIONS
    ]
    if max(shares) <= COMMON_TIES:
        return None
    source = f"the model computed in {dtype}"
    best = abs(float(np.median(scores.max(axis=1))))
    if best > 0 and _all_values_of(scores, dtype):
        step = Fraction(2) ** (int(np.floor(np.log2(best))) - FRACTION_BITS[dtype])
        source = f"the scores are {dtype}, whose values near {best:.3g} are {step} apart"
    if n_repeated and shares[0] > COMMON_TIES:
        source = f"{n_repeated:,} captions are another image's too, word for word; {source}"
    return (
        f"warning: protocol {protocol}: within the top {max(CUTOFFS)}, {shares[0]:.1f} % of the "
        f"image queries and {shares[1]:.1f} % of the caption queries are tied with wrong "
        f"documents; {source}; mind the tie bounds"
        + ("" if dtype == "float32" else ", or use float32")
    )


def _share_tied_in_top(queries: QueryRanks) -> float:
    """Return the percentage of queries that are tied, and by ties may be in the top 10."""
    return 100.0 * float(np.mean((queries.tied > 0) & (queries.higher < max(CUTOFFS))))


def _all_values_of(scores: np.ndarray, dtype: str) -> bool:
    """Tell whether the fractions of all scores (n_images, n_captions) are as short as `dtype`'s."""
    if dtype not in FRACTION_BITS:
        return False
    finer = np.uint32(2 ** (FRACTION_BITS["float32"] - FRACTION_BITS[dtype]) - 1)
    parts = (scores[start : start + COPIED_ROWS] for start in range(0, len(scores), COPIED_ROWS))
    bits = (np.ascontiguousarray(part, np.float32).view(np.uint32) for part in parts)
    return not any((part & finer).any() for part in bits)
