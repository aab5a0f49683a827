"""Find the reasons of every hard query: typos, long modifiers, confused objects, and so on.

Reads one or more rankings files of one gallery, their split file and the training split (whose
captions tell which words and word pairs are usual); where given, the images (low quality), COCO's
instances (objects taken for others, small ones), its person keypoints (unusual poses and views),
the region features (was an object detected at all?) and the labels of CxC or ECCV Caption (what
else is right; where they are silent, the captions tell). Writes one JSON, which
error_analysis.report takes: by model and direction the hard queries with their reasons, each with
evidence; how often a reason is found among hard and among easy queries; which objects are taken for
which, in all and of each image query; and the split of misses between detector and matcher. Its
keys are told in error_analysis/explaining/explanations.py.

    python -m error_analysis.explain --rankings runs/demo/lxmert/test.npz runs/demo/clip/test.npz \\
        --split_file datasets/demo/test.json --train_split_file datasets/demo/train.json \\
        --images datasets/demo/test_images.h5 --features datasets/demo/test_features.h5 \\
        --instances datasets/demo/annotations/instances_val2014.json --region_models lxmert \\
        --output runs/demo/reasons.json

The demo takes 8 s of one CPU core; two models on 5,000 images and 25,000 captions 44 s, 2.1 GB.

A reason is a sign, not a proof: compare the odds of it among hard queries with those among easy
ones (the odds ratio), and see what changes in error_analysis.probe.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tqdm import tqdm

from error_analysis.arguments import RankingsArguments
from error_analysis.explaining.explanations import Explanations, explanations_to_json
from error_analysis.explaining.query_reasons import (
    Evidence,
    collect_evidence,
    explain_model,
    summary,
)
from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.model_rankings import ModelRankings, read_model_rankings
from error_analysis.reasons.captions import unfindable
from error_analysis.reasons.images.objects import (
    Objects,
    read_detected,
    read_instances,
    read_labels,
)
from error_analysis.reasons.images.people import People, read_people
from error_analysis.reasons.words import are_english
from error_analysis.relevance.label_files import read_all_labels
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable, write_json
from preprocess.captions.split_file import Split, read_split
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile


@dataclass(kw_only=True)
class ExplainArguments(RankingsArguments):
    output: Path = field(metadata={"help": "the JSON file to write"})
    train_split_file: Path | None = field(
        default=None,
        metadata={
            "help": "split JSON of the training captions, which tell the typo rule what is usual; "
            "without it, it knows general English and the captions at hand"
        },
    )
    images: Path | None = field(
        default=None, metadata={"help": "{split}_images.h5: finds images of low quality"}
    )
    instances: list[Path] = field(
        default_factory=list,
        metadata={
            "help": "COCO's instances JSON, one or more (those of train and val, where the split "
            "has images of both): finds objects taken for others, and images of small objects"
        },
    )
    keypoints: list[Path] = field(
        default_factory=list,
        metadata={
            "help": "COCO's person keypoints JSON (person_keypoints_val2014.json), one or more, as "
            "for --instances: finds people in unusual poses, and hardly seen ones"
        },
    )
    features: Path | None = field(
        default=None,
        metadata={"help": "{split}_features.h5: finds objects that no region has"},
    )
    object_labels: Path | None = field(
        default=None,
        metadata={"help": "objects_vocab.txt of the detector, for --features that name none"},
    )
    region_models: list[str] | None = field(
        default=None,
        metadata={"help": "the models that see images as --features; default: all"},
    )
    labels: list[Path] = field(
        default_factory=list,
        metadata={
            "help": "label files of CxC or ECCV Caption, as of error_analysis.false_negatives: "
            "they tell which retrieved documents suit the queries that they label"
        },
    )
    hard_rank: int = field(
        default=HARD_RANK, metadata={"help": "a query is hard from this 0-based rank on"}
    )


def read_evidence(arguments: ExplainArguments, split: Split, gallery: Split) -> Evidence:
    """Read what the rules look at, and apply those that ask for no ranks."""
    objects: Objects | None = None
    detected: Objects | None = None
    people: People | None = None
    images: ImagesFile | None = None
    ids = gallery.image_ids
    training: tuple[str, ...] = ()
    if arguments.train_split_file is not None:
        training = read_split(arguments.train_split_file).captions
    if arguments.images:
        images = ImagesFile(arguments.images)
        images.check_split(gallery)
    if arguments.instances:
        objects = read_instances(arguments.instances, ids)
    if arguments.keypoints:
        people = read_people(arguments.keypoints, ids)
    if arguments.features:
        names = read_labels(arguments.object_labels) if arguments.object_labels else None
        features = FeaturesFile(arguments.features)
        features.check_split(gallery)
        detected = read_detected(features, ids, names)
    labels = [s.restricted_to(gallery) for s in read_all_labels(arguments.labels, split)]
    progress = partial(tqdm, desc="images", unit="image")
    return collect_evidence(gallery, training, images, objects, detected, people, labels, progress)


def check_region_models(names: Sequence[str] | None, models: Sequence[ModelRankings]) -> None:
    """Raise InputError when a name is none of the models'."""
    known = [model.name for model in models]
    for name in names or ():
        if name not in known:
            raise InputError(
                f"--region_models: expected names among {', '.join(known)}, found {name!r}"
            )


def warn_of_captions(path: Path, gallery: Split) -> None:
    """Print a warning where the rules of captions have nothing to go by."""
    if not are_english(gallery.captions):
        print(
            f"warning: {path}: the captions are hardly English (few of its function words): the "
            "rules of captions do not apply, and were left out",
            file=sys.stderr,
        )
    elif len(gallery.captions) == len(gallery.images):
        print(
            f"warning: {path}: each image has one caption, so no other says what it shows: "
            f"{', '.join(unfindable.NAMES)} were not looked for",
            file=sys.stderr,
        )


def main() -> None:
    arguments = parse_arguments(ExplainArguments, description=__doc__)
    check_at_least("--hard_rank", arguments.hard_rank, 1)
    check_writable(arguments.output)
    split = read_split(arguments.split_file)
    models = read_model_rankings(arguments.rankings, split, arguments.names)
    check_region_models(arguments.region_models, models)
    warn_of_captions(arguments.split_file, models[0].gallery)
    evidence = read_evidence(arguments, split, models[0].gallery)
    explained = tuple(
        explain_model(
            model,
            evidence,
            arguments.hard_rank,
            arguments.region_models is None or model.name in arguments.region_models,
        )
        for model in models
    )
    inputs = ("train_split_file", "images", "features", "object_labels")
    metadata = {
        "models": [model.description() for model in models],
        "rules": {"hard": f"rank >= {arguments.hard_rank}", "easy": "rank == 0"},
        "hard_rank": arguments.hard_rank,
        "inputs": {
            **{n: str(path) for n in inputs if (path := getattr(arguments, n)) is not None},
            "instances": [str(path) for path in arguments.instances],
            "keypoints": [str(path) for path in arguments.keypoints],
            "labels": [str(path) for path in arguments.labels],
        },
    }
    explanations = Explanations(explained, metadata)
    write_json(arguments.output, explanations_to_json(explanations))
    print(f"wrote {arguments.output}")
    print("\n".join(summary(explanations)))


if __name__ == "__main__":
    run_command(main)
