"""Queries, hubs and tables as fragments of HTML with their own style, for a notebook's cells."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import escape

from error_analysis.explaining.explanations import ModelExplanation
from error_analysis.probing.rank_lists import RankList
from error_analysis.queries.hubs import count_intrusions
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query import Item, caption_items, image_items
from error_analysis.site.base.environment import MOST_CAPTIONS, short, template_environment
from error_analysis.site.base.pictures import picture_uris
from error_analysis.site.notebook.galleries import FailureGallery, make_cards
from information_retrieval.ranking.query_ranks import Direction
from preprocess.captions.split_file import Split
from preprocess.storage.images_file import ImagesFile

N_HUBS = 10


def render_gallery(
    models: Sequence[ModelRankings], gallery: FailureGallery, images: ImagesFile
) -> str:
    """Return one gallery, each query as a card with what the models retrieved side by side.

    Raises:
        InputError: an image is not in the file, or damaged.
    """
    told = _captions_of(models[0].gallery)
    body = _macros().gallery_of(gallery, [model.name for model in models], told)
    return _fragment(body, images, {i for card in gallery.cards for i in card.image_ids()})


def render_query(
    models: Sequence[ModelRankings],
    direction: Direction,
    index: int,
    images: ImagesFile,
    explained: ModelExplanation | None = None,
) -> str:
    """Return the card of one query.

    Args:
        index: its row (i2t) or column (t2i) of the scores.
        explained: why queries are hard for one of the models, shown where it tells.

    Raises:
        InputError: an image is not in the file, or damaged.
    """
    [card] = make_cards(models, direction, [index], explained=explained)
    names = [model.name for model in models]
    body = _macros().card_of(card, names, _captions_of(models[0].gallery))
    return _fragment(body, images, card.image_ids())


@dataclass(frozen=True)
class _Hub:
    """A document that intrudes into lists, and its places among the hubs of other models."""

    item: Item
    intrusions: int
    also: list[tuple[int, int]]


def render_hubs(
    models: Sequence[ModelRankings],
    direction: Direction,
    images: ImagesFile,
    n_hubs: int = N_HUBS,
) -> str:
    """Return the largest hubs of each model side by side, as pictures.

    Args:
        direction: i2t: captions that intrude into the top 10 of images, each with its own image;
            t2i: images that intrude into those of captions.

    Raises:
        InputError: an image is not in the file, or damaged.
    """
    gallery = models[0].gallery
    items = caption_items(gallery) if direction == "i2t" else image_items(gallery)
    counted = [count_intrusions(model, direction) for model in models]
    found = [hubness.hubs(n_hubs).tolist() for hubness in counted]
    hubs = []
    for position, (hubness, own) in enumerate(zip(counted, found, strict=True)):
        others = [(i, of_other) for i, of_other in enumerate(found) if i != position]
        hubs.append(
            [
                _Hub(
                    items[document],
                    int(hubness.intrusions[document]),
                    [(i, other.index(document)) for i, other in others if document in other],
                )
                for document in own
            ]
        )
    names = [model.name for model in models]
    body = _macros().hubs_of(hubs, direction, names, _captions_of(gallery))
    return _fragment(body, images, {hub.item.image_id for own in hubs for hub in own})


def render_rank_lists(lists: Sequence[RankList], gallery: Split, images: ImagesFile) -> str:
    """Return what a model ranks first for captions (see `rank_list`) side by side, as pictures.

    Args:
        gallery: has the images of the lists.

    Raises:
        InputError: an image is not in the file, or damaged.
    """
    shown = {image.image_id for ranked in lists for image in ranked.images}
    shown.update(image_id for ranked in lists for image_id in ranked.ground_truth)
    return _fragment(_macros().rank_lists_of(lists, _captions_of(gallery)), images, shown)


def render_text(text: str, wraps: bool = False) -> str:
    """Return text that a notebook shows as it is: printed, it breaks wide rows, and inside words.

    Args:
        wraps: prose, whose lines are broken between words; else a table, scrolled where it is wide.
    """
    breaks = "white-space: pre-wrap; word-break: normal" if wraps else "white-space: pre"
    style = f"{breaks}; overflow-x: auto; margin: 0 0 .8em"
    return f'<pre style="{style}">{escape(text)}</pre>'


def _macros() -> Any:
    # The macros of a template are attributes of its module, of which no type tells.
    return template_environment().get_template("cards.html.jinja").module


def _captions_of(gallery: Split) -> dict[int, str]:
    """Return what hovering an image says, by its id: the captions that it has."""
    return {
        image.image_id: "\n".join(
            [
                f"image {image.image_id}",
                *(f"– {short(c.caption)}" for c in image.captions[:MOST_CAPTIONS]),
            ]
        )
        for image in gallery.images
    }


def _fragment(body: str, images: ImagesFile, image_ids: Iterable[int]) -> str:
    template = template_environment().get_template("fragment.html.jinja")
    return template.render(body=body, thumbnails=picture_uris(images, sorted(image_ids)))
