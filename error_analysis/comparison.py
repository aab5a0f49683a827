"""Find the queries where one model beats another, in both orders.

A query is a win where the better model's 0-based rank is below `--max_rank` and the other's is at
least `--margin` places worse (the paper's rule: 10 and 10; expected ties). Reads two or more
rankings files of one gallery and their split file; writes JSON in which each order of two models
has the original's lists, whose queries have the ground truth, and what either model retrieved with
its scores, added (see `query_json`):

    {"comparisons": [{"better": "clip", "worse": "lxmert",
                      "i2t": [{"query": image id, "ground_truth": captions, "image_id": ...,
                               "clip": 1, "lxmert": 13,
                               "by_model": {"clip": {"retrieved": captions, "score": 0.31, ...},
                                            "lxmert": {...}}}, ...],
                      "t2i": [{"query": caption, "clip": 4, "lxmert": 15, ...}]}, ...],
     "metadata": {...}}

Where the original has an image id as text ("274494"), ours is an int, as in its mined queries.

    python -m error_analysis.comparison --rankings runs/lxmert/test.npz runs/clip/test.npz \\
        --split_file datasets/coco/test.json --output runs/comparison.json

Two models on 5,000 images and 25,000 captions take 10 s and 1.3 GB on one CPU core; the JSON has
2 KB a query.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path

import numpy as np

from error_analysis.model_rankings import ModelRankings, check_same_gallery, read_model_rankings
from error_analysis.queries import Query, describe_queries
from error_analysis.query_json import answer_to_json, asked_to_json, number
from information_retrieval.metrics import DIRECTIONS, Direction
from preprocess.command_line import parse_arguments, run_command
from preprocess.errors import InputError
from preprocess.files import write_json
from preprocess.split_file import read_split

MAX_RANK = 10
MARGIN = 10
# Keys of a query in the JSON beside the models' names.
QUERY_KEYS = (
    "query",
    "ground_truth",
    "image_id",
    "caption_id",
    "ground_truth_caption_ids",
    "by_model",
)


@dataclass
class ComparisonArguments:
    rankings: list[Path] = field(metadata={"help": "rankings .npz files of one gallery, 2 or more"})
    split_file: Path = field(metadata={"help": "split JSON that the rankings were made with"})
    output: Path = field(metadata={"help": "the JSON file to write"})
    names: list[str] | None = field(
        default=None,
        metadata={"help": "one name a rankings file; default: the name it has, or its folder's"},
    )
    max_rank: int = field(
        default=MAX_RANK, metadata={"help": "the better model's 0-based rank is below this"}
    )
    margin: int = field(
        default=MARGIN, metadata={"help": "and the other's is at least so many places worse"}
    )


@dataclass(frozen=True)
class WinRule:
    """When a model beats another on a query: better rank < `max_rank`, difference >= `margin`.

    Raises:
        InputError: a value is below 1.
    """

    max_rank: int = MAX_RANK
    margin: int = MARGIN

    def __post_init__(self) -> None:
        for option, value in (("--max_rank", self.max_rank), ("--margin", self.margin)):
            if value < 1:
                raise InputError(f"{option}: expected at least 1, found {value}")


@dataclass(frozen=True, slots=True)
class Win:
    """One query under the model that ranks it well, and under the one that does not."""

    better: Query
    worse: Query


@dataclass(frozen=True)
class Comparison:
    """The queries where the model `better` beats the model `worse`, by direction."""

    better: str
    worse: str
    wins: dict[Direction, tuple[Win, ...]]


def win_indices(better: np.ndarray, worse: np.ndarray, rule: WinRule) -> np.ndarray:
    """Return the queries that `better` wins, ascending, (n,) int64.

    Args:
        better, worse: (n_queries,) float64, the ranks of two models.
    """
    return np.flatnonzero((better < rule.max_rank) & (worse - better >= rule.margin))


def compare(models: Sequence[ModelRankings], rule: WinRule | None = None) -> list[Comparison]:
    """Compare every ordered pair of models, queries in the order of the gallery.

    Raises:
        InputError: the models scored different galleries.
    """
    rule = rule or WinRule()
    check_same_gallery(models)
    comparisons = []
    for better, worse in permutations(models, 2):
        wins = {}
        for direction in DIRECTIONS:
            pair = (better, worse)
            won = win_indices(*(model.query_ranks(direction).ranks() for model in pair), rule)
            views = (describe_queries(model, direction, won) for model in pair)
            wins[direction] = tuple(Win(*same) for same in zip(*views, strict=True))
        comparisons.append(Comparison(better.name, worse.name, wins))
    return comparisons


def comparison_to_json(comparison: Comparison) -> dict:
    """Return one order in the original's shape, with ids, captions and scores added."""

    def win_to_json(win: Win) -> dict:
        under = {comparison.better: win.better, comparison.worse: win.worse}
        return {
            **asked_to_json(win.better),
            **{name: number(query.rank) for name, query in under.items()},
            "by_model": {name: answer_to_json(query) for name, query in under.items()},
        }

    lists = {d: [win_to_json(win) for win in wins] for d, wins in comparison.wins.items()}
    return {"better": comparison.better, "worse": comparison.worse, **lists}


def main() -> None:
    arguments = parse_arguments(ComparisonArguments, description=__doc__)
    if len(arguments.rankings) < 2:
        raise InputError("--rankings: expected at least 2 files to compare, found 1")
    rule = WinRule(arguments.max_rank, arguments.margin)
    split = read_split(arguments.split_file)
    models = read_model_rankings(arguments.rankings, split, arguments.names, QUERY_KEYS)
    comparisons = compare(models, rule)
    metadata = {
        "models": [model.description() for model in models],
        "rule": f"better rank < {rule.max_rank} and worse rank - better rank >= {rule.margin}",
        "counts": [
            {"better": c.better, "worse": c.worse, **{d: len(w) for d, w in c.wins.items()}}
            for c in comparisons
        ],
    }
    orders = [comparison_to_json(c) for c in comparisons]
    write_json(arguments.output, {"comparisons": orders, "metadata": metadata})
    print(f"wrote {arguments.output}")
    for c in comparisons:
        i2t, t2i = len(c.wins["i2t"]), len(c.wins["t2i"])
        print(f"{c.better} beats {c.worse}: {i2t:,} image queries, {t2i:,} caption queries")


if __name__ == "__main__":
    run_command(main)
