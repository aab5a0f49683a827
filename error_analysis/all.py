"""Run all analyses of some rankings, one command after another, and make the report of them.

Each command is a process of its own, whose memory is given back before the next, and is shown as
one would type it; the first that fails is the last. Reads rankings files of one gallery and their
split file; what is not given leaves out what needs it. Writes into the folder --output:

    {model}/hard_queries.json   mining
    {model}/hubs.json           hubness
    comparison.json             comparison, of two models or more
    significance.json           significance
    oracle/test.npz             caption_oracle: then one of the models for reasons.json,
                                slices.json and the report, and a feature for difficulty.json
    reasons.json                explain
    slices.json                 slices
    false_negatives.json        false_negatives
    difficulty.json             difficulty
    caption_or_image.json       caption_or_image, with --generated_rankings
    {model}/repairs.json        probe --repair_typos, of the --probe_models
    {model}/boxes.json          probe --predict_boxes, of those that have a box head
    report/                     report, with --images

    python -m error_analysis.all --rankings runs/demo/lxmert/test.npz runs/demo/clip/test.npz \\
        --split_file datasets/demo/test.json --train_split_file datasets/demo/train.json \\
        --images datasets/demo/test_images.h5 --features datasets/demo/test_features.h5 \\
        --region_models lxmert --instances datasets/demo/annotations/instances_val2014.json \\
        --probe_models clip --output runs/demo

For an option that only one of the commands has, repeat that command as it was shown, with the
option, and then the report. The demo takes 1.5 minutes; two models on 5,000 images and 25,000
captions, without --instances and --features, 8 minutes and 2.6 GB on 2 CPU cores.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

from error_analysis.arguments import RankingsArguments
from error_analysis.chaining.analyses import (
    ANALYSES,
    MOST_LISTED,
    MOST_WINS,
    ORACLE,
    REPORT,
    step_of,
)
from error_analysis.chaining.asked import asked_models
from error_analysis.chaining.step import Step, options_of, run_steps
from error_analysis.chaining.told import Told, check_probed, predicts_boxes, read_told
from error_analysis.reasons.images.objects import detector_labels, read_labels
from error_analysis.site.folder import check_replaceable
from information_retrieval.ranking.gallery import check_made_by, check_not_input
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile

FILES = (
    "object_labels",
    "train_split_file",
    "instances",
    "keypoints",
    "labels",
    "noise",
    "generated_captions",
    "surprise",
    "generated_rankings",
    "generated_split_file",
)


@dataclass(kw_only=True)
class AllArguments(RankingsArguments):
    output: Path = field(metadata={"help": "the folder to write into"})
    images: Path | None = field(
        default=None, metadata={"help": "{split}_images.h5: the report, and images of low quality"}
    )
    features: Path | None = field(
        default=None, metadata={"help": "{split}_features.h5: the detector's regions"}
    )
    object_labels: Path | None = field(
        default=None,
        metadata={"help": "objects_vocab.txt of the detector, for --features that name none"},
    )
    region_models: list[str] = field(
        default_factory=list,
        metadata={"help": "the models that see images as --features; default: all"},
    )
    train_split_file: Path | None = field(
        default=None, metadata={"help": "split JSON whose captions tell what is usual"}
    )
    instances: list[Path] = field(
        default_factory=list,
        metadata={"help": "COCO's instances JSON of the split's images, one or more"},
    )
    keypoints: list[Path] = field(
        default_factory=list,
        metadata={"help": "COCO's person keypoints JSON of the split's images, one or more"},
    )
    labels: list[Path] = field(
        default_factory=list,
        metadata={"help": "label files of CxC or ECCV Caption: what else is right"},
    )
    noise: list[Path] = field(
        default_factory=list,
        metadata={"help": "rankings of two runs of one model, for the comparison"},
    )
    cascades: list[Path] = field(
        default_factory=list,
        metadata={"help": ".npz of information_retrieval.cascade, which the report shows"},
    )
    generated_captions: Path | None = field(
        default=None,
        metadata={"help": "captions of these images by a captioner, which the report shows"},
    )
    generated_rankings: list[Path] = field(
        default_factory=list,
        metadata={"help": "of captioning.self_retrieval, by any of the models: caption or image?"},
    )
    generated_split_file: Path | None = field(
        default=None, metadata={"help": "split JSON of the captions of --generated_rankings"}
    )
    self_retrieval: list[Path] = field(
        default_factory=list,
        metadata={"help": "JSON of captioning.self_retrieval, which the report shows"},
    )
    surprise: Path | None = field(
        default=None, metadata={"help": "JSON of captioning.surprise, for what predicts difficulty"}
    )
    probe_models: list[str] = field(
        default_factory=list,
        metadata={
            "help": "models that are asked again with typos repaired, and for the boxes that an "
            "X-VLM predicts; their checkpoints are those that the rankings name, and their HDF5 "
            "files lie beside the split file"
        },
    )
    oracle: bool = field(
        default=True,
        metadata={"help": "one more model: captions by the others of their images"},
    )


def steps_of(args: AllArguments, told: Told) -> list[Step]:
    """Return the commands in their order; nothing is read."""
    steps = []
    for name, file in (("mining", "hard_queries.json"), ("hubness", "hubs.json")):
        for model, path in zip(told.names, args.rankings, strict=True):
            options = options_of(rankings=path, split_file=args.split_file)
            steps.append(Step(name, options, args.output / model / file))
    values = {**vars(args), "oracle": None}
    if len(told.names) > MOST_LISTED:
        values["most_wins"] = MOST_WINS
    if told.oracle is not None:
        options = options_of(split_file=args.split_file, protocol=told.oracle)
        values["oracle"] = args.output / ORACLE / "test.npz"
        steps.append(Step("caption_oracle", options, values["oracle"]))
        if args.features is not None:  # which the oracle does not see
            values["region_models"] = args.region_models or list(told.names)
    for analysis in ANALYSES:
        if analysis.name == "comparison" and len(told.names) == 1:
            continue
        steps.append(step_of(analysis, values))
        values[Path(analysis.output).stem] = steps[-1].output
    if any(metadata.get("protocol") == "5fold" for metadata in told.metadata):
        values["comparison"] = None  # in folds, where the report has the whole gallery
    if told.asked:
        steps.append(caption_or_image_of(args, told))
        values["caption_or_image"] = steps[-1].output
    probes = probes_of(args, told)
    values["probes"] = [step.output for step in probes]
    report = [step_of(REPORT, values)] if args.images is not None else []
    return [*steps, *probes, *report]


def caption_or_image_of(args: AllArguments, told: Told) -> Step:
    """Return the command for the models that --generated_rankings are of."""
    options = options_of(
        rankings=[args.rankings[model] for model in told.asked],
        names=[told.names[model] for model in told.asked],
        split_file=args.split_file,
        generated_rankings=args.generated_rankings,
        generated_split_file=args.generated_split_file,
    )
    return Step("caption_or_image", options, args.output / "caption_or_image.json")


def probes_of(args: AllArguments, told: Told) -> list[Step]:
    """Return the probes of --probe_models, each of the checkpoint that made its rankings."""
    data, split = args.split_file.parent, args.split_file.stem
    usual = options_of(train_split_file=args.train_split_file)
    steps = []
    for model, path, metadata in zip(told.names, args.rankings, told.metadata, strict=True):
        if model not in args.probe_models:
            continue
        asked = options_of(model_name_or_path=metadata["model"], data_dir=data, split=split)
        # Computed as the rankings were: one thing changes at a time.
        known = options_of(rankings=path, dtype=metadata.get("dtype"))
        probes = [("repairs.json", ("--repair_typos", *known, *usual))]
        if predicts_boxes(metadata):
            probes.append(("boxes.json", ("--predict_boxes", *known)))
        for file, options in probes:
            steps.append(Step("probe", (*asked, *options), args.output / model / file))
    return steps


def left_out(args: AllArguments, told: Told) -> list[str]:
    """Return what is not made, and why, a line each."""
    lines = []
    if len(told.names) == 1:
        lines.append("no comparison: --rankings has one model")
    if args.oracle and told.oracle is None:
        lines.append(
            "no caption oracle: most images have one caption, or the gallery is no protocol's"
        )
    if not args.probe_models:
        lines.append("no probe: --probe_models names none")
    if args.images is None:
        lines.append("no report: it needs --images")
    return lines


def check_names(args: AllArguments, told: Told) -> None:
    """Raise InputError for a name that is none of a model, is no folder's, or cannot be probed."""
    taken = {REPORT.output: "the report's; choose another"}
    if told.oracle is not None:
        taken[ORACLE] = "made anew: leave it out of --rankings, or give --oracle false"
    for name in told.names:
        if name in taken:
            raise InputError(f"--names: {name!r}, a folder in --output, is {taken[name]}")
        if name == ".." or Path(name).name != name:
            raise InputError(f"--names: {name!r} cannot name a folder in --output; choose others")
    for option in ("region_models", "probe_models"):
        for name in getattr(args, option):
            if name not in told.names:
                known = ", ".join(told.names)
                raise InputError(f"--{option}: expected names among {known}, found {name!r}")
    for name in args.probe_models:
        check_probed(name, told.metadata[told.names.index(name)], args.split_file)


def check_inputs(args: AllArguments, told: Told) -> None:
    """Raise InputError where a file that is given is missing, or one of HDF5 is of other images.

    JSON files are looked for, and not read: `explain`, which reads them, comes soon enough.
    """
    for option in FILES:
        given: Path | list[Path] | None = getattr(args, option)
        for path in given if isinstance(given, list) else [given]:
            if path is not None and not path.is_file():
                raise InputError(f"--{option} {path}: no such file")
    if args.images is not None:
        ImagesFile(args.images).check_covers(told.image_ids)
    if args.features is not None:
        features = FeaturesFile(args.features)
        features.check_covers(told.image_ids)
        detector_labels(features, read_labels(args.object_labels) if args.object_labels else None)


def check_outputs(args: AllArguments, steps: list[Step]) -> None:
    """Raise InputError where a step could not write in the end, or would replace another's file."""
    for step in steps:
        if step.name == REPORT.name:
            check_replaceable(step.output)
            continue
        check_writable(step.output)
        check_not_input(step.output, args.rankings)
        if step.name == "caption_oracle":
            check_made_by(step.output, "oracle")


def main() -> None:
    args = parse_arguments(AllArguments, description=__doc__)
    told = read_told(args.rankings, args.names, args.split_file, args.cascades)
    if not args.oracle:
        told = replace(told, oracle=None)
    check_names(args, told)
    check_inputs(args, told)
    asked = asked_models(args.generated_rankings, args.generated_split_file, told)
    told = replace(told, asked=asked)
    steps = steps_of(args, told)
    check_outputs(args, steps)
    print("\n".join([f"{len(steps)} commands, one after another", *left_out(args, told)]))
    run_steps(steps)
    report = f"; open {args.output / REPORT.output / 'index.html'}" if args.images else ""
    print(f"\nwrote {args.output}{report}")


if __name__ == "__main__":
    run_command(main, "what the finished steps wrote is whole; the same command begins anew")
