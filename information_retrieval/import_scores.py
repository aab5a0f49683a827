"""Make a rankings file of scores that another program computed, for everything that reads one.

Reads a score matrix (.npy, .npz, .csv, .tsv) or a list of pairs with their scores (.csv, .tsv; what
they have: information_retrieval/ranking/score_files.py), and the split file that it is of. Writes
rankings like those of `evaluate`, and `metrics.json` beside them; prints the recalls.

    python -m information_retrieval.import_scores --scores similarities.npy \\
        --split_file datasets/demo/test.json --name mine --output runs/mine/test.npz

A matrix of 5,000 x 25,000 takes 3 s and 1.5 GB; as text, a minute.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from information_retrieval.ranking.gallery import check_made_by, check_not_input
from information_retrieval.ranking.rankings import rank_scores, write_rankings
from information_retrieval.ranking.score_files import read_scores
from information_retrieval.scoring.evaluation_output import describe, metrics_file, report
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable, sha256_of_file
from preprocess.captions.split_file import read_split


@dataclass
class ImportScoresArguments:
    scores: Path = field(
        metadata={"help": "similarities, higher is more alike: .npy, .npz, .csv or .tsv"}
    )
    split_file: Path = field(metadata={"help": "split JSON whose images and captions were scored"})
    output: Path = field(metadata={"help": "the rankings .npz to write; metrics.json goes beside"})
    name: str | None = field(
        default=None, metadata={"help": "what scored them. Default: the name of the file"}
    )
    missing_score: float | None = field(
        default=None,
        metadata={"help": "a list: what pairs count as that it does not have. Default: an error"},
    )


def main() -> None:
    arguments = parse_arguments(ImportScoresArguments, description=__doc__)
    metrics_path = metrics_file(arguments.output)
    check_writable(arguments.output)
    check_not_input(arguments.output, [arguments.scores])
    check_made_by(arguments.output, "scores_file")
    missing = arguments.missing_score
    if missing is not None and not abs(missing) <= float(np.finfo(np.float32).max):
        raise InputError(f"--missing_score: expected a finite number, found {missing}")
    split = read_split(arguments.split_file)
    scores, gallery = read_scores(arguments.scores, split, missing)
    identity = {
        "weights": sha256_of_file(arguments.scores),
        "dtype": "float32",
        "scores_file": str(arguments.scores),
    }
    name = arguments.name or arguments.scores.stem
    try:
        rankings = rank_scores(scores, gallery, describe(name, split, "full", identity))
    except InputError as error:
        raise InputError(f"{arguments.scores}: {error}") from error
    write_rankings(arguments.output, rankings)
    report(rankings, split, "full", arguments.output.name, metrics_path)
    print(f"wrote {arguments.output} and {metrics_path}")


if __name__ == "__main__":
    run_command(main)
