"""Where a model sees what a hard caption says: in its own image, and in the first wrong one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from error_analysis.probing.probed_captions import ScoringModel
from error_analysis.queries.hard_queries import hard_indices, worst_first
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query import Query, describe_queries
from error_analysis.queries.query_json import number
from information_retrieval.models.checkpoint import load_config, load_model
from information_retrieval.models.image_inputs import read_inputs
from information_retrieval.models.tokenization import TokenizedCaptions
from information_retrieval.models.xvlm.predicted_boxes import predicted_boxes
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split

DIGITS = 4  # of a share: a hundredth of a pixel of what the model reads
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class BoxInImage:
    """Where a caption's box is in an image.

    Attributes:
        box: x1 y1 x2 y2, shares of the image's width and height, in [0, 1].
    """

    image_id: int
    box: Box

    @property
    def area(self) -> float:
        """Its share of the image."""
        x1, y1, x2, y2 = self.box
        return (x2 - x1) * (y2 - y1)


@dataclass(frozen=True, slots=True)
class CaptionBoxes:
    """The boxes of one caption query.

    Attributes:
        rank: 0-based, expected ties.
        own: in the caption's own image.
        wrong: in the first other image that was retrieved; None where there is no other.
    """

    caption_id: int
    caption: str
    rank: float
    own: BoxInImage
    wrong: BoxInImage | None


def check_predicts_boxes(name: str) -> None:
    """Raise InputError unless a checkpoint is an X-VLM with a box head; no weights are read."""
    config = load_config(name)
    if config.model_type != "xvlm":
        raise InputError(
            f"--predict_boxes: {name} is a model of type {config.model_type}, expected an X-VLM, "
            "which alone has a box head"
        )
    if not config.has_box_head:
        raise InputError(
            f"--predict_boxes: {name} has no box head: fine-tuning drops it, here as in the "
            "published code; give a pre-trained X-VLM"
        )


def hard_captions(model: ModelRankings, hard_rank: int) -> list[Query]:
    """Return the caption queries of this rank or a worse one, worst first.

    They are ranked among all images that were scored, folds or not, as a report shows them.
    """
    ranks = model.query_ranks("t2i").ranks()
    hard = worst_first(hard_indices(ranks, hard_rank), ranks)
    return describe_queries(model, "t2i", hard, n_retrieved=2)


def find_boxes(
    queries: Sequence[Query], gallery: Split, model: ScoringModel
) -> tuple[list[CaptionBoxes], TokenizedCaptions]:
    """Let a model with a box head place each caption in its own image, and in the first wrong one.

    Args:
        queries: at least one caption query of the gallery, each with two retrieved images where it
            has two.

    Returns:
        The boxes, in the order of the queries, and the gallery's captions as the model read them.

    Raises:
        InputError: those of `read_inputs`; an image does not decode; the checkpoint lacks a part.
    """
    loaded = load_model(model.name).to(model.device)
    inputs = read_inputs(model.name, loaded, gallery, model.files, model.options)
    images = inputs.pixels(gallery.image_ids, model.options.negative_images)
    row_of = {image_id: row for row, image_id in enumerate(gallery.image_ids.tolist())}
    looked_at = [_looked_at(query) for query in queries]
    pairs = [
        (row_of[image_id], query.index)
        for query, image_ids in zip(queries, looked_at, strict=True)
        for image_id in image_ids
    ]
    options = model.options.of_every_model()
    token_ids = inputs.tokens.token_ids
    boxes = iter(predicted_boxes(loaded, token_ids, images, np.array(pairs), **options))
    found = [
        _caption_boxes(query, [BoxInImage(i, _rounded(next(boxes))) for i in image_ids])
        for query, image_ids in zip(queries, looked_at, strict=True)
    ]
    return found, inputs.tokens


def _looked_at(query: Query) -> list[int]:
    """Return the image of a caption, and the first wrong one."""
    wrong = [found.item.image_id for found in query.retrieved if not found.is_ground_truth]
    return [query.item.image_id, *wrong[:1]]


def _rounded(box: np.ndarray) -> Box:
    x1, y1, x2, y2 = (round(share, DIGITS) for share in box.tolist())
    return x1, y1, x2, y2


def _caption_boxes(query: Query, boxes: Sequence[BoxInImage]) -> CaptionBoxes:
    caption = query.item.as_caption()
    own, wrong = [*boxes, None][:2]
    assert own is not None
    return CaptionBoxes(caption.caption_id, caption.caption, query.rank, own, wrong)


def median_areas(found: Sequence[CaptionBoxes]) -> dict[str, float | None]:
    """Return the median area of the boxes, as shares of their images; None where there is none."""
    boxes = {
        "own_image": [query.own for query in found],
        "first_wrong_image": [query.wrong for query in found if query.wrong is not None],
    }
    return {
        name: round(float(np.median([box.area for box in of])), DIGITS) if of else None
        for name, of in boxes.items()
    }


def boxes_to_text(found: Sequence[CaptionBoxes], hard_rank: int) -> str:
    """Return how many captions have boxes, and how large these are, as a line."""
    if not found:
        return f"no caption of rank {hard_rank} or worse: no box to predict"
    told = [
        f"{100 * area:.0f} % of {image}"
        for image, area in zip(
            ("its own image", "the first wrong one"), median_areas(found).values(), strict=True
        )
        if area is not None
    ]
    return (
        f"boxes of {len(found):,} captions of rank {hard_rank} or worse; the median box takes "
        f"{' and '.join(told)}"
    )


def boxes_to_json(found: Sequence[CaptionBoxes], hard_rank: int) -> dict:
    """Return the boxes as JSON holds them; one in no wrong image is null."""
    return {
        "hard_rank": hard_rank,
        "median_area": median_areas(found),
        "boxes": [
            {
                "caption_id": query.caption_id,
                "query": query.caption,
                "rank": number(query.rank),
                "own": _to_json(query.own),
                "wrong": query.wrong and _to_json(query.wrong),
            }
            for query in found
        ],
    }


def _to_json(box: BoxInImage) -> dict:
    return {"image_id": box.image_id, "box": list(box.box)}
