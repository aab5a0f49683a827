"""Make numbers of what people judged by hand: tags, how far judges agree, the rules against them.

Reads what the report exports after someone gave its queries tags: JSON, or CSV, which may have been
edited in a spreadsheet (both are told in error_analysis/judging; a CSV's judge is the name of its
file). A query with a tag is judged; the tag "none" says that none fits; a note alone does not
count. With --reasons, each reason of error_analysis.explain that is a tag by its name is compared
with the majority of the judges, on the judged queries that are hard for each model. Prints tables
and writes JSON:

    {"judges": [{"judge", "file", "i2t" and "t2i": {"judged", "images", "undecided",
                 "tags": [{"tag", "queries", "share", "low", "high", "images"}]}}],
     "together": {"i2t" and "t2i": the same of the majority of each query's judges},
     "agreement": [{"first", "second", "direction", "judged_by_both", "images", "mean_kappa",
                    "tags_with_kappa", "tags": [{"tag", "first", "second", "both",
                        "agreement": {"share", "low", "high", "images"},
                        "kappa": {"kappa", "low", "high", "why"}}]}],
     "rules": null or {"models": [{"model", "direction", "hard", "judged", "rules": [{"reason",
                           "flagged", "tagged", "both", "precision", "recall", "f1"}]}],
                       "reasons_without_tag", "tags_without_reason"},
     "metadata": {...}}

    python -m error_analysis.labels --judgements anna.json ben.csv \\
        --reasons runs/demo/reasons.json --output runs/demo/labels.json

Where several judged a query, it has the tags that more than half of them gave: a tie is none.
Shares in the file are from 0 to 1, intervals 95 %, by image. They are of queries like the judged
ones: judge those that error_analysis.mining samples, or all. Takes 3 s.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from error_analysis.explaining.explanations import read_explanations
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable, write_json

if TYPE_CHECKING:
    from error_analysis.judging.judgements import JudgementFile


@dataclass(kw_only=True)
class LabelsArguments:
    judgements: list[Path] = field(
        metadata={"help": "JSON or CSV that the report exported, one a judge"}
    )
    output: Path = field(metadata={"help": "the JSON file to write"})
    reasons: Path | None = field(
        default=None, metadata={"help": "JSON of error_analysis.explain: judges its rules"}
    )


def check_output(output: Path, inputs: Sequence[Path]) -> None:
    """Raise InputError when the output cannot be written, or is one of the inputs."""
    check_writable(output)
    for path in inputs:
        if path.resolve() == output.resolve():
            raise InputError(f"--output: {output} is read, and would be lost; choose another name")


def metadata_of(args: LabelsArguments, files: "Sequence[JudgementFile]", intervals: str) -> dict:
    """Return what the output was made from, and how its intervals are meant."""
    hashes = (file.gallery_sha256 for file in files)
    return {
        "judgements": [str(path) for path in args.judgements],
        "judges": [file.judge for file in files],
        "gallery_sha256": next(filter(None, hashes), None),
        "reasons": None if args.reasons is None else str(args.reasons),
        "intervals": intervals,
        "together": "the tags that more than half of a query's judges gave; a tie is none",
    }


def main() -> None:
    args = parse_arguments(LabelsArguments, description=__doc__)
    check_output(args.output, [*args.judgements, *filter(None, [args.reasons])])
    # Not above: SciPy and scikit-learn take seconds to import.
    from error_analysis.judging import agreement, rule_precision, shares, tag_counts
    from error_analysis.judging.panel import read_panel

    panel, files = read_panel(args.judgements)
    explanations = read_explanations(args.reasons) if args.reasons else None
    if explanations:
        rule_precision.check_same_queries(args.reasons, explanations, files)
    counts = {judge: tag_counts.count_tags(panel, votes) for judge, votes in panel.votes.items()}
    together = tag_counts.count_tags(panel, panel.majority())
    pairs = agreement.compare_judges(panel)
    rules = rule_precision.judge_rules(explanations, panel) if explanations else None
    content = {
        "judges": [
            {
                "judge": file.judge,
                "file": str(path),
                **tag_counts.counts_to_json(counts[file.judge]),
            }
            for path, file in zip(args.judgements, files, strict=True)
        ],
        "together": tag_counts.counts_to_json(together),
        "agreement": agreement.agreement_to_json(pairs),
        "rules": rules and rule_precision.rules_to_json(rules),
    }
    write_json(args.output, {**content, "metadata": metadata_of(args, files, shares.METHOD)})
    shown = list(counts.items())
    if len(shown) > 1:
        shown.append(("more than half", together))
    print(tag_counts.counts_table(panel, shown))
    print(agreement.agreement_table(pairs), end="\n" if pairs else "")
    if rules:
        print(rule_precision.rules_table(rules))
    print(f"wrote {args.output}")


if __name__ == "__main__":
    run_command(main)
