"""Where do queries fail, and where does one model beat another? Groups of queries against the rest.

Groups are by what at least two of an image's captions say (words, and two in a row), by COCO's
categories and their kinds (--instances), and by features of the query: length, rarity, what the
captions alone can do (--oracle), the image's quality (--images), each reason of the caption rules.
Of each group and direction is asked whether a model's hard queries gather there, whether the
difference of two models is another than elsewhere, and whether the wins of one over the other
gather there; all questions share one false discovery rate (error_analysis/slicing).

Reads rankings files of one gallery and their split file; prints what was found and writes JSON:

    {"recalls": {"i2t": [{"kind", "group", "queries", "images",
                          "recalls": {model: {"r1", "r5", "r10"}}}], "t2i": [...]},
     "findings": [{"question": "hard" | "difference" | "wins", "direction", "first", "second",
                   "kind", "group", "queries", "images", "inside", "outside", "low", "high",
                   "odds_ratio", "odds_low", "odds_high", "p", "fdr"}, the surest first],
     "members": {"i2t": [{"kind", "group", "query_ids": of images, ascending}],
                 "t2i": [{..., of captions}], only the groups of findings within --fdr},
     "metadata": {...}}

    python -m error_analysis.slices --rankings runs/demo/lxmert/test.npz runs/demo/clip/test.npz \\
        --split_file datasets/demo/test.json --output runs/demo/slices.json \\
        --instances datasets/demo/annotations/instances_val2014.json --figures runs/demo/figures

The report shows them (`--slices`). A difference in a group says where to look and not why: words go
together. Two models on 5,000 images and 25,000 captions take 40 s and 2.1 GB on one CPU core.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from error_analysis.arguments import RankingsArguments
from error_analysis.queries.model_rankings import ModelRankings, ranks_sha256, read_each
from error_analysis.queries.protocol_galleries import description_of, galleries_of_models
from information_retrieval.ranking.protocols import Protocol
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction, QueryRanks, concatenate
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable, write_json
from preprocess.captions.split_file import Split, read_split
from preprocess.storage.images_file import ImagesFile

if TYPE_CHECKING:
    from error_analysis.slicing.groups import Groups


@dataclass(kw_only=True)
class SlicesArguments(RankingsArguments):
    output: Path = field(metadata={"help": "the JSON file to write"})
    protocol: Protocol | None = field(
        default=None, metadata={"help": "gallery; default: what the rankings were made for"}
    )
    instances: list[Path] = field(
        default_factory=list,
        metadata={"help": "COCO's instances JSON of the split's images: groups by objects"},
    )
    train_split_file: Path | None = field(
        default=None, metadata={"help": "split JSON whose captions tell how rare words are"}
    )
    images: Path | None = field(
        default=None, metadata={"help": "{split}_images.h5: groups by the images' quality"}
    )
    oracle: Path | None = field(
        default=None,
        metadata={"help": "rankings .npz of error_analysis.caption_oracle: groups by its rank"},
    )
    rules: bool = field(default=True, metadata={"help": "groups by the reasons of captions"})
    least_images: int = field(
        default=10, metadata={"help": "groups of fewer images, or that leave fewer, are not asked"}
    )
    fdr: float = field(
        default=0.05, metadata={"help": "false discovery rate of what is printed and drawn"}
    )
    figures: Path | None = field(default=None, metadata={"help": "folder for the figures"})


def whole_gallery(folds: Sequence[ModelRankings]) -> Split:
    """Return the gallery of all folds, images in their order."""
    images = tuple(image for fold in folds for image in fold.gallery.images)
    return replace(folds[0].gallery, images=images)


def group_queries(
    args: SlicesArguments,
    split: Split,
    folds: Sequence[ModelRankings],
    gallery: Split,
    protocol: Protocol,
) -> "dict[Direction, Groups]":
    """Read what tells queries apart, and return the groups of those of all folds."""
    # Not above: scikit-learn takes seconds to import.
    from error_analysis.predicting.feature_sources import Sources, features_of_folds
    from error_analysis.reasons.images.objects import read_instances
    from error_analysis.slicing.groups import groups_of, image_groups

    training = read_split(args.train_split_file) if args.train_split_file else None
    objects = read_instances(args.instances, gallery.image_ids) if args.instances else None
    sources = Sources(
        training_captions=training.captions if training else None,
        images=ImagesFile(args.images) if args.images else None,
        objects=objects,
        rules=args.rules,
        oracle=read_each([args.oracle], split)[0] if args.oracle else None,
    )
    progress = partial(tqdm, desc="measuring images", unit="image")
    features = features_of_folds([fold.gallery for fold in folds], sources, protocol, progress)
    by_image = image_groups(gallery, objects)
    return {
        direction: groups_of(gallery, direction, features[direction], by_image).with_images(
            args.least_images
        )
        for direction in DIRECTIONS
    }


def main() -> None:
    args = parse_arguments(SlicesArguments, description=__doc__)
    check_at_least("--least_images", args.least_images, 2)
    if not 0 < args.fdr < 1:
        raise InputError(f"--fdr: expected a number between 0 and 1, found {args.fdr}")
    check_writable(args.output)
    # Not above: SciPy takes a second to import.
    from error_analysis.slicing.slice_findings import find_slices, findings_table
    from error_analysis.slicing.slice_json import slices_to_json

    split = read_split(args.split_file)
    whole = read_each(args.rankings, split, args.names)
    galleries = galleries_of_models(whole, args.protocol)
    models = list(zip(*galleries, strict=True))  # of each, its folds
    gallery = whole_gallery(models[0])
    protocol = args.protocol or whole[0].protocol
    groups = group_queries(args, split, models[0], gallery, protocol)
    ranks: dict[str, dict[Direction, QueryRanks]] = {
        folds[0].name: {d: concatenate([f.query_ranks(d) for f in folds]) for d in DIRECTIONS}
        for folds in models
    }
    findings = find_slices(ranks, groups)
    metadata = {
        "models": [description_of(folds) for folds in models],
        "ranks_sha256": {model.name: ranks_sha256(model) for model in whole},
        "least_images": args.least_images,
        "fdr": args.fdr,
    }
    ids: dict[Direction, np.ndarray] = {"i2t": gallery.image_ids, "t2i": gallery.caption_ids}
    content = slices_to_json(ranks, groups, findings, ids, args.fdr)
    # Without indents: thousands of ids would have a line each.
    write_json(args.output, {**content, "metadata": metadata}, indent=None)
    print(findings_table(findings, args.fdr))
    written = [args.output]
    if args.figures:
        from error_analysis.slicing.slice_figure import write_difference_figures

        written += write_difference_figures(args.figures, findings, args.fdr)
    print(f"wrote {', '.join(map(str, written))}")


if __name__ == "__main__":
    run_command(main)
