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
from information_retrieval.models.checkpoint import (
    load_config,
    load_image_processor,
    load_tokenizer,
)
from information_retrieval.models.known_answers import (
    Answer,
    detector_answers,
    image_answers,
    pixel_answers,
    region_answers,
    same_pictures_answers,
    token_answers,
)
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.captions.split_file import read_split
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile


@dataclass
class PreflightArguments:
    split: str = field(default="test", metadata={"help": "split whose files are asked"})


def ask(name: str, data: DataArguments, split_name: str) -> list[Answer]:
    """Ask everything that is known of a checkpoint and the files of a split.

    The data are looked at first: a hub id may take a while.

    Raises:
        InputError: no such checkpoint or file, or an image of the split that is not in it.
    """
    image_ids = read_split(data.split_file(split_name)).image_ids
    config = load_config(name)
    features_file, images_file = data.features_file(split_name), data.images_file(split_name)
    answers = token_answers(load_tokenizer(name, config.get_text_config().vocab_size), config)
    reads_features = config.model_type == "lxmert"
    if reads_features:
        features = FeaturesFile(features_file)
        features.check_covers(image_ids)
        answers += region_answers(features, image_ids) + detector_answers(features, config)
    if not reads_features or images_file.exists():
        images = ImagesFile(images_file)
        images.check_covers(image_ids)
        answers += image_answers(images, image_ids)
    if not reads_features:
        answers += pixel_answers(load_image_processor(name), config)
    elif images_file.exists():
        answers += same_pictures_answers(features, images, image_ids)
    return answers


def main() -> None:
    model, data, args = parse_arguments(
        ModelArguments, DataArguments, PreflightArguments, description=__doc__
    )
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
