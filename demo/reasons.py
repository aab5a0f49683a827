"""Measure the rules for caption queries where the causes are known: precision and recall.

Reads a split file of the miniature COCO, the kinds that demo/render.py recorded, and the split file
whose captions teach the typo check. Prints a Markdown table, and writes nothing.

    python -m demo.reasons --split_file datasets/demo/test.json \\
        --train_split_file datasets/demo/train.json \\
        --kinds datasets/demo/annotations/caption_kinds.json

Takes 8 s on one CPU core, of which most is reading the dictionary.
"""

from dataclasses import dataclass, field
from pathlib import Path

from error_analysis.reasons.captions import modifiers, no_visual_content, typos, unfindable
from error_analysis.reasons.captions.caption_reasons import caption_reasons
from error_analysis.reasons.reason import Reason
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.captions.split_file import Split, read_split

KIND_OF_RULE = {
    typos.NAME: "typo",
    modifiers.NAME: "long_modifier",
    unfindable.UNDERSPECIFIED: "underspecified",
    no_visual_content.NAME: "no_visual_content",
}


@dataclass
class ReasonsArguments:
    split_file: Path = field(metadata={"help": "split JSON to measure on"})
    train_split_file: Path = field(
        metadata={"help": "split JSON whose captions teach the typo check"}
    )
    kinds: Path = field(metadata={"help": "caption_kinds.json of demo.render"})


@dataclass(frozen=True, slots=True)
class Score:
    """How a rule's verdicts agree with the planted kinds.

    Attributes:
        rule: its name.
        found, planted, both: captions that the rule names, that are of its kind, and that are both.
        repaired: of `both`, those whose repair is the intended caption; None for other rules.
    """

    rule: str
    found: int
    planted: int
    both: int
    repaired: int | None = None

    @property
    def precision(self) -> float:
        """The share of the found that are planted; NaN where none is found."""
        return self.both / self.found if self.found else float("nan")

    @property
    def recall(self) -> float:
        """The share of the planted that are found; NaN where none is planted."""
        return self.both / self.planted if self.planted else float("nan")


def score_rules(
    reasons: list[tuple[Reason, ...]], kinds: list[str], intended: list[str]
) -> list[Score]:
    """Return the score of each rule; the arguments are by caption, in one order."""
    scores = []
    for rule, kind in KIND_OF_RULE.items():
        named = [{r.name: r for r in found}.get(rule) for found in reasons]
        both = [i for i, reason in enumerate(named) if reason and kinds[i] == kind]
        repaired = sum(named[i].repair == intended[i] for i in both)
        found, planted = sum(reason is not None for reason in named), kinds.count(kind)
        repairs = repaired if rule == typos.NAME else None
        scores.append(Score(rule, found, planted, len(both), repairs))
    return scores


def score_table(scores: list[Score]) -> str:
    """Return the scores as a Markdown table."""
    lines = [
        "| reason | planted | found | precision | recall | repaired as intended |",
        "|---|---|---|---|---|---|",
    ]
    for score in scores:
        repaired = "" if score.repaired is None else f"{score.repaired} of {score.both}"
        lines.append(
            f"| {score.rule} | {score.planted} | {score.found} | {score.precision:.2f} "
            f"| {score.recall:.2f} | {repaired} |".replace("nan", "none")
        )
    return "\n".join(lines)


def read_kinds(path: Path, split: Split) -> tuple[list[str], list[str]]:
    """Return the kind and the intended text of each caption of the split.

    Raises:
        InputError: the file lacks a caption of the split.
    """
    recorded = read_json(path, "make it with `python -m demo.render`")
    try:
        of_split = [recorded[str(caption)] for caption in split.caption_ids]
        return [r["kind"] for r in of_split], [r["intended"] for r in of_split]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{path}: no kind of caption {error}; give the file that was rendered with this split"
        ) from error


def main() -> None:
    arguments = parse_arguments(ReasonsArguments, description=__doc__)
    split = read_split(arguments.split_file)
    training = read_split(arguments.train_split_file)
    kinds, intended = read_kinds(arguments.kinds, split)
    print(score_table(score_rules(caption_reasons(split, training.captions), kinds, intended)))


if __name__ == "__main__":
    run_command(main)
