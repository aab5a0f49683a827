"""Sections as they are drawn, and how many queries their links lead to."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from urllib.parse import parse_qs

import numpy as np

from error_analysis.queries.hubs import intruded_queries
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query_json import number
from error_analysis.site.base.environment import template_environment
from error_analysis.site.base.links import model_slugs
from error_analysis.site.figures import rank_figures
from error_analysis.site.overview import Overview
from error_analysis.site.sections.findings import Findings
from error_analysis.site.sections.hubs import find_hubs
from information_retrieval.ranking.metrics import CUTOFFS
from tests.error_analysis.page import Page

HARD_RANK = 10


def overview_of(models: Sequence[ModelRankings], **known) -> Overview:
    """A first page of what is known from rankings alone, and of `known`."""
    told = {"explained": {}, "findings": Findings(), **known}
    figures, hubs = rank_figures(models), find_hubs(models)
    return Overview(models, HARD_RANK, hubs=hubs, figures=figures, about="tiny test", **told)


def drawn(name: str, content, models: Sequence[ModelRankings]) -> str:
    """The HTML of a section."""
    template = template_environment().get_template(f"sections/{name}.html.jinja")
    html = str(template.make_module({"cutoffs": CUTOFFS}).draw(content, overview_of(models)))
    Page(html)  # tags are balanced
    return html


def text_of(html: str) -> str:
    """The text of some HTML, spaces joined; marks of models and cells part words."""
    return " ".join(Page(re.sub(r"(</t[dh]>|<small)", r" \1", html)).text.split())


class _Links(HTMLParser):
    def __init__(self, html: str):
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self._inside = False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        if tag == "a":
            self.links.append((dict(attributes)["href"], ""))
            self._inside = True

    def handle_endtag(self, tag):
        self._inside = self._inside and tag != "a"

    def handle_data(self, data):
        if self._inside:
            href, text = self.links[-1]
            self.links[-1] = href, text + data


def counts_of(html: str) -> list[tuple[str, int]]:
    """The filters and the count of every link whose text is a number, or tells "3 queries"."""
    found = []
    for href, text in _Links(html).links:
        count = re.search(r"([\d,]+)(?:\s*$| quer)", text)
        if href.startswith("queries.html#") and count:
            found.append((href.partition("#")[2], int(count[1].replace(",", ""))))
    return found


def queries_behind(
    filters: str, models: Sequence[ModelRankings], hard_rank: int = HARD_RANK
) -> np.ndarray:
    """The queries of one direction that pass the filters of a link, as assets/filters.js has them.

    Labels may be of hard queries and of hubs.
    """
    told = parse_qs(filters, strict_parsing=True)
    [direction] = told["direction"]
    slugs = model_slugs([model.name for model in models])
    position = {key: slugs.index(told[key][0]) if key in told else None for key in ("a", "b")}
    ranks = [
        np.array([number(rank) for rank in model.query_ranks(direction).ranks().tolist()])
        for model in models
    ]
    first = ranks[position["a"] or 0]
    values = {"a": first}
    if position["b"] is not None:
        values |= {"b": ranks[position["b"]], "diff": first - ranks[position["b"]]}
    kept = np.ones(len(first), bool)
    for key, of_query in values.items():
        kept &= of_query >= float(told.get(f"{key}_from", ["-inf"])[0])
        kept &= of_query <= float(told.get(f"{key}_to", ["inf"])[0])
    if "exactly" in told:
        asked = told["exactly"][0].split(",")
        for slug, of_model in zip(slugs, ranks, strict=True):
            kept &= (of_model >= hard_rank) == (slug in asked)
    for wanted, keys in ((True, told.get("has", [])), (False, told.get("not", []))):
        for key in keys:
            kind, _, name = key.partition(":")
            if kind == "hard":
                labelled = ranks[slugs.index(name)] >= hard_rank
            else:
                labelled = _intruded(name, models[position["a"]], direction)
            kept &= labelled == wanted
    return np.flatnonzero(kept)


def _intruded(name: str, model: ModelRankings, direction) -> np.ndarray:
    what, document_id = name.split()
    ids = model.rankings.image_ids if what == "image" else model.rankings.caption_ids
    [queries] = intruded_queries(model, direction, [ids.tolist().index(int(document_id))])
    return np.isin(np.arange(len(model.query_ranks(direction).higher)), queries)
