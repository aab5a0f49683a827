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
from pathlib import Path

import numpy as np

from information_retrieval.combining.shortlist import (
    CensoredRanks,
    Shortlists,
    cascade_metrics_with_bounds,
)
from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.ranking.npz_file import write_npz
from information_retrieval.ranking.protocols import Protocol, protocol_metrics, protocol_shown
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from information_retrieval.ranking.rankings import Rankings
from preprocess.base.text_table import text_table
from preprocess.captions.split_file import Split


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
