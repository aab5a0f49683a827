"""What photographic negatives do to a model that reads images: the original's defect, measured.

The original stored pixels as floats that its transformers took for 0..1 (see
information_retrieval/models/gallery_images.py), so that its CLIP saw x as (256 - x) mod 256.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from error_analysis.probing.probed_captions import ScoringModel
from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.protocol_galleries import galleries_of
from error_analysis.queries.query_json import number
from information_retrieval.models.loading import load_gallery
from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.ranking.protocols import metrics_table
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from information_retrieval.ranking.rankings import Rankings, rank_scores
from information_retrieval.scoring.all_pairs import score_all
from preprocess.captions.split_file import Split


def score_gallery(gallery: Split, model: ScoringModel, negatives: bool) -> Rankings:
    """Score a gallery in memory, its images as they are or as photographic negatives.

    Raises:
        InputError: the model reads no images, and `negatives`; or those of `load_gallery`.
    """
    model = model.on_negatives() if negatives else model
    loaded = load_gallery(model.name, gallery, model.files, model.device, model.options)
    n_images, n_captions = len(gallery.images), len(gallery.captions)
    scorer = loaded.encode(np.arange(n_images))
    show = model.options.show_progress
    scores = score_all(scorer, loaded.column_blocks, n_images, n_captions, show)
    return rank_scores(scores, gallery, {"model": model.name, **loaded.identity})


@dataclass(frozen=True)
class QueryChange:
    """The ranks of the queries of one direction, on images and on their negatives.

    Attributes:
        before, after: (n_queries,) float64, 0-based, expected ties, in the order of the gallery.
    """

    before: np.ndarray
    after: np.ndarray

    def counts(self, hard_rank: int = HARD_RANK) -> dict[str, int | float]:
        """Return how many queries became hard, or stopped being so, and the median change."""
        was_hard, is_hard = self.before >= hard_rank, self.after >= hard_rank
        return {
            "queries": len(self.before),
            "hard": int(was_hard.sum()),
            "hard_on_negatives": int(is_hard.sum()),
            "became_hard": int((~was_hard & is_hard).sum()),
            "no_longer_hard": int((was_hard & ~is_hard).sum()),
            "median_ranks_lost": float(np.median(self.after - self.before)),
        }


def query_changes(
    on_images: ModelRankings, on_negatives: ModelRankings
) -> dict[Direction, QueryChange]:
    """Return the ranks of all queries under both, among the documents of their own fold."""
    folds = [galleries_of(model) for model in (on_images, on_negatives)]
    return {
        direction: QueryChange(
            *(
                np.concatenate([fold.query_ranks(direction).ranks() for fold in of_model])
                for of_model in folds
            )
        )
        for direction in DIRECTIONS
    }


def recall_drops(on_images: dict, on_negatives: dict) -> dict[str, float]:
    """Return the recalls lost, in points, and of rsum: by the names of `retrieval_metrics`."""
    names = [*(f"{d}_r{k}" for d in DIRECTIONS for k in CUTOFFS), "rsum"]
    return {name: on_images["metrics"][name] - on_negatives["metrics"][name] for name in names}


def changes_to_text(on_images: ModelRankings, on_negatives: ModelRankings) -> str:
    """Return both tables of recalls, and what became of the queries."""
    tables = [model.metrics() for model in (on_images, on_negatives)]
    lines = ["on the images:", metrics_table(tables[0])]
    lines += ["on their photographic negatives:", metrics_table(tables[1])]
    drops = recall_drops(*tables)
    lines.append("points lost: " + ", ".join(f"{name} {drop:.2f}" for name, drop in drops.items()))
    for direction, change in query_changes(on_images, on_negatives).items():
        n = change.counts()
        lines.append(
            f"{direction}: of {n['queries']:,} queries {n['hard']:,} are hard, "
            f"{n['hard_on_negatives']:,} on negatives ({n['became_hard']:,} became hard, "
            f"{n['no_longer_hard']:,} are no longer); median of the ranks lost "
            f"{n['median_ranks_lost']:g}"
        )
    return "\n".join(lines)


def changes_to_json(on_images: ModelRankings, on_negatives: ModelRankings) -> dict:
    """Return metrics, counts and all queries as JSON holds them, most ranks lost first."""
    tables = [model.metrics() for model in (on_images, on_negatives)]
    changes = query_changes(on_images, on_negatives)
    gallery = on_images.gallery
    asked = {
        "i2t": [{"image_id": image_id} for image_id in gallery.image_ids.tolist()],
        "t2i": [
            {"caption_id": caption_id, "query": caption}
            for caption_id, caption in zip(
                gallery.caption_ids.tolist(), gallery.captions, strict=True
            )
        ],
    }
    return {
        "metrics": {"images": tables[0]["metrics"], "negatives": tables[1]["metrics"]},
        "points_lost": recall_drops(*tables),
        "counts": {direction: change.counts() for direction, change in changes.items()},
        "queries": {d: _changed(asked[d], changes[d]) for d in DIRECTIONS},
    }


def _changed(asked: Sequence[dict], change: QueryChange) -> list[dict]:
    order = np.argsort(change.before - change.after, kind="stable").tolist()
    before, after = change.before.tolist(), change.after.tolist()
    return [
        {**asked[i], "rank": number(before[i]), "rank_on_negatives": number(after[i])}
        for i in order
    ]
