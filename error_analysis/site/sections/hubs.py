"""Hubs: the documents in the top 10 of the most queries that they are wrong for."""

from collections.abc import Sequence
from dataclasses import dataclass

from error_analysis.queries.hubs import Hubness, count_intrusions
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query import Item, caption_items, image_items
from error_analysis.site.base.label_names import hub_name
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction

MOST_HUBS = 10  # of a model and direction


@dataclass(frozen=True)
class Hub:
    """A document that intrudes.

    Attributes:
        document: its column (i2t: a caption) or row (t2i: an image) of the scores.
        caption: what it says; of an image, its first caption.
        intrusions: the queries that it is wrong for and in whose top 10 it is.
        percent: of all queries that it is wrong for.
    """

    document: int
    item: Item
    caption: str
    intrusions: int
    percent: float

    @property
    def name(self) -> str:
        """See `hub_name`."""
        return hub_name(self.item)


@dataclass(frozen=True)
class ModelHubs:
    """The hubs of one model and direction.

    Attributes:
        hubness: the intrusions of all documents.
        hubs: the greatest, at most `MOST_HUBS`.
    """

    model: str
    direction: Direction
    hubness: Hubness
    hubs: tuple[Hub, ...]

    @property
    def never(self) -> int:
        """How many documents intrude nowhere."""
        return int((self.hubness.intrusions == 0).sum())


def find_hubs(models: Sequence[ModelRankings]) -> tuple[ModelHubs, ...]:
    """Return the hubs of each model and direction; the models share one gallery."""
    gallery = models[0].gallery
    first_captions = [image.captions[0].caption for image in gallery.images]
    documents: dict[Direction, list[tuple[Item, str]]] = {
        "i2t": list(zip(caption_items(gallery), gallery.captions, strict=True)),
        "t2i": list(zip(image_items(gallery), first_captions, strict=True)),
    }
    return tuple(
        _hubs_of(model, direction, documents[direction])
        for model in models
        for direction in DIRECTIONS
    )


def _hubs_of(
    model: ModelRankings, direction: Direction, documents: Sequence[tuple[Item, str]]
) -> ModelHubs:
    hubness = count_intrusions(model, direction)
    hubs = []
    for document in hubness.hubs(MOST_HUBS).tolist():
        intrusions = int(hubness.intrusions[document])
        percent = 100 * intrusions / int(hubness.wrong_for[document])
        item, caption = documents[document]
        hubs.append(Hub(document, item, caption, intrusions, percent))
    return ModelHubs(model.name, direction, hubness, tuple(hubs))
