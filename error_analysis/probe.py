"""Probe a model: change one thing about a query, and see what becomes of its rank.

Reads a checkpoint of any type, `{data_dir}/{split}.json` and the split's HDF5 file that the model
reads. One of four probes:

A caption, and an edited form of it, against all images of the split. Both lists are shown side by
side, with the rank of the ground truth where the caption is one of the split's, or of --image_id.

    python -m error_analysis.probe --model_name_or_path demo/models/clip \\
        --data_dir datasets/demo --split test \\
        --caption "a dog near a whtie parasol in the snw." \\
        --edit "a dog near a white parasol in the snow."

With --control, a third list is that of the caption after an edit that leaves its meaning.

Every caption with a typo, as typed and repaired, beside a control: the typo left, and a harmless
edit made (error_analysis/probing/harmless_edit.py), since any change moves ranks. Repairs come from
the typo rule (error_analysis/reasons/captions/typos.py), or from --repairs.

    python -m error_analysis.probe --model_name_or_path demo/models/clip \\
        --data_dir datasets/demo --split test --repair_typos --output runs/demo/clip/repairs.json

The images as photographic negatives, which the original fed to CLIP by mistake: all queries of the
split, or with --caption only that one.

    python -m error_analysis.probe --model_name_or_path demo/models/clip \\
        --data_dir datasets/demo --split test --negative_images \\
        --output runs/demo/clip/negatives.json

The boxes that an X-VLM with a box head predicts for captions it cannot find (rank >= 10): where it
sees what they say, in their own image and in the first wrong one. Nothing is changed, and the
report draws them. Ranks are among all images scored, also under 5fold.

    python -m error_analysis.probe --model_name_or_path demo/models/xvlm \\
        --data_dir datasets/demo --split test --predict_boxes \\
        --rankings runs/demo/xvlm/test.npz --output runs/demo/xvlm/boxes.json

With --output, writes what it prints, and every query, as JSON. A probe encodes each image once
(twice for negatives): on the demo 10 s on 2 CPU cores, with CLIP ViT-B/32 and 5,000 images about
as long as `information_retrieval.evaluate`.
"""

from dataclasses import dataclass, field
from pathlib import Path

from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.model_rankings import ModelRankings, read_model_rankings
from information_retrieval.models.arguments import ComputeArguments, DataArguments, ModelArguments
from information_retrieval.ranking.protocols import Protocol, protocol_split
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable, write_json
from preprocess.captions.split_file import Split, read_split


@dataclass(kw_only=True)
class ProbeArguments(ComputeArguments):
    caption: str | None = field(default=None, metadata={"help": "the caption to probe"})
    edit: str | None = field(default=None, metadata={"help": "an edited form of --caption"})
    control: bool = field(
        default=False,
        metadata={"help": "with --edit: show what an edit that leaves the meaning does, too"},
    )
    image_id: int | None = field(
        default=None,
        metadata={"help": "the right image of --caption; default: that which has it in the split"},
    )
    repair_typos: bool = field(
        default=False, metadata={"help": "probe every caption with a typo, typed and repaired"}
    )
    repairs: Path | None = field(
        default=None,
        metadata={"help": "JSON of caption ids and repaired captions, instead of the typo rule"},
    )
    train_split_file: Path | None = field(
        default=None,
        metadata={
            "help": "split JSON whose captions teach the typo rule the words that are usual; "
            "default: train.json of --data_dir, where there is one"
        },
    )
    negative_images: bool = field(
        default=False,
        metadata={"help": "models that read images: each value x becomes (256 - x) mod 256"},
    )
    predict_boxes: bool = field(
        default=False,
        metadata={"help": "an X-VLM: where it sees what hard captions say, in two images of each"},
    )
    hard_rank: int | None = field(
        default=None,
        metadata={
            "help": f"with --predict_boxes: the 0-based rank from which on (default: {HARD_RANK}; "
            "0: of all captions)"
        },
    )
    split: str = field(default="test", metadata={"help": "split whose images are scored"})
    protocol: Protocol | None = field(
        default=None,
        metadata={
            "help": "1k: first 1,000 images; 5fold: five galleries of 1,000; 5k: first 5,000; "
            "full: every image of the split; default: that of --rankings, or else full"
        },
    )
    rankings: Path | None = field(
        default=None,
        metadata={
            "help": "rankings .npz of this model over this split: the scores without repairs or "
            "negatives, and what is hard, are taken from it"
        },
    )
    output: Path | None = field(default=None, metadata={"help": "the JSON file to write"})


def check_probe(args: ProbeArguments) -> None:
    """Raise InputError unless the options make one probe."""
    others = args.caption is not None or args.negative_images
    for option in ("repair_typos", "predict_boxes"):
        if getattr(args, option) and others:
            raise InputError(f"--{option}: is a probe of its own; leave out the other one")
        others |= getattr(args, option)
    for option in ("edit", "image_id"):
        if getattr(args, option) is not None and args.caption is None:
            raise InputError(f"--{option}: expected a --caption that it belongs to")
    for option in ("repairs", "train_split_file"):
        if getattr(args, option) is not None and not args.repair_typos:
            raise InputError(f"--{option}: belongs to --repair_typos")
    if args.hard_rank is not None:
        if not args.predict_boxes:
            raise InputError("--hard_rank: belongs to --predict_boxes")
        check_at_least("--hard_rank", args.hard_rank, 0)
    if args.control and args.edit is None:
        raise InputError("--control: expected an --edit that it stands beside")
    if not others:
        raise InputError(
            "expected --caption, --repair_typos, --negative_images or --predict_boxes; --help tells"
        )
    if args.caption is not None:
        if args.rankings is not None:
            raise InputError(
                "--rankings: belongs to --repair_typos, --negative_images or --predict_boxes"
            )
        if args.protocol == "5fold":
            raise InputError("--protocol 5fold: a caption has one list; choose 1k, 5k or full")
    if args.edit is not None and args.negative_images:
        raise InputError("--edit: probe it apart from --negative_images, one change at a time")


def read_known(args: ProbeArguments, split: Split, weights: str) -> ModelRankings | None:
    """Read --rankings, and check that this model made them, under the protocol asked for."""
    if args.rankings is None:
        return None
    [known] = read_model_rankings([args.rankings], split)
    metadata = known.rankings.metadata
    if metadata.get("weights", weights) != weights:
        raise InputError(
            f"{args.rankings}: rankings of another model ({metadata.get('model')}, weights "
            f"{metadata['weights']}), expected weights {weights}; give those that "
            "--model_name_or_path made"
        )
    if metadata.get("negative_images", "False") != "False":
        raise InputError(f"{args.rankings}: made on negatives; give rankings of the images")
    if metadata.get("score") == "itc" and not args.predict_boxes:
        raise InputError(
            f"{args.rankings}: made by cosines (--score itc), and probes score by the matching "
            "head; give those of `evaluate --score itm`"
        )
    if args.protocol not in (None, known.protocol):
        raise InputError(
            f"--protocol {args.protocol}: {args.rankings} was made for {known.protocol}; leave out "
            "one of them"
        )
    return known


def train_file(given: Path | None, data: DataArguments) -> Path | None:
    """Return the split file of training captions: the given one, or the data's if it is there."""
    beside = data.split_file("train")
    return given or (beside if beside.exists() else None)


def main() -> None:
    model_arguments, data, args = parse_arguments(
        ModelArguments, DataArguments, ProbeArguments, description=__doc__
    )
    # Not above: torch takes seconds to import, --help and a mistyped option should not.
    import torch

    from error_analysis.probing.caption_boxes import check_predicts_boxes
    from error_analysis.probing.probed_captions import ScoringModel
    from error_analysis.probing.probes import (
        probe_boxes,
        probe_caption,
        probe_negatives,
        probe_typos,
    )
    from information_retrieval.models.checkpoint import weights_revision
    from information_retrieval.models.loading import EncoderOptions, GalleryFiles
    from information_retrieval.scoring.evaluation_output import describe
    from preprocess.base.device import torch_device

    check_probe(args)
    if args.output is not None:
        check_writable(args.output)
    split = read_split(data.split_file(args.split))
    name = model_arguments.model_name_or_path
    if args.predict_boxes:
        check_predicts_boxes(name)
    known = read_known(args, split, weights_revision(name)) if args.rankings else None
    protocol = known.protocol if known else args.protocol or "full"
    gallery = known.gallery if known else protocol_split(split, protocol)
    options = EncoderOptions(
        getattr(torch, args.dtype), args.batch_size, args.num_workers, show_progress=True
    )
    files = GalleryFiles(data.features_file(args.split), data.images_file(args.split))
    model = ScoringModel(name, files, torch_device(args.device), options)
    if args.caption is not None:
        changes = (args.edit, args.control, args.negative_images, args.image_id)
        whole = model.of_whole_captions()
        content, text = probe_caption(args.caption, *changes, gallery, whole)
    elif args.repair_typos:
        train = train_file(args.train_split_file, data)
        content, text = probe_typos(args.repairs, train, split, gallery, model, known, protocol)
    elif args.predict_boxes:
        hard_rank = HARD_RANK if args.hard_rank is None else args.hard_rank
        content, text = probe_boxes(hard_rank, gallery, model, known, protocol)
    else:
        content, text = probe_negatives(gallery, model, known, protocol)
    print(text)
    if args.output is not None:
        identity = {"weights": weights_revision(name), "dtype": args.dtype}
        metadata = describe(name, split, protocol, identity)
        write_json(args.output, {**content, "metadata": metadata})
        print(f"wrote {args.output}")


if __name__ == "__main__":
    run_command(main)
