"""A browser of queries for a notebook: filters, one query at a time, and tags to judge it by."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import ipywidgets
import numpy as np
from markupsafe import escape

from error_analysis.explaining.explanations import ModelExplanation
from error_analysis.queries.hard_queries import HARD_RANK, worst_first
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query import caption_items, image_items
from error_analysis.site.notebook.fragment import render_query
from error_analysis.site.notebook.judging_panel import WRAPPED, JudgingPanel
from error_analysis.site.query_page.index import MOST_TAGS, PAPER_TAGS
from error_analysis.statistics.rank_plots import TITLES
from information_retrieval.ranking.query_ranks import Direction
from preprocess.storage.images_file import ImagesFile


def matching_queries(
    first: ModelRankings,
    second: ModelRankings,
    direction: Direction,
    words: str = "",
    reason: str = "",
    explained: ModelExplanation | None = None,
    lowest: float = 0,
    highest: float = np.inf,
    least_difference: float = -np.inf,
    sort: Literal["worst", "difference"] = "worst",
) -> np.ndarray:
    """Return the queries that pass all filters, in order; equals in that of the gallery.

    Args:
        first, second: of one gallery; the same model where there is but one.
        words: each is a part of the caption, or of an image's captions; cases are the same.
        reason: that `explained`, of the first model, tells of the query; empty: any or none.
        lowest, highest: of the first model's rank, 0-based, both included.
        least_difference: by how much the first model's rank is worse than the second's.
        sort: by the first model's rank, worst first, or by the difference, largest first.

    Returns:
        (n,) int64, rows (i2t) or columns (t2i) of the scores.
    """
    ranks, others = (model.query_ranks(direction).ranks() for model in (first, second))
    kept = (lowest <= ranks) & (ranks <= highest) & (ranks - others >= least_difference)
    if reason:
        hard = explained.directions[direction].hard if explained else ()
        ids = [query.query_id for query in hard if any(r.name == reason for r in query.reasons)]
        rankings = first.rankings
        own = rankings.image_ids if direction == "i2t" else rankings.caption_ids
        kept &= np.isin(own, np.array(ids, np.int64))
    if wanted := words.casefold().split():
        texts = first.gallery.captions
        if direction == "i2t":
            texts = tuple("\n".join(c.caption for c in i.captions) for i in first.gallery.images)
        kept &= np.array([all(word in text.casefold() for word in wanted) for text in texts])
    return worst_first(np.flatnonzero(kept), ranks if sort == "worst" else ranks - others)


def query_browser(
    models: Sequence[ModelRankings],
    images: ImagesFile,
    explained: Mapping[str, ModelExplanation] | None = None,
    judge: str = "",
    tags: Sequence[str] | None = None,
    path: Path = Path("judgements.json"),
) -> "QueryBrowser":
    """Return a widget that shows the queries of models one at a time, and judges them by hand.

    A part of the public interface (docs/python.md).

    Args:
        models: 1..n models that scored one gallery.
        images: has the gallery's images.
        explained: why queries are hard, by the name of the model; None: unknown.
        judge: who judges; may be given in the widget.
        tags: to judge by; None: the most frequent reasons, or the paper's where there are none.
        path: the file of judgements (see `read_judgements`) that "Save" writes; what it has is
            shown, and goes on.
    """
    reasons = _reasons(explained or {})
    if tags is None:
        tags = reasons[:MOST_TAGS] or PAPER_TAGS
    panel = JudgingPanel(models[0].gallery, judge, tags, path)
    return QueryBrowser(models, images, explained or {}, reasons, panel)


def _reasons(explained: Mapping[str, ModelExplanation]) -> list[str]:
    """Return the names of the reasons that hard queries have, most frequent first."""
    found: Counter[str] = Counter()
    for model in explained.values():
        for direction in model.directions.values():
            found.update({count.name: count.hard for count in direction.counts if count.hard})
    return [name for name, _ in found.most_common()]


class QueryBrowser(ipywidgets.VBox):
    """The widget of `query_browser`; the values of its fields may be set.

    Attributes:
        found: (n,) int64, the queries that pass the filter.
        position: of the shown one among them.
    """

    def __init__(
        self,
        models: Sequence[ModelRankings],
        images: ImagesFile,
        explained: Mapping[str, ModelExplanation],
        reasons: Sequence[str],
        judging: JudgingPanel,
    ):
        super().__init__()
        self._models, self._images, self._explained = models, images, explained
        gallery = models[0].gallery
        self._items = {"i2t": image_items(gallery), "t2i": caption_items(gallery)}
        self.judging = judging
        self.found, self.position = np.empty(0, np.int64), 0
        filters = self._make_filters(reasons)
        self.count, self.card = ipywidgets.HTML(), ipywidgets.HTML()
        self.previous = ipywidgets.Button(description="Previous", icon="arrow-left")
        self.next = ipywidgets.Button(description="Next", icon="arrow-right")
        self.previous.on_click(lambda _: self._show(self.position - 1))
        self.next.on_click(lambda _: self._show(self.position + 1))
        moves = ipywidgets.Box([self.previous, self.next, self.count], layout=WRAPPED)
        self.children = (ipywidgets.Box(filters, layout=WRAPPED), moves, judging, self.card)
        for field in filters:
            field.observe(lambda _: self._filter(), "value")
        self._filter()

    def _make_filters(self, reasons: Sequence[str]) -> list[ipywidgets.Widget]:
        def choice(description: str, options: Sequence) -> ipywidgets.Widget:
            layout = {"width": "17em"}
            return ipywidgets.Dropdown(options=options, description=description, layout=layout)

        def text(description: str, value: str, width: str) -> ipywidgets.Widget:
            about = {"placeholder": "any", "continuous_update": False, "layout": {"width": width}}
            return ipywidgets.Text(value, description=description, **about)

        names = [(model.name, position) for position, model in enumerate(self._models)]
        self.direction = choice("queries", [(TITLES[d], d) for d in ("t2i", "i2t")])
        self.first, self.second = choice("model", names), choice("against", names)
        self.second.value = names[:2][-1][1]
        self.reason = choice("reason", [("any or none", ""), *((r, r) for r in reasons)])
        self.words = text("words", "", "17em")
        self.lowest = text("rank from", str(HARD_RANK), "11em")
        self.highest, self.least_difference = text("to", "", "11em"), text("worse by", "", "11em")
        orders = [("worst rank first", "worst"), ("largest difference first", "difference")]
        self.sort = choice("sort", orders)
        choices = [self.direction, self.first, self.second, self.reason, self.words]
        return [*choices, self.lowest, self.highest, self.least_difference, self.sort]

    def _filter(self) -> None:
        first, second = self._models[self.first.value], self._models[self.second.value]
        try:
            self.found = matching_queries(
                first,
                second,
                self.direction.value,
                self.words.value,
                self.reason.value,
                self._explained.get(first.name),
                _number(self.lowest, -np.inf),
                _number(self.highest, np.inf),
                _number(self.least_difference, -np.inf),
                self.sort.value,
            )
        except ValueError as error:
            self.count.value = f"<b>{escape(error)}</b>"
        else:
            self._show(0)

    def _show(self, position: int) -> None:
        """Show a query by its position among those that were found, of which there may be none."""
        direction, n_found = self.direction.value, len(self.found)
        position = self.position = max(0, min(position, n_found - 1))
        told = f"{n_found:,} of {len(self._items[direction]):,} {TITLES[direction]}"
        self.previous.disabled, self.next.disabled = position <= 0, position + 1 >= n_found
        if not n_found:
            self.count.value, self.card.value = told, ""
            self.judging.show(None)
            return
        index = int(self.found[position])
        self.judging.show(self._items[direction][index])
        self.count.value = f"{told}; number {position + 1:,}"
        explained = self._explained.get(self._models[self.first.value].name)
        self.card.value = render_query(self._models, direction, index, self._images, explained)


def _number(field: ipywidgets.Text, otherwise: float) -> float:
    """Return the number in a field that may be empty. Raises ValueError: it has something else."""
    try:
        return float(field.value) if field.value.strip() else otherwise
    except ValueError:
        raise ValueError(f"{field.description}: expected a number, found {field.value!r}") from None
