"""Explanations: the reasons of every hard query of several models, and the JSON that holds them.

{"metadata": {"split_sha256", "hard_rank", "inputs", ...},
 "models": [{"name", "ranks_sha256",
             "i2t" and "t2i": {"queries", "n_hard", "n_easy", "n_easy_explained",
                               "counts": [{"reason", "hard", "easy", "odds_ratio",
                                           "odds_low", "odds_high"}],
                               "hard": [{"image_id", "caption_id", "rank", "regions",
                                         "reasons": [{"name", "evidence", "repair"}],
                                         "confusions": [[in_image, named_instead]]}],
                               "confusions": [{"in_image", "named_instead", "queries"}] or null,
                               "regions": {verdict: queries} or null}}]}

A caption query has no key "confusions". Those of a direction, and its "regions", count those of its
hard queries.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from error_analysis.queries.model_rankings import ModelRankings, ranks_sha256
from error_analysis.queries.query_json import number
from error_analysis.reasons.reason import Reason
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from preprocess.base.errors import InputError
from preprocess.base.files import read_json

LEAST_QUERIES = 10
ODDS = ("odds_ratio", "odds_low", "odds_high")
MADE_BY = "make it with `python -m error_analysis.explain`"


@dataclass(frozen=True, slots=True)
class ExplainedQuery:
    """A hard query with its reasons, of which it may have none.

    Attributes:
        image_id, caption_id: the query; caption_id is None for an image query.
        rank: 0-based, expected ties.
        regions: detector or matcher: the verdict with its evidence; None where it was not asked.
        confusions: (in the image, named instead) of an image query.
    """

    image_id: int
    caption_id: int | None
    rank: float
    reasons: tuple[Reason, ...]
    regions: str | None = None
    confusions: tuple[tuple[str, str], ...] = ()

    @property
    def query_id(self) -> int:
        """The caption's id, or the image's."""
        return self.image_id if self.caption_id is None else self.caption_id

    @property
    def regions_verdict(self) -> str | None:
        """The verdict of `regions` alone, such as "region absent"."""
        return None if self.regions is None else self.regions.partition(": ")[0]


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many hard and how many easy queries have a reason.

    Attributes:
        n_hard, n_easy: all hard and all easy queries.
        odds_ratio, odds_low, odds_high: the odds of the reason among hard queries over those among
            easy ones, with the 95 % interval by image; None where there are queries of
            fewer than `LEAST_QUERIES` images of either, or all of one kind have it, or none.
    """

    name: str
    hard: int
    easy: int
    n_hard: int
    n_easy: int
    odds_ratio: float | None = None
    odds_low: float | None = None
    odds_high: float | None = None

    @property
    def told(self) -> str:
        """The odds ratio as text, such as "4.2 [2.1, 8.3]", or why there is none."""
        if self.odds_ratio is not None:
            return f"{self.odds_ratio:.1f} [{self.odds_low:.1f}, {self.odds_high:.1f}]"
        if min(self.n_hard, self.n_easy) < LEAST_QUERIES:
            return "too few queries"
        return "no easy one" if not self.easy else "no hard one" if not self.hard else "all"


@dataclass(frozen=True)
class DirectionExplanation:
    """The hard queries of one model and direction.

    Attributes:
        n_queries, n_easy, n_easy_explained: all queries, those at rank 0, and those of them that
            have a reason.
        hard: worst rank first.
        counts: of each reason that occurs, most hard queries first.
        confusions: (in the image, named instead, queries), most frequent first; None: not looked
            for.
        regions: queries by verdict, of detector or matcher; None: not looked for.
    """

    n_queries: int
    n_easy: int
    hard: tuple[ExplainedQuery, ...]
    counts: tuple[ReasonCount, ...]
    n_easy_explained: int = 0
    confusions: tuple[tuple[str, str, int], ...] | None = None
    regions: dict[str, int] | None = None

    def by_query(self) -> dict[int, ExplainedQuery]:
        """Return the hard queries by the id of caption or image."""
        return {query.query_id: query for query in self.hard}


@dataclass(frozen=True)
class ModelExplanation:
    """The explained queries of a model, by direction.

    Attributes:
        ranks_sha256: of the ranks that were explained (see `ranks_sha256`).
    """

    name: str
    ranks_sha256: str
    directions: dict[Direction, DirectionExplanation]


@dataclass(frozen=True)
class Explanations:
    """The explained queries of several models over one gallery, and what they were made from."""

    models: tuple[ModelExplanation, ...]
    metadata: dict


def explanations_to_json(explanations: Explanations) -> dict:
    """Return the content of the file."""
    return {
        "metadata": explanations.metadata,
        "models": [
            {
                "name": model.name,
                "ranks_sha256": model.ranks_sha256,
                **{d: _direction_to_json(found) for d, found in model.directions.items()},
            }
            for model in explanations.models
        ],
    }


def _direction_to_json(found: DirectionExplanation) -> dict:
    confusions = found.confusions
    return {
        "queries": found.n_queries,
        "n_hard": len(found.hard),
        "n_easy": found.n_easy,
        "n_easy_explained": found.n_easy_explained,
        "counts": [
            {
                "reason": c.name,
                "hard": c.hard,
                "easy": c.easy,
                **{key: getattr(c, key) for key in ODDS},
            }
            for c in found.counts
        ],
        "confusions": confusions
        and [{"in_image": a, "named_instead": b, "queries": n} for a, b, n in confusions],
        "regions": found.regions,
        "hard": [_query_to_json(query) for query in found.hard],
    }


def _query_to_json(query: ExplainedQuery) -> dict:
    told = {
        "image_id": query.image_id,
        "caption_id": query.caption_id,
        "rank": number(query.rank),
        "regions": query.regions,
        "reasons": [asdict(reason) for reason in query.reasons],
    }
    of_image = query.caption_id is None
    return told | ({"confusions": list(map(list, query.confusions))} if of_image else {})


def read_explanations(path: Path) -> Explanations:
    """Read the file that `python -m error_analysis.explain` wrote.

    Raises:
        InputError: it is missing, or no such file.
    """
    content = read_json(path, MADE_BY)
    try:
        models = tuple(_model_from_json(model) for model in content["models"])
        return Explanations(models, dict(content["metadata"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not a file of reasons ({type(error).__name__}: {error}); {MADE_BY}"
        ) from error


def _model_from_json(model: dict) -> ModelExplanation:
    directions = {d: _direction_from_json(model[d]) for d in DIRECTIONS}
    return ModelExplanation(str(model["name"]), str(model["ranks_sha256"]), directions)


def _direction_from_json(found: dict) -> DirectionExplanation:
    sizes = int(found["n_hard"]), int(found["n_easy"])
    confusions, regions = found["confusions"], found["regions"]
    explanation = DirectionExplanation(
        n_queries=int(found["queries"]),
        n_easy=sizes[1],
        n_easy_explained=int(found["n_easy_explained"]),
        hard=tuple(_query_from_json(query) for query in found["hard"]),
        counts=tuple(
            ReasonCount(
                str(c["reason"]), int(c["hard"]), int(c["easy"]), *sizes, *(c[key] for key in ODDS)
            )
            for c in found["counts"]
        ),
        confusions=None
        if confusions is None
        else tuple((c["in_image"], c["named_instead"], int(c["queries"])) for c in confusions),
        regions=None if regions is None else {str(k): int(n) for k, n in regions.items()},
    )
    _check_sums(explanation)
    return explanation


def _check_sums(found: DirectionExplanation) -> None:
    """Raise ValueError where confusions or verdicts are not those of the queries, counted."""
    confused = Counter(pair for query in found.hard for pair in query.confusions)
    if Counter({(a, b): n for a, b, n in found.confusions or ()}) != confused:
        raise ValueError(
            "its confusions are not those of its queries, of which an older file tells none"
        )
    verdicts = Counter(query.regions_verdict for query in found.hard)
    if found.regions is not None and Counter(found.regions) != verdicts:
        raise ValueError("its verdicts of regions are not those of its queries")


def _query_from_json(query: dict) -> ExplainedQuery:
    caption_id = query["caption_id"]
    return ExplainedQuery(
        int(query["image_id"]),
        None if caption_id is None else int(caption_id),
        float(query["rank"]),
        tuple(Reason(r["name"], r["evidence"], r["repair"]) for r in query["reasons"]),
        query["regions"],
        tuple((in_image, instead) for in_image, instead in query.get("confusions", ())),
    )


def explanations_of(
    path: Path, explanations: Explanations, models: Sequence[ModelRankings]
) -> dict[str, ModelExplanation]:
    """Return the explanation of each of `models` by the name that the model has there.

    Models are told by their ranks: names may differ.

    Raises:
        InputError: the file is of other rankings.
    """
    by_ranks = {explained.ranks_sha256: explained for explained in explanations.models}
    found = {}
    for model in models:
        explained = by_ranks.get(ranks_sha256(model))
        if explained is None:
            listed = ", ".join(explained.name for explained in explanations.models) or "no model"
            raise InputError(
                f"{path}: expected the reasons of the ranks of {model.path}, found those of other "
                f"rankings ({listed}); repeat `python -m error_analysis.explain` with the "
                "rankings of this report"
            )
        found[model.name] = explained
    return found
