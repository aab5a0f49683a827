"""Tell how certain the metrics of models, and the differences between them, are.

Reads one or more rankings files of one gallery and their split file; prints, and writes as JSON,
R@1/5/10, median and mean rank and rsum with 95 % bootstrap intervals over images (see `resampling`)
and tie bounds; and for each two models the differences of these, the first's less the second's,
with intervals from the same resampled images, McNemar's test, and a permutation test by image, of
R@k, and one of reciprocal ranks (see `paired_tests`). "holm_p" is "by_image_p" corrected by Holm
for all tests by image of the protocol:

    {"protocols": {"full": {
        "models": {"clip": {"i2t_r1": {"value": 54.6, "low": 48.3, "high": 60.8,
                                       "optimistic": 54.6, "pessimistic": 54.6}, ...}, ...},
        "pairs": [{"first": "lxmert", "second": "clip",
                   "differences": {"i2t_r1": {"value": -1.7, "low": -11.3, "high": 7.5}, ...},
                   "i2t": {"recalls": [{"k": 1, "first_only": 61, "second_only": 65,
                                        "mcnemar_p": 0.79, "by_image_p": 0.79,
                                        "holm_p": 1.0}, ...],
                           "reciprocal_rank": {"first": 0.678, "second": 0.681,
                                               "by_image_p": 0.96, "holm_p": 1.0}},
                   "t2i": {...}}, ...]}, ...},
     "metadata": {...}}

Every protocol that the rankings have scores for is computed: those of 5k have 1k and 5fold too. Of
5fold, metrics are the mean over the folds, tests are of all folds' queries together, and "folds"
has the models and pairs of each fold.

    python -m error_analysis.significance --rankings runs/demo/lxmert/test.npz \\
        runs/demo/clip/test.npz --split_file datasets/demo/test.json \\
        --output runs/demo/significance.json

Two models on 5,000 images and 25,000 captions, all protocols, take 8 s and 1.3 GB on one core
of an AMD EPYC.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from error_analysis.arguments import RankingsArguments
from error_analysis.queries.model_rankings import read_each
from error_analysis.queries.protocol_galleries import (
    description_of,
    galleries_of_models,
    protocols_held,
)
from error_analysis.statistics.assessment import (
    Sampling,
    assess,
    significance_table,
    significance_to_json,
)
from error_analysis.statistics.paired_tests import N_PERMUTATIONS
from error_analysis.statistics.resampling import CONFIDENCE, N_RESAMPLES
from information_retrieval.ranking.protocols import Protocol
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.files import check_writable, write_json
from preprocess.captions.split_file import read_split


@dataclass(kw_only=True)
class SignificanceArguments(RankingsArguments):
    output: Path = field(metadata={"help": "the JSON file to write"})
    protocol: Protocol | None = field(
        default=None, metadata={"help": "only this one; default: all that the rankings hold"}
    )
    n_resamples: int = field(
        default=N_RESAMPLES, metadata={"help": "resamples of the images for the intervals"}
    )
    n_permutations: int = field(
        default=N_PERMUTATIONS,
        metadata={"help": "permutations of the tests by image; as many more for each 100 tests"},
    )
    seed: int = field(default=0, metadata={"help": "seed of resamples and permutations"})


def main() -> None:
    arguments = parse_arguments(SignificanceArguments, description=__doc__)
    for option, least in (("n_resamples", 2), ("n_permutations", 1), ("seed", 0)):
        check_at_least(f"--{option}", getattr(arguments, option), least)
    check_writable(arguments.output)
    split = read_split(arguments.split_file)
    models = read_each(arguments.rankings, split, arguments.names)
    sampling = Sampling(arguments.n_resamples, arguments.n_permutations, arguments.seed)
    protocols = [arguments.protocol] if arguments.protocol else protocols_held(models)
    results, tables = {}, []
    for protocol in protocols:
        galleries = galleries_of_models(models, protocol)
        whole = assess(galleries, sampling)
        described = [description_of(folds) for folds in zip(*galleries, strict=True)]
        results[protocol] = {**significance_to_json(whole), "rankings": described}
        if protocol == "5fold":
            folds = [significance_to_json(assess([fold], sampling)) for fold in galleries]
            results[protocol]["folds"] = folds
        tables.append(significance_table(whole, protocol, described[0]["gallery"]))
    metadata = {**asdict(sampling), "confidence": CONFIDENCE, "ties": "expected"}
    write_json(arguments.output, {"protocols": results, "metadata": metadata})
    print("\n\n".join(tables))
    print(f"wrote {arguments.output}")


if __name__ == "__main__":
    run_command(main)
