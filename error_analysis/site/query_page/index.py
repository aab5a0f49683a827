"""The index of all queries: what the list of a report's page shows, and what its filters know.

{"gallery_sha256", "dataset", "split", "hard_rank", "per_part", "has_boxes", "tags",
 "models": [{"name", "slug", "color"}],
 "images": {"ids", "files"}, "captions": {"ids", "images": rows, "texts"},
 "ranks" and "margins": of each model, of the images and then the captions,
 "labels": [{"kind", "name", "model", "queries"}],
 and where a captioner's captions are given, "generated": {"captioner", "texts": of the images}}
"""

from collections.abc import Sequence

import numpy as np

from error_analysis.judging.judgements import gallery_sha256
from error_analysis.queries.margins import score_margins
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query_json import number
from error_analysis.site.base.links import model_slugs
from error_analysis.site.query_page.details import PART_QUERIES, rounded
from error_analysis.site.query_page.generated import GeneratedTexts
from error_analysis.site.query_page.labels import QueryLabel
from error_analysis.statistics.rank_plots import MODEL_COLORS
from information_retrieval.ranking.query_ranks import DIRECTIONS
from preprocess.captions.split_file import Split

MOST_TAGS = 9  # a key each
# Where the rules found fewer: those of the paper, and what the rules tell besides.
PAPER_TAGS = (
    "typo",
    "long modifier",
    "underspecified",
    "no visual content",
    "plausible retrieval",
    "salient object confusion",
    "wrong details",
    "low quality",
    "small object",
)


def index_of(
    models: Sequence[ModelRankings],
    labels: Sequence[QueryLabel],
    hard_rank: int,
    has_boxes: bool,
    generated: GeneratedTexts | None = None,
) -> dict:
    """Return the index.

    Args:
        models: 1..n models that scored one gallery.
        labels: of the queries.
        hard_rank: from which 0-based rank on a query is hard.
        has_boxes: the report has the detector's boxes.
        generated: what a captioner says of the images; None: not given.
    """
    gallery = models[0].gallery
    slugs = model_slugs([model.name for model in models])
    return {
        "gallery_sha256": gallery_sha256(gallery),
        "dataset": gallery.dataset,
        "split": gallery.split,
        "hard_rank": hard_rank,
        "per_part": PART_QUERIES,
        "has_boxes": has_boxes,
        "tags": offered_tags(labels),
        "models": [
            {"name": model.name, "slug": slug, "color": position % len(MODEL_COLORS)}
            for position, (model, slug) in enumerate(zip(models, slugs, strict=True))
        ],
        **_documents(gallery),
        "ranks": [_ranks(model) for model in models],
        "margins": [_margins(model) for model in models],
        "labels": [label.to_json() for label in labels if len(label.numbers)],
        **({} if generated is None else {"generated": generated.to_json()}),
    }


def _documents(gallery: Split) -> dict:
    return {
        "images": {
            "ids": gallery.image_ids.tolist(),
            "files": [image.file_name for image in gallery.images],
        },
        "captions": {
            "ids": gallery.caption_ids.tolist(),
            "images": gallery.caption_image_index.tolist(),
            "texts": [caption.strip() for caption in gallery.captions],
        },
    }


def _ranks(model: ModelRankings) -> list[int | float]:
    ranks = np.concatenate([model.query_ranks(d).ranks() for d in DIRECTIONS])
    return [number(rank) for rank in ranks.tolist()]


def _margins(model: ModelRankings) -> list[float]:
    margins = np.concatenate([score_margins(model, d) for d in DIRECTIONS])
    largest = np.finfo(np.float32).max  # JSON has no infinity
    return [rounded(margin) for margin in np.clip(margins, -largest, largest).tolist()]


def offered_tags(labels: Sequence[QueryLabel]) -> list[str]:
    """Return the tags that people who judge by hand are offered: the rules' reasons first."""
    counts: dict[str, int] = {}
    for label in labels:
        if label.kind == "reason":
            counts[label.name] = counts.get(label.name, 0) + len(label.numbers)
    found = sorted(counts, key=lambda name: -counts[name])
    return [*found, *(tag for tag in PAPER_TAGS if tag not in counts)][:MOST_TAGS]
