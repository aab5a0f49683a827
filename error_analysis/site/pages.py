"""The pages of galleries: cards drawn to HTML and spread over pages of a bounded size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query_json import number
from error_analysis.site.environment import data_script, short
from error_analysis.site.galleries import Card, FailureGallery

# A page has 200 KB at most; what is not cards, and the page numbers, is in the rest.
CARD_BYTES = 150_000
PAGE_CARDS = 25
NEAR_PAGES = 4  # before and after a page, that it links to
MOST_SEARCHED = 1000  # characters of a query that the search sees


@dataclass(frozen=True)
class GalleryPages:
    """A gallery with its pages.

    Attributes:
        gallery: the gallery.
        parts: the cards of each page, at least one page.
        names: of the pages' files.
    """

    gallery: FailureGallery
    parts: tuple[tuple[Card, ...], ...]
    names: tuple[str, ...]


class PageMaker:
    """Draws the pages of galleries.

    Args:
        environment: of the templates.
        models: of the galleries, in order.
        boxes: cards get a button that shows the detector's boxes.
        about: the line at the foot of each page.
    """

    def __init__(
        self,
        environment: jinja2.Environment,
        models: Sequence[ModelRankings],
        boxes: bool,
        about: str,
    ):
        self._names = [model.name for model in models]
        self._file_names = {i.image_id: i.file_name for i in models[0].gallery.images}
        self._boxes, self._about = boxes, about
        # Its macros are attributes, of which no type tells.
        self._cards: Any = environment.get_template("cards.html.jinja").module
        self._page = environment.get_template("gallery.html.jinja")
        self._drawn: dict[str, str] = {}

    def card(self, card: Card) -> str:
        """Return a card's HTML; it is the same in every gallery."""
        if card.anchor not in self._drawn:
            drawn = self._cards.card_of(
                card, self._names, False, self._boxes, self._file_names[card.item.image_id]
            )
            lines = (line.strip() for line in drawn.splitlines())
            self._drawn[card.anchor] = type(drawn)("\n".join(line for line in lines if line))
        return self._drawn[card.anchor]

    def spread(self, gallery: FailureGallery) -> GalleryPages:
        """Spread the cards of a gallery over pages, in order."""
        sizes = [len(self.card(card).encode()) for card in gallery.cards]
        parts: list[list[Card]] = [[]]
        room = CARD_BYTES
        for card, size in zip(gallery.cards, sizes, strict=True):
            if parts[-1] and (size > room or len(parts[-1]) == PAGE_CARDS):
                parts.append([])
                room = CARD_BYTES
            parts[-1].append(card)
            room -= size
        names = [f"{gallery.anchor}{f'_{i}' if i > 1 else ''}.html" for i in _from_1(parts)]
        return GalleryPages(gallery, tuple(map(tuple, parts)), tuple(names))

    def pages(self, spread: GalleryPages) -> Iterator[tuple[str, str]]:
        """Yield the name and content of each page of a gallery."""
        reasons = reason_names(spread.gallery.cards)
        for i, part in zip(_from_1(spread.parts), spread.parts, strict=True):
            content = self._page.render(
                gallery=spread.gallery,
                shown=[self.card(card) for card in part],
                pages=spread.names,
                number=i,
                near=near_pages(i, len(spread.parts)),
                reasons=reasons,
                about=self._about,
            )
            yield spread.names[i - 1], content


def near_pages(number: int, n_pages: int) -> list[int]:
    """Return the pages that a page links to, itself included: the nearest, first and last."""
    near = range(max(1, number - NEAR_PAGES), min(n_pages, number + NEAR_PAGES) + 1)
    return sorted({1, *near, n_pages})


def _from_1(parts: Sequence) -> range:
    return range(1, len(parts) + 1)


def reason_names(cards: Sequence[Card]) -> list[str]:
    """Return the names of the reasons that any card has, sorted."""
    return sorted({r.name for card in cards if card.explained for r in card.explained.reasons})


def searched_text(card: Card) -> str:
    """Return what the search looks at: the caption, or the image and its captions; the evidence."""
    if card.item.caption is not None:
        text = f"{card.item.caption} · image {card.item.image_id}"
    else:
        truths = card.views[0].ground_truth
        captions = " / ".join(truth.item.as_caption().caption for truth in truths)
        text = f"image {card.item.image_id}: {captions}"
    if card.explained:
        text += "".join(f" · {reason.evidence}" for reason in card.explained.reasons)
    return short(text, MOST_SEARCHED)


def _index_entry(card: Card, page: int, reasons: Sequence[str]) -> list:
    own = sorted({reasons.index(r.name) for r in card.explained.reasons}) if card.explained else []
    return [card.anchor, page, number(card.rank), own, searched_text(card)]


def gallery_index(spread: GalleryPages) -> str:
    """Return the script that a gallery's search and filters load."""
    reasons = reason_names(spread.gallery.cards)
    cards = [
        _index_entry(card, page, reasons) for page, part in enumerate(spread.parts) for card in part
    ]
    content = {"pages": spread.names, "reasons": reasons, "cards": cards}
    return data_script(spread.gallery.anchor, content)


def whole_index(spreads: Sequence[GalleryPages]) -> tuple[str, int, list[str]]:
    """Return the script that the search over all galleries loads, its cards' number and reasons.

    A query that several galleries show is listed once, with the first of them.
    """
    reasons = reason_names([card for spread in spreads for card in spread.gallery.cards])
    pages = [name for spread in spreads for name in spread.names]
    cards: dict[str, list] = {}
    first_page = 0
    for title, spread in enumerate(spreads):
        for page, part in enumerate(spread.parts, first_page):
            for card in part:
                if card.anchor not in cards:
                    cards[card.anchor] = [*_index_entry(card, page, reasons), title]
        first_page += len(spread.parts)
    content = {
        "pages": pages,
        "reasons": reasons,
        "titles": [spread.gallery.title for spread in spreads],
        "cards": list(cards.values()),
    }
    return data_script("all", content), len(cards), reasons
