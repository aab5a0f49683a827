"""Images that are hard by human captions, by generated ones, or by both, as
error_analysis.caption_or_image counted them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.site.sections.origin import (
    models_described,
    no_such_file,
    other_rankings,
    read_output,
)
from error_analysis.statistics.hard_images import KINDS, Kind

COMMAND = "caption_or_image"


@dataclass(frozen=True)
class CaptionOrImage:
    """The images of one model.

    Attributes:
        image_ids: by kind, the plainest first.
        expected: by kind, how many images are of it by one human caption, drawn at random.
        human_recall, generated_recall: percent of the captions found above the rank that is hard.
        by_image_p: of their difference.
    """

    model: str
    image_ids: dict[Kind, tuple[int, ...]]
    expected: dict[Kind, float]
    human_recall: float
    generated_recall: float
    by_image_p: float

    @property
    def n_images(self) -> int:
        return sum(map(len, self.image_ids.values()))


@dataclass(frozen=True)
class CaptionsOrImages:
    """The images of some models, by what one captioner says of them.

    Attributes:
        hard_rank: from which 0-based rank on a caption is hard.
    """

    found: tuple[CaptionOrImage, ...]
    hard_rank: int


def read_captions_or_images(path: Path, models: Sequence[ModelRankings]) -> CaptionsOrImages:
    """Read what `python -m error_analysis.caption_or_image` wrote.

    Raises:
        InputError: the file is missing, no such file, or of other rankings than the models'.
    """
    content = read_output(path, COMMAND)
    with no_such_file(path, COMMAND):
        described = content["metadata"]["models"]
        hard_rank = int(content["metadata"]["hard_rank"])
        keys = ("split_sha256", "gallery")
        known = models_described(path, COMMAND, described, models, keys)
        found = tuple(_found(model.name, content["models"][model.name]) for model in known)
    for model, one in zip(known, found, strict=True):
        if not _is_of(one, model, hard_rank):
            raise other_rankings(path, COMMAND, model, [one["name"] for one in described])
    return CaptionsOrImages(found, hard_rank)


def _is_of(found: CaptionOrImage, model: ModelRankings, hard_rank: int) -> bool:
    """Tell whether the images that are hard by human captions are those of a model."""
    image, n_images = model.rankings.caption_image_index, len(model.rankings.image_ids)
    n_hard = np.bincount(image, model.query_ranks("t2i").ranks() >= hard_rank, n_images)
    hard = model.rankings.image_ids[n_hard > np.bincount(image, minlength=n_images) / 2]
    told = {*found.image_ids["hard by both"], *found.image_ids["by human captions alone"]}
    return found.n_images == n_images and told == set(hard.tolist())


def _found(model: str, told: dict) -> CaptionOrImage:
    recall = told["recall"]
    return CaptionOrImage(
        model,
        {kind: tuple(map(int, told["image_ids"][kind])) for kind in KINDS},
        {kind: float(told["expected_counts"][kind]) for kind in KINDS},
        float(recall["human"]),
        float(recall["generated"]),
        float(recall["by_image_p"]),
    )
