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
     "metadata": {..., "counts": [{"better": "clip", "worse": "lxmert", "i2t": 4, "t2i": 32,
                                   "wins_interval": {"i2t": [1, 9], "t2i": [22, 45]}}, ...],
                  "hard_overlap": which models the hard queries are hard for (see `hard_overlap`),
                  "noise_floor": {"runs": [...], "counts": as above, of --noise} or null}}

Where the original has an image id as text ("274494"), ours is an int, as in its mined queries.
A count has the 95 % interval of what as many other images would give (see `resampling`).

    python -m error_analysis.comparison --rankings runs/lxmert/test.npz runs/clip/test.npz \\
        --split_file datasets/coco/test.json --output runs/comparison.json

`--noise` takes the rankings of two runs, seeds or prompts of one model: their wins over each other
are as many as chance alone gives, and stand beside those of the models. Where no second run is at
hand, the intervals are a cheap noise floor: of the chance in the images, and not in training.

    python -m error_analysis.comparison --rankings runs/lxmert/test.npz runs/clip/test.npz \\
        --split_file datasets/coco/test.json --output runs/comparison.json \\
        --noise runs/lxmert/test.npz runs/lxmert_seed1/test.npz

`--protocol 1k` takes the first 1,000 images of larger rankings. Under 5fold each fold is a gallery
of its own, and the file is

    {"folds": [{"comparisons": [...], "metadata": {"fold": 0, "counts": ...}}, ...],
     "metadata": {...}}

whose outer counts, overlap and noise floor are of all folds together.

Two models on 5,000 images and 25,000 captions take 9 s and 1.3 GB on one core of an AMD EPYC
(2.2 GB with two runs of --noise); the JSON has 2 KB a query.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from error_analysis.arguments import RankingsArguments
from error_analysis.queries.hard_overlap import (
    HardOverlap,
    hard_overlap,
    overlap_lines,
    overlap_to_json,
)
from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.model_rankings import ModelRankings, read_each
from error_analysis.queries.protocol_galleries import description_of, galleries_of_models
from error_analysis.queries.query_json import answer_to_json, asked_to_json, number
from error_analysis.queries.wins import MARGIN, MAX_RANK, Comparison, Win, WinRule, compare
from error_analysis.statistics.win_counts import WinCount, count_wins, counts_to_json
from information_retrieval.ranking.protocols import Protocol
from information_retrieval.ranking.query_ranks import Direction
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable, write_json
from preprocess.captions.split_file import read_split

# Keys of a query in the JSON beside the models' names.
QUERY_KEYS = (
    "query",
    "ground_truth",
    "image_id",
    "caption_id",
    "ground_truth_caption_ids",
    "by_model",
)


@dataclass(kw_only=True)
class ComparisonArguments(RankingsArguments):
    output: Path = field(metadata={"help": "the JSON file to write"})
    protocol: Protocol | None = field(
        default=None,
        metadata={
            "help": "gallery: the first 1,000 images (1k), five folds of 1,000 (5fold), the first "
            "5,000 (5k), all (full); default: what the rankings were made for"
        },
    )
    noise: list[Path] | None = field(
        default=None,
        metadata={"help": "rankings of two runs of one model over the same gallery"},
    )
    hard_rank: int = field(
        default=HARD_RANK, metadata={"help": "a query is hard from this 0-based rank on"}
    )
    max_rank: int = field(
        default=MAX_RANK, metadata={"help": "the better model's 0-based rank is below this"}
    )
    margin: int = field(
        default=MARGIN, metadata={"help": "and the other's is at least so many places worse"}
    )
    most_wins: int | None = field(
        default=None,
        metadata={
            "help": "queries listed of each order and direction, those of the largest difference; "
            "all are counted; default: all"
        },
    )


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


def content_of(
    galleries: Sequence[Sequence[ModelRankings]],
    rule: WinRule,
    most_wins: int | None,
    metadata: dict,
) -> dict:
    """Return the output file: of one gallery, or of folds."""
    orders = [
        [comparison_to_json(comparison) for comparison in compare(models, rule, most_wins)]
        for models in galleries
    ]
    if galleries[0][0].protocol != "5fold":
        return {"comparisons": orders[0], "metadata": metadata}
    folds = [
        {
            "comparisons": of_fold,
            "metadata": {"fold": fold, "counts": counts_to_json(count_wins([models], rule))},
        }
        for fold, (models, of_fold) in enumerate(zip(galleries, orders, strict=True))
    ]
    return {"folds": folds, "metadata": metadata}


def descriptions(galleries: Sequence[Sequence[ModelRankings]]) -> list[dict]:
    """Return where each model's rankings come from, over all galleries."""
    return [description_of(folds) for folds in zip(*galleries, strict=True)]


def report(
    counted: Sequence[WinCount],
    noise: Sequence[WinCount],
    overlaps: dict[Direction, HardOverlap],
    rule: str,
    hard_rule: str,
) -> str:
    """Return what the command prints."""
    lines = [f"beats: {rule}"]
    lines += [f"{c.better} beats {c.worse}: {_counts(c)}" for c in counted]
    lines += [f"noise floor, {c.better} beats {c.worse}: {_counts(c)}" for c in noise]
    lines.append("95 % intervals over images in brackets")
    if not noise:
        lines.append("noise floor: not counted; give two runs of one model by --noise")
    for direction, overlap in overlaps.items():
        lines += [f"{direction}: {line}" for line in overlap_lines(overlap, hard_rule)]
    return "\n".join(lines)


def _counts(wins: WinCount) -> str:
    found = {
        direction: f"{wins.counts[direction]:,} [{low:,.0f}, {high:,.0f}]"
        for direction, (low, high) in wins.intervals.items()
    }
    return f"{found['i2t']} image queries, {found['t2i']} caption queries"


def check_files(rankings: Sequence[Path], noise: Sequence[Path]) -> None:
    """Raise InputError when there is nothing to compare, or no two runs to take noise from."""
    if len(rankings) < 2:
        raise InputError("--rankings: expected at least 2 files to compare, found 1")
    if noise and len({path.resolve() for path in noise}) != 2:
        found = ", ".join(map(str, noise))
        raise InputError(f"--noise: expected two files, of two runs of one model, found {found}")


def read_compared(
    arguments: ComparisonArguments,
) -> tuple[list[list[ModelRankings]], list[list[ModelRankings]]]:
    """Return the models of each gallery, and the runs of --noise of each, all of one gallery."""
    check_files(arguments.rankings, arguments.noise or [])
    split = read_split(arguments.split_file)
    models = read_each(arguments.rankings, split, arguments.names, QUERY_KEYS)
    paths = arguments.noise or []
    # A path is a name that no two runs share, where their folders' names may be the same.
    runs = read_each(paths, split, [str(path) for path in paths])
    together = galleries_of_models([*models, *runs], arguments.protocol)
    n_models = len(models)
    return [g[:n_models] for g in together], [g[n_models:] for g in together]


def main() -> None:
    arguments = parse_arguments(ComparisonArguments, description=__doc__)
    rule = WinRule(arguments.max_rank, arguments.margin)
    check_at_least("--hard_rank", arguments.hard_rank, 1)
    if arguments.most_wins is not None:
        check_at_least("--most_wins", arguments.most_wins, 0)
    check_writable(arguments.output)
    galleries, runs = read_compared(arguments)
    counted, noise = count_wins(galleries, rule), count_wins(runs, rule)
    overlaps = hard_overlap(galleries, arguments.hard_rank)
    noise_floor = {"runs": descriptions(runs), "counts": counts_to_json(noise)}
    beats = f"better rank < {rule.max_rank} and worse rank - better rank >= {rule.margin}"
    hard = f"rank >= {arguments.hard_rank}"
    metadata = {
        "models": descriptions(galleries),
        "rule": beats,
        "counts": counts_to_json(counted),
        "hard_rule": hard,
        "hard_overlap": {d: overlap_to_json(overlap) for d, overlap in overlaps.items()},
        "noise_floor": noise_floor if noise else None,
    }
    write_json(arguments.output, content_of(galleries, rule, arguments.most_wins, metadata))
    print(f"wrote {arguments.output}")
    print(report(counted, noise, overlaps, beats, hard))


if __name__ == "__main__":
    run_command(main)
