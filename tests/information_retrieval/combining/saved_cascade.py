"""A cascade of two score matrices, as a file."""

from pathlib import Path

import numpy as np

from information_retrieval.combining.cascade_result import cascade_summary, write_cascade
from information_retrieval.combining.shortlist import rank_shortlists, shortlists, union_of_pairs
from information_retrieval.ranking.query_ranks import DIRECTIONS
from information_retrieval.ranking.rankings import rank_scores
from preprocess.captions.split_file import Split


def save_cascade(
    path: Path, first: np.ndarray, second: np.ndarray, gallery: Split, k: int, **metadata
) -> dict:
    """Write the cascade in which `second` orders the best k of `first`; returns metrics.json's."""
    same = {"split_sha256": gallery.sha256, "protocol": "full"}
    first_stage = {"model": "the first", **same}
    told = {"model": "the second", **same, "shortlist": k, "first_stage": first_stage, **metadata}
    lists = shortlists(first, gallery.caption_image_index, k)
    pairs = union_of_pairs(lists)
    listed = second[pairs.rows, pairs.columns]
    scores = {d: listed[pairs.of(d)] for d in DIRECTIONS}
    ranks = {d: rank_shortlists(scores[d], lists.relevant(d)) for d in DIRECTIONS}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_cascade(path, gallery, lists, scores, ranks, told)
    whole = rank_scores(first, gallery, first_stage)
    return cascade_summary(whole, "full", k, len(pairs.rows), ranks)


def first_and_second(gallery: Split, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores of two models that know something, rounded so that some are tied."""
    generator, index = np.random.default_rng(seed), gallery.caption_image_index
    scores = generator.normal(size=(2, len(gallery.images), len(index)))
    scores[:, index, np.arange(len(index))] += 1.5
    first, second = scores.round(1).astype(np.float32)
    return first, second
