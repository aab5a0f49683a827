"""How far each two judges agree, tag by tag, on the queries that both judged."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np

from error_analysis.judging.judgement import NONE
from error_analysis.judging.kappa import Kappa, kappa_of
from error_analysis.judging.panel import Panel, Votes, of_direction
from error_analysis.judging.shares import Share, share_of, share_to_json
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from preprocess.base.text_table import text_table


@dataclass(frozen=True, slots=True)
class TagAgreement:
    """Two judges on one tag.

    Attributes:
        n_first, n_second, n_both: queries that the first, the second, and both gave it.
        same: the share of queries of which both say the same.
    """

    tag: str
    n_first: int
    n_second: int
    n_both: int
    same: Share
    kappa: Kappa


@dataclass(frozen=True)
class PairAgreement:
    """Two judges on the queries of one direction that both judged.

    Attributes:
        n_queries, n_images: of those queries.
        tags: that either of them gave any query of the direction; () without common queries.
        mean_kappa: of the `n_kappas` tags that have one, "none" left out, as the others imply it;
            None where none has.
    """

    first: str
    second: str
    direction: Direction
    n_queries: int
    n_images: int
    tags: tuple[TagAgreement, ...]
    n_kappas: int
    mean_kappa: float | None


def compare_judges(panel: Panel) -> list[PairAgreement]:
    """Compare each two judges in each direction in which either judged."""
    return [
        _compare(panel, direction, pair, votes)
        for pair in combinations(panel.votes, 2)
        for direction in DIRECTIONS
        if any(votes := [of_direction(panel.votes[judge], direction) for judge in pair])
    ]


def _compare(
    panel: Panel, direction: Direction, judges: tuple[str, str], votes: Sequence[Votes]
) -> PairAgreement:
    common = [query for query in votes[0] if query in votes[1]]
    images = [panel.image_of[query] for query in common]
    tags = tuple(
        _agreement(tag, [np.array([key in one[q] for q in common]) for one in votes], images)
        for key, tag in panel.given(*votes).items()
        if common
    )
    kappas = [
        found.kappa.kappa for found in tags if found.kappa.kappa is not None and found.tag != NONE
    ]
    mean = float(np.mean(kappas)) if kappas else None
    n_images = len(set(images))
    return PairAgreement(*judges, direction, len(common), n_images, tags, len(kappas), mean)


def _agreement(tag: str, votes: Sequence[np.ndarray], images: Sequence[int]) -> TagAgreement:
    first, second = votes
    same = share_of(first == second, np.ones(len(first)), images)
    assert same is not None, "both judged a query"
    return TagAgreement(
        tag,
        n_first=int(first.sum()),
        n_second=int(second.sum()),
        n_both=int((first & second).sum()),
        same=same,
        kappa=kappa_of(first, second, images),
    )


def agreement_to_json(pairs: Sequence[PairAgreement]) -> list[dict]:
    """Return the pairs as in the output file."""
    return [
        {
            "first": pair.first,
            "second": pair.second,
            "direction": pair.direction,
            "judged_by_both": pair.n_queries,
            "images": pair.n_images,
            "mean_kappa": pair.mean_kappa,
            "tags_with_kappa": pair.n_kappas,
            "tags": [
                {
                    "tag": found.tag,
                    "first": found.n_first,
                    "second": found.n_second,
                    "both": found.n_both,
                    "agreement": share_to_json(found.same),
                    "kappa": asdict(found.kappa),
                }
                for found in pair.tags
            ],
        }
        for pair in pairs
    ]


def agreement_table(pairs: Sequence[PairAgreement]) -> str:
    """Return the pairs as text, a table a pair and direction."""
    lines = []
    for pair in pairs:
        told = f"{pair.direction}: {pair.first} and {pair.second}: "
        if not pair.n_queries:
            lines.append(f"{told}no query is judged by both")
            continue
        told += f"{pair.n_queries:,} queries of {pair.n_images:,} images judged by both"
        if pair.mean_kappa is not None:
            told += f", mean kappa {pair.mean_kappa:z.2f} (tags with one: {pair.n_kappas})"
        rows = [["tag", pair.first, pair.second, "both", "say the same", "kappa"]]
        for t in pair.tags:
            counts = (f"{n:,}" for n in (t.n_first, t.n_second, t.n_both))
            rows.append([t.tag, *counts, t.same.told, t.kappa.told])
        lines += [told, *text_table(rows, "lrrrrl")]
    return "\n".join(lines)
