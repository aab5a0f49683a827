"""Ask, before a long job, whether a model is given what it was trained on.

Reads a checkpoint, `{data_dir}/{split}.json`, and `{split}_features.h5` (LXMERT) or
`{split}_images.h5` (others). Prints each question of information_retrieval/models/known_answers.py
with the known answer and the one found; the exit status is 1 when one is surely wrong. `evaluate`
and `train` ask the same before they begin. Where both HDF5 files are there, it also compares them:
were the features extracted from these images?

    python -m information_retrieval.preflight --model_name_or_path demo/models/clip \\
        --data_dir datasets/demo --split test

It takes seconds, and of a model reads only the configuration.
"""

import sys
from dataclasses import dataclass, field

from information_retrieval.models.arguments import DataArguments, ModelArguments
from preprocess.base.command_line import parse_arguments, run_command


@dataclass
class PreflightArguments:
    split: str = field(default="test", metadata={"help": "split whose files are asked"})


def main() -> None:
    model, data, args = parse_arguments(
        ModelArguments, DataArguments, PreflightArguments, description=__doc__
    )
    # Not above: torch takes seconds to import, --help and a mistyped option should not.
    from information_retrieval.models.every_answer import ask

    answers = ask(model.model_name_or_path, data, args.split)
    for answer in answers:
        verdict = "OK   " if answer.is_right else "OTHER" if answer.but else "WRONG"
        print(f"{verdict} {answer.question}")
        print(f"      expected {answer.expected}, found {answer.found}")
        if answer.but and not answer.is_right:
            print(f"      {answer.but}")
    n_wrong = sum(answer.stops("error") for answer in answers)
    if n_wrong:
        sys.exit(
            f"error: {n_wrong} of {len(answers)} answers are wrong: do not begin; where you know "
            "better, `evaluate` and `train` take --wrong_answers warn"
        )
    print(f"none of {len(answers)} answers is wrong")


if __name__ == "__main__":
    run_command(main)
