"""The images that a model ranks first for a caption, as lists to hold side by side."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from error_analysis.probing.probed_captions import image_rank
from error_analysis.queries.query_json import number
from information_retrieval.ranking.metrics import top_k
from preprocess.captions.split_file import Split

N_LISTED = 10
LIST_WIDTH = 62


@dataclass(frozen=True, slots=True)
class ListedImage:
    """An image in a list; its 0-based place is its position there.

    Attributes:
        caption: the first of the image's own captions.
    """

    image_id: int
    score: float
    caption: str


@dataclass(frozen=True)
class RankList:
    """What a model made of a caption.

    Attributes:
        title: what was scored, such as "caption" or "edit".
        caption: the caption.
        images: those scored highest, best first, ties by the lower row.
        ground_truth: the 0-based rank (expected ties) of each right image, by image id; empty
            where none is known.
    """

    title: str
    caption: str
    images: tuple[ListedImage, ...]
    ground_truth: dict[int, float]


def rank_list(
    title: str,
    caption: str,
    scores: np.ndarray,
    gallery: Split,
    truth: Sequence[int] | np.ndarray,
    n_listed: int = N_LISTED,
) -> RankList:
    """List the first images of a caption.

    Args:
        scores: (n_images,) float32, of the caption with the gallery's images.
        truth: rows of the right images, each ranked among all images.
    """
    [best] = top_k(scores[None], n_listed)
    images = (gallery.images[row] for row in best.tolist())
    listed = zip(images, scores[best].tolist(), strict=True)
    return RankList(
        title,
        caption,
        tuple(ListedImage(i.image_id, score, i.captions[0].caption) for i, score in listed),
        {gallery.images[row].image_id: image_rank(scores, row) for row in truth},
    )


def side_by_side(lists: Sequence[RankList], width: int = LIST_WIDTH) -> str:
    """Return the lists as text, in columns: place, image, score, and a caption of the image.

    A ground truth among the images has a star.
    """
    columns = [_lines(ranked, width) for ranked in lists]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell in row).rstrip()
        for row in zip_longest(*columns, fillvalue="")
    )


def _lines(ranked: RankList, width: int) -> list[str]:
    title = textwrap.wrap(f"{ranked.title}: {ranked.caption}", width)
    truth = [f"ground truth {i}: rank {rank:g}" for i, rank in ranked.ground_truth.items()]
    lines = [*title, *(truth or ["ground truth: not known"]), ""]
    for place, image in enumerate(ranked.images):
        star = "*" if image.image_id in ranked.ground_truth else " "
        line = f"{place:2} {star}{image.image_id:>7} {image.score:8.3f}  "
        left = width - len(line)
        line += image.caption if len(image.caption) <= left else image.caption[: left - 1] + "…"
        lines.append(line)
    return lines


def rank_list_to_json(ranked: RankList) -> dict:
    """Return the list as JSON holds it."""
    return {
        "title": ranked.title,
        "caption": ranked.caption,
        "ground_truth_ranks": [
            {"image_id": image_id, "rank": number(rank)}
            for image_id, rank in ranked.ground_truth.items()
        ],
        "retrieved": [
            {"image_id": image.image_id, "score": image.score, "caption": image.caption}
            for image in ranked.images
        ],
    }
