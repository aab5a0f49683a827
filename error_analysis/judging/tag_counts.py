"""How often each tag was given, by each judge and by the majority of each query's judges."""

from collections.abc import Sequence
from dataclasses import dataclass

from error_analysis.judging.panel import Panel, Votes, of_direction
from error_analysis.judging.shares import Share, share_of, share_to_json
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from preprocess.base.text_table import text_table

Counts = dict[Direction, "TagCounts"]


@dataclass(frozen=True)
class TagCounts:
    """The judged queries of one direction.

    Attributes:
        judged, images: queries, and images that they are or belong to.
        undecided: queries of which no tag has a majority; 0 of one judge.
        tags: tag -> queries that have it, and their share of those judged.
    """

    judged: int
    images: int
    undecided: int
    tags: dict[str, tuple[int, Share]]


def count_tags(panel: Panel, votes: Votes) -> Counts:
    """Count the tags of one judge's votes, or of the majority's, by direction."""
    return {direction: _count(panel, of_direction(votes, direction)) for direction in DIRECTIONS}


def _count(panel: Panel, votes: Votes) -> TagCounts:
    images = [panel.image_of[query] for query in votes]
    tags = {}
    for key, tag in panel.given(votes).items():
        has = [int(key in keys) for keys in votes.values()]
        share = share_of(has, [1] * len(has), images)
        assert share is not None, "a tag that is given has a query"
        tags[tag] = sum(has), share
    undecided = sum(not keys for keys in votes.values())
    return TagCounts(len(votes), len(set(images)), undecided, tags)


def counts_to_json(counts: Counts) -> dict:
    """Return the counts by direction, as in the output file."""
    return {
        direction: {
            "judged": found.judged,
            "images": found.images,
            "undecided": found.undecided,
            "tags": [
                {"tag": tag, "queries": n, **(share_to_json(share) or {})}
                for tag, (n, share) in found.tags.items()
            ],
        }
        for direction, found in counts.items()
    }


def counts_table(panel: Panel, counts: Sequence[tuple[str, Counts]]) -> str:
    """Return counts as text: a table a direction, and in it a column each, under its head."""
    lines = []
    for direction in DIRECTIONS:
        columns = [found[direction] for _, found in counts]
        if not any(found.judged for found in columns):
            continue
        lines.append(f"{direction}: queries with each tag, of those judged")
        rows = [["", *(head for head, _ in counts)]]
        rows.append(["judged", *(f"{found.judged:,}" for found in columns)])
        for tag in panel.tags.values():
            if any(tag in found.tags for found in columns):
                rows.append([tag, *(_cell(found, tag) for found in columns)])
        if any(found.undecided for found in columns):
            rows.append(["no majority", *(f"{found.undecided or ''}" for found in columns)])
        lines += text_table(rows, "l" + "l" * len(columns))
    return "\n".join(lines)


def _cell(found: TagCounts, tag: str) -> str:
    if tag not in found.tags:
        return "0" if found.judged else ""
    n, share = found.tags[tag]
    return f"{n:,} ({share.told})"
