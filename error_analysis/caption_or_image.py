"""Is an image hard to find for its captions, or for itself? Ask with what a captioner says of it.

Reads, of one or more models, the rankings of a split and those of the same split with generated
captions, one an image (both are made by captioning.self_retrieval), and the two split files. An
image is hard by human captions where more than half of them have a rank >= 10, and hard by the
generated one where that has. Prints and writes for each model the 2 x 2 table, with examples of
each kind, and what is expected of one human caption, drawn at random, in the place of them all: as
the majority of several captions is rarely hard, only that compares with one generated caption. Of
it are recall at 10 by either, and the p of their difference, from permutations by image:

    {"models": {"clip": {"images": 240,
                         "counts": {"hard by both": 31, "by human captions alone": 24,
                                    "by the generated alone": 15, "by neither": 170},
                         "expected_counts": {"hard by both": 33.2,
                                             "by human captions alone": 29.0,
                                             "by the generated alone": 12.8, "by neither": 165.0},
                         "recall": {"human": 74.1, "generated": 80.8, "by_image_p": 0.03},
                         "image_ids": {"hard by both": [...], ...},
                         "examples": {"hard by both": [{"image_id": 42, "file_name": ...,
                             "human": [{"caption": ..., "rank": 31}, ...],
                             "generated": {"caption": ..., "rank": 12},
                             "first": {"image_id": 7, "generated": "what is said of that one"}},
                             ...], ...}}},
     "metadata": {"hard_rank": 10, ...}}

    python -m error_analysis.caption_or_image \\
        --rankings runs/clip_lstm/self_retrieval/human/test.npz \\
        --generated_rankings runs/clip_lstm/self_retrieval/generated/test.npz \\
        --split_file datasets/demo/test.json \\
        --generated_split_file runs/clip_lstm/self_retrieval/generated/test.json \\
        --names clip --output runs/clip_lstm/caption_or_image.json

error_analysis.report shows the table, and all images of each kind (--caption_or_image).

Hard by human captions alone: the captions are the reason. Hard by both: the image is, or what the
model sees of it, or the captioner saw no more. One model on 5,000 images takes as long as reading
its rankings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from captioning.self_retrieving.same_model import check_made_alike
from error_analysis.arguments import RankingsArguments
from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.model_rankings import ModelRankings, check_same_gallery, read_each
from error_analysis.queries.query import describe_queries
from error_analysis.queries.query_json import number
from error_analysis.statistics.hard_images import KINDS, HardImages, hard_images
from error_analysis.statistics.proportions import share_with_interval
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable, write_json
from preprocess.captions.split_file import read_split

PRINTED = 2  # examples of a kind


@dataclass(kw_only=True)
class CaptionOrImageArguments(RankingsArguments):
    generated_rankings: list[Path] = field(
        metadata={"help": "rankings .npz by the generated captions, in the order of --rankings"}
    )
    generated_split_file: Path = field(
        metadata={"help": "split JSON of the generated captions, one an image"}
    )
    output: Path = field(metadata={"help": "the JSON file to write"})
    hard_rank: int = field(
        default=HARD_RANK, metadata={"help": "a query is hard from this 0-based rank on"}
    )
    n_examples: int = field(default=20, metadata={"help": "images of each kind that are shown"})
    seed: int = field(default=0, metadata={"help": "seed of the permutations"})


def read_pairs(args: CaptionOrImageArguments) -> list[tuple[ModelRankings, ModelRankings]]:
    """Return, of each model, its rankings by human and by generated captions.

    Raises:
        InputError: other numbers of files, rankings of other models, images or splits, or an image
            with several generated captions.
    """
    if len(args.rankings) != len(args.generated_rankings):
        raise InputError(
            f"--generated_rankings: expected {len(args.rankings)}, one for each file of "
            f"--rankings, found {len(args.generated_rankings)}"
        )
    human = read_each(args.rankings, read_split(args.split_file), args.names)
    check_same_gallery(human)
    names = [model.name for model in human]
    split = read_split(args.generated_split_file)
    several = [image.image_id for image in split.images if len(image.captions) > 1]
    if several:
        raise InputError(
            f"{args.generated_split_file}: expected one caption an image, found several of image "
            f"{several[0]}; give the split file that captioning.self_retrieval wrote"
        )
    generated = read_each(args.generated_rankings, split, names)
    pairs = list(zip(human, generated, strict=True))
    for own, other in pairs:
        check_made_alike(own.rankings, other.rankings)
    return pairs


def examples_of(human: ModelRankings, generated: ModelRankings, rows: Sequence[int]) -> list[dict]:
    """Return images with their captions and ranks, and what stands first for the generated one."""
    ranks = human.query_ranks("t2i").ranks()
    index = human.rankings.caption_image_index
    starts = np.searchsorted(index, np.arange(len(human.gallery.images)))
    row_of = {image_id: row for row, image_id in enumerate(generated.rankings.image_ids.tolist())}
    shown = []
    for row, query in zip(rows, describe_queries(generated, "t2i", rows, 1), strict=True):
        image, first = human.gallery.images[row], query.retrieved[0].item.image_id
        own = zip(image.captions, ranks[starts[row] :].tolist(), strict=False)
        shown.append(
            {
                "image_id": image.image_id,
                "file_name": image.file_name,
                "human": [{"caption": c.caption, "rank": number(rank)} for c, rank in own],
                "generated": {"caption": query.item.caption, "rank": number(query.rank)},
                "first": {
                    "image_id": first,
                    "generated": generated.gallery.captions[row_of[first]],
                },
            }
        )
    return shown


def to_json(found: HardImages, human: ModelRankings, generated: ModelRankings, n: int) -> dict:
    """Return the content of the output file for one model, with `n` examples of each kind."""
    rows = {kind: found.rows(kind) for kind in KINDS}
    image_ids = human.rankings.image_ids
    return {
        "images": len(found.human),
        "counts": found.counts(),
        "expected_counts": found.expected_counts(),
        "recall": {
            "human": found.human_recall,
            "generated": found.generated_recall,
            "by_image_p": found.by_image_p,
        },
        "image_ids": {kind: image_ids[of_kind].tolist() for kind, of_kind in rows.items()},
        "examples": {
            kind: examples_of(human, generated, of_kind[:n].tolist())
            for kind, of_kind in rows.items()
        },
    }


def report(name: str, content: dict, hard_rank: int) -> str:
    """Return what the command prints of one model."""
    counts, n_images, recall = content["counts"], content["images"], content["recall"]
    expected = content["expected_counts"]
    lines = [f"{name}: {n_images:,} images, hard (rank >= {hard_rank})"]
    lines += [
        f"  {kind:24} {share_with_interval(counts[kind], n_images)}; "
        f"of one human caption {expected[kind]:,.1f}"
        for kind in KINDS
    ]
    lines.append(
        f"  recall at {hard_rank}: {recall['human']:.1f} % by human captions, "
        f"{recall['generated']:.1f} % by generated ones, p {recall['by_image_p']:.3g} by image"
    )
    for kind in KINDS[:-1]:
        for shown in content["examples"][kind][:PRINTED]:
            generated, first = shown["generated"], shown["first"]
            lines.append(f"  {kind}: image {shown['image_id']}, {shown['file_name']}")
            lines += [f"    {one['rank']:>6}  {one['caption'].strip()}" for one in shown["human"]]
            lines.append(f"    {generated['rank']:>6}  {generated['caption']}  (generated)")
            if first["image_id"] != shown["image_id"]:
                lines.append(f"            first: image {first['image_id']}, {first['generated']}")
    return "\n".join(lines)


def main() -> None:
    args = parse_arguments(CaptionOrImageArguments, description=__doc__)
    for option, least in (("hard_rank", 1), ("n_examples", 0), ("seed", 0)):
        check_at_least(f"--{option}", getattr(args, option), least)
    check_writable(args.output)
    pairs = read_pairs(args)
    content = {}
    for human, generated in pairs:
        found = hard_images(human, generated, np.random.default_rng(args.seed), args.hard_rank)
        content[human.name] = to_json(found, human, generated, args.n_examples)
        print(report(human.name, content[human.name], args.hard_rank))
    half = "more than half of an image's human captions, or its generated one"
    metadata = {
        "models": [human.description() for human, _ in pairs],
        "generated": [generated.description() for _, generated in pairs],
        "hard_rank": args.hard_rank,
        "rules": {"hard": f"rank >= {args.hard_rank} of {half}"},
        "seed": args.seed,
    }
    write_json(args.output, {"models": content, "metadata": metadata})
    print(f"wrote {args.output}")


if __name__ == "__main__":
    run_command(main)
