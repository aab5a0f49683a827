"""Addresses in a report: of a query, and of the queries that pass some filters.

`queries.html#a=clip&has=reason:typo&a_from=10` is read by assets/filters.js, which has the same
keys. A label is its kind and name, as in "reason:typo" (see query_page/labels.py).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from information_retrieval.ranking.query_ranks import Direction

PAGE = "queries.html"
NO_MODEL = "-"  # which no slug is


@dataclass(frozen=True)
class RankRange:
    """Ranks, or differences of ranks, from `low` to `high`, both included; None: no bound."""

    low: float | None = None
    high: float | None = None


def query_key(direction: Direction, query_id: int) -> str:
    """Return a query's name: "t2i-5003", the same in every report of its split."""
    return f"{direction}-{query_id}"


def query_link(direction: Direction, query_id: int) -> str:
    """Return the address that opens one query."""
    return f"{PAGE}#query={query_key(direction, query_id)}"


def label_key(kind: str, name: str) -> str:
    """Return a label as the address has it."""
    return f"{kind}:{name}"


def queries_link(
    direction: Direction | None = None,
    a: str | None = None,
    b: str | None = None,
    ranks_a: RankRange = RankRange(),
    ranks_b: RankRange = RankRange(),
    difference: RankRange = RankRange(),
    has: Iterable[str] = (),
    lacks: Iterable[str] = (),
    sort: str | None = None,
    exactly: Sequence[str] | None = None,
) -> str:
    """Return the address of the queries that pass all of the filters.

    Args:
        direction: None: both.
        a, b: slugs of the models (`model_slugs`): whose ranks are filtered, and whose reasons
            (a's) are meant; None: the first, and the second.
        difference: of the rank under a less that under b.
        has, lacks: keys of labels (`label_key`) that a query has all of, or none of.
        sort: "worst", "best", "difference", "margin" or "gallery"; None: "worst".
        exactly: slugs of the models that a query is hard for, and for no other one; None: any.
    """
    told: list[tuple[str, str]] = []
    for key, value in (("direction", direction), ("a", a), ("b", b)):
        told += [(key, value)] if value else []
    for key, bounds in (("a", ranks_a), ("b", ranks_b), ("diff", difference)):
        told += [(f"{key}_from", f"{bounds.low:.12g}")] if bounds.low is not None else []
        told += [(f"{key}_to", f"{bounds.high:.12g}")] if bounds.high is not None else []
    told += [("has", key) for key in has] + [("not", key) for key in lacks]
    told += [("exactly", ",".join(exactly) or NO_MODEL)] if exactly is not None else []
    told += [("sort", sort)] if sort else []
    return f"{PAGE}#{urlencode(told, quote_via=quote, safe=':,')}"


def slug(text: str) -> str:
    """Return lower-case letters, digits and hyphens that stand for a text in addresses."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40] or "x"


def model_slugs(names: Sequence[str]) -> list[str]:
    """Return one slug a model, unique: of those that are alike, later ones get a number."""
    found: list[str] = []
    for name in names:
        own, number = slug(name), 2
        while own in found:
            own, number = f"{slug(name)}-{number}", number + 1
        found.append(own)
    return found
