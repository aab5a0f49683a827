"""What a cascade found: the .npz that holds it, and the table of its metrics.

The .npz is no rankings file: it lacks the scores of all pairs, and its ranks are bounds. For each
direction d (i2t, t2i): `{d}_shortlist` (n_queries, k) int64, positions of the documents, the first
model's best first; `{d}_shortlist_scores` (n_queries, k) float32, the cross-encoder's;
`{d}_ranks_at_least` (n_queries,) float64, 0-based, expected ties, k where `{d}_censored`
(n_queries,) bool: no ground truth is on the shortlist; `{d}_ties` (n_queries,) int64, wrong
documents of the shortlist tied with the best ground truth, and `{d}_truths` (n_queries,) int64,
ground truths that share its score. And `image_ids`, `caption_ids`, `caption_image_index`,
`metadata` as in a rankings file.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from information_retrieval.combining.shortlist import (
    CensoredRanks,
    Shortlists,
    cascade_metrics_with_bounds,
    rank_shortlists,
    union_of_pairs,
)
from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.ranking.npz_file import read_npz, write_npz
from information_retrieval.ranking.protocols import Protocol, protocol_metrics, protocol_shown
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from information_retrieval.ranking.rankings import Rankings
from preprocess.base.errors import InputError
from preprocess.base.text_table import text_table
from preprocess.captions.split_file import Split

MADE_BY = "make it with `python -m information_retrieval.cascade`"
GALLERY = ("image_ids", "caption_ids", "caption_image_index")


@dataclass(frozen=True)
class Cascade:
    """What is known of a cascade's queries.

    Attributes:
        shortlist: k, up to which ranks are known; in a gallery of fewer documents all are.
        pairs_scored, pairs: by the cross-encoder, and in the gallery.
        ranks: by direction, in the order of the gallery.
        metadata: what made it: model, first_stage (that of the first's rankings), ...
    """

    shortlist: int
    pairs_scored: int
    pairs: int
    ranks: dict[Direction, CensoredRanks]
    metadata: dict


def write_cascade(
    path: Path,
    gallery: Split,
    lists: Shortlists,
    scores: dict[Direction, np.ndarray],
    ranks: dict[Direction, CensoredRanks],
    metadata: dict,
) -> None:
    """Write the .npz, atomically."""
    arrays = {
        "image_ids": gallery.image_ids,
        "caption_ids": gallery.caption_ids,
        "caption_image_index": gallery.caption_image_index,
        "metadata": np.array(json.dumps(metadata)),
    }
    for direction in DIRECTIONS:
        arrays[f"{direction}_shortlist"] = lists.of(direction)
        arrays[f"{direction}_shortlist_scores"] = scores[direction]
        arrays[f"{direction}_ranks_at_least"] = ranks[direction].at_least()
        arrays[f"{direction}_censored"] = ranks[direction].censored
        arrays[f"{direction}_ties"] = ranks[direction].queries.tied
        arrays[f"{direction}_truths"] = ranks[direction].queries.truths
    write_npz(path, arrays, uncompressed=arrays)


def read_cascade(path: Path, rankings: Rankings) -> Cascade:
    """Read the .npz, and check that it is of the gallery of some rankings, of whatever model.

    The ranks are counted anew: that takes no time, and shows a file that was edited.

    Raises:
        InputError: a missing, damaged or foreign file, rankings, or a cascade of other images and
            captions.
    """
    arrays = read_npz(path, "the .npz of a cascade", MADE_BY)
    if "logits" in arrays:
        raise InputError(
            f"{path}: expected the .npz of a cascade, found rankings, whose ranks are all known; "
            f"give it as rankings, or {MADE_BY}"
        )
    try:
        _check_gallery(path, arrays, rankings)
        return _cascade_of(path, arrays)
    # What a damaged file can hold under the right keys: other shapes, types, or JSON.
    except (KeyError, ValueError, IndexError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not the .npz of a cascade ({error!r}); {MADE_BY}") from error


def _check_gallery(path: Path, arrays: dict[str, np.ndarray], rankings: Rankings) -> None:
    of_split = json.loads(str(arrays["metadata"])).get("split_sha256")
    others = [key for key in GALLERY if not np.array_equal(arrays[key], getattr(rankings, key))]
    if of_split != rankings.metadata.get("split_sha256", of_split):
        others.append("split_sha256")
    if others:
        n_images, n_captions = len(arrays["image_ids"]), len(arrays["caption_ids"])
        raise InputError(
            f"{path}: expected the gallery of {rankings.metadata.get('path', 'the rankings')} "
            f"({len(rankings.image_ids):,} images, {len(rankings.caption_ids):,} captions), found "
            f"another {others[0]} ({n_images:,} images, {n_captions:,} captions); repeat the "
            "cascade with the same split file and --protocol"
        )


def _cascade_of(path: Path, arrays: dict[str, np.ndarray]) -> Cascade:
    metadata = json.loads(str(arrays["metadata"]))
    shortlist, index = metadata["shortlist"], arrays["caption_image_index"]
    n_images, n_captions = len(arrays["image_ids"]), len(index)
    _check_shortlist(arrays, "i2t", (n_images, min(shortlist, n_captions)), n_captions)
    _check_shortlist(arrays, "t2i", (n_captions, min(shortlist, n_images)), n_images)
    lists = Shortlists(arrays["i2t_shortlist"], arrays["t2i_shortlist"], index)
    ranks = {
        d: rank_shortlists(arrays[f"{d}_shortlist_scores"], lists.relevant(d)) for d in DIRECTIONS
    }
    for direction, counted in ranks.items():
        stored = arrays[f"{direction}_ranks_at_least"], arrays[f"{direction}_censored"]
        if not (
            np.array_equal(counted.at_least(), stored[0])
            and np.array_equal(counted.censored, stored[1])
        ):
            raise InputError(
                f"{path}: {direction}_ranks_at_least are not those of its scores; {MADE_BY}"
            )
    pairs_scored = len(union_of_pairs(lists).rows)
    return Cascade(shortlist, pairs_scored, n_images * n_captions, ranks, metadata)


def _check_shortlist(
    arrays: dict[str, np.ndarray], direction: Direction, shape: tuple[int, int], n_documents: int
) -> None:
    """Raise ValueError unless a direction has a shortlist and scores of this shape."""
    listed, scores = (arrays[f"{direction}_shortlist{what}"] for what in ("", "_scores"))
    for found in (listed, scores):
        if found.shape != shape:
            raise ValueError(f"{direction}_shortlist of shape {found.shape}, expected {shape}")
    if listed.dtype != np.int64 or listed.min() < 0 or listed.max() >= n_documents:
        raise ValueError(f"{direction}_shortlist: not all are positions of {n_documents}")
    if not np.isfinite(scores).all():
        raise ValueError(f"{direction}_shortlist_scores: not all are finite")


def cascade_table(result: dict, first_name: str, name: str) -> str:
    """Return the text table of the metrics file's content."""
    k, metrics, first = result["shortlist"], result["metrics"], result["first_stage"]["metrics"]
    columns = [*(f"R@{cutoff}" for cutoff in CUTOFFS), "ceiling", "median rank", "censored"]
    rows = [["", *columns]]
    for direction, what in (("i2t", "text retrieval"), ("t2i", "image retrieval")):
        recalls = [f"{direction}_r{cutoff}" for cutoff in CUTOFFS]
        median = metrics[f"{direction}_median_rank_at_least"]
        bound = ">= " if metrics[f"{direction}_median_rank_censored"] else ""
        ceiling = metrics[f"{direction}_ceiling"]
        cells = [f"{metrics[key]:.2f}" for key in recalls]
        cells += [f"{ceiling:.2f}", f"{bound}{median:g}", f"{100 - ceiling:.2f} %"]
        rows.append([f"{what}, cascade", *cells])
        rows.append([f"{what}, first alone", *(f"{first[key]:.2f}" for key in recalls), "", "", ""])
    lines = [
        f"{name} orders the top {k} of {first_name}: {result['pairs_scored']:,} of "
        f"{result['pairs']:,} pairs scored",
        *text_table(rows, "l" + "r" * len(columns)),
        f"rsum {metrics['rsum']:.2f} (first alone {first['rsum']:.2f}); ceiling: queries with a "
        f"ground truth in the first's top {k}; the others' ranks are censored, >= {k}",
        f"{protocol_shown(result)}; tied queries: {metrics['i2t_tied']:.1f} % of images, "
        f"{metrics['t2i_tied']:.1f} % of captions",
    ]
    return "\n".join(lines)


def cascade_summary(
    first: Rankings, protocol: Protocol, shortlist: int, pairs_scored: int, ranks: dict
) -> dict:
    """Return the content of metrics.json but for its metadata.

    Args:
        ranks: of each direction, (n_queries,), within the shortlists or censored beyond.
    """
    return {
        "protocol": protocol,
        "shortlist": shortlist,
        "pairs_scored": pairs_scored,
        "pairs": first.scores.size,
        **cascade_metrics_with_bounds(ranks),
        "first_stage": protocol_metrics(first.scores, first.caption_image_index, protocol),
    }
