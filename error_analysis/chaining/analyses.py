"""The commands that read the rankings of all models: what each takes and writes."""

from dataclasses import dataclass

from error_analysis.chaining.step import Step, options_of

ORACLE = "oracle"  # the folder and name of the caption oracle
# Of more models, the wins of each order would be a file of hundreds of megabytes: so many of them
# are listed, and all are counted.
MOST_LISTED, MOST_WINS = 4, 100


@dataclass(frozen=True)
class Analysis:
    """A command that reads the rankings of all models.

    Attributes:
        output: what it writes, in --output. The report takes it by an option of the same name.
        takes: its options beside --rankings, --names and --split_file.
        of_oracle: whether the caption oracle is one of the models.
    """

    name: str
    output: str
    takes: tuple[str, ...] = ()
    of_oracle: bool = False


CAPTIONS, REGIONS = ("train_split_file",), ("features", "object_labels")
ANALYSES = (
    Analysis("comparison", "comparison.json", ("noise", "most_wins")),
    Analysis("significance", "significance.json"),
    Analysis(
        "explain",
        "reasons.json",
        (*CAPTIONS, "images", *REGIONS, "region_models", "instances", "keypoints", "labels"),
        of_oracle=True,
    ),
    Analysis("slices", "slices.json", (*CAPTIONS, "images", "instances"), of_oracle=True),
    Analysis("false_negatives", "false_negatives.json", ("labels",)),
    Analysis(
        "difficulty",
        "difficulty.json",
        (*CAPTIONS, "images", *REGIONS, "instances", "surprise", "oracle"),
    ),
)
SHOWN = (
    "reasons",
    "slices",
    "comparison",
    "false_negatives",
    "difficulty",
    "probes",
    "caption_or_image",
)
REPORT = Analysis(
    "report",
    "report",
    ("images", *REGIONS, "instances", *SHOWN, "cascades", "generated_captions", "self_retrieval"),
    of_oracle=True,
)


def step_of(analysis: Analysis, values: dict) -> Step:
    """Return an analysis with what there is of the options that it takes."""
    rankings, names, oracle = values["rankings"], values["names"], values["oracle"]
    if analysis.of_oracle and oracle is not None:
        rankings, names = [*rankings, oracle], names and [*names, ORACLE]
    taken = {option: values.get(option) for option in analysis.takes}
    options = options_of(rankings=rankings, names=names, split_file=values["split_file"], **taken)
    return Step(analysis.name, options, values["output"] / analysis.output)
