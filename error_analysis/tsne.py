"""Draw images and captions of a split in one t-SNE, with a line from each image to its captions.

Reads a dual encoder (CLIP, SigLIP, Sx3HRe, ...; of an X-VLM the contrastive half),
`{data_dir}/{split}.json` and `{split}_images.h5`. A sample of images and captions is embedded, and
laid out together by one t-SNE of their cosines. Writes a JSON, and the picture beside it as .png
and .pdf:

    {"numbers": {"embeddings": {"mean_cosine_of_pairs", "mean_cosine_of_others",
                                "distance_of_means", "share_among_10_nearest"},
                 "less_means": {the same} (with --modality_means subtract),
                 "picture": {"share_among_10_nearest"}, "chance": {"share_among_10_nearest"}},
     "images": [{"image_id", "x", "y"}, ...],
     "captions": [{"caption_id", "image_id", "caption", "x", "y"}, ...], "metadata"}

    python -m error_analysis.tsne --model_name_or_path demo/models/clip \\
        --data_dir datasets/demo --split test --rankings runs/demo/clip/test.npz \\
        --output runs/demo/clip/tsne.json

"others" are an image and the caption of another image; "distance_of_means" is that between the mean
image and the mean caption, both of unit vectors: the modality gap. The share is that of the pairs
whose caption is among the 10 captions nearest to its image: by the picture's it is seen what the
picture loses. Who is near whom is all that a t-SNE keeps: distances between far groups, and the
size of groups, mean nothing.

With --rankings, lines of hard captions (rank >= 10 in the gallery that was ranked) are dark, and
captions have their "rank" in the JSON. Besides the embedding, 100 pairs take a second on one CPU
core, and 5,000 pairs 75 seconds.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.model_rankings import ModelRankings, read_model_rankings
from error_analysis.statistics.joint_tsne import (
    PairPoints,
    check_perplexity,
    joint_tsne,
    numbers_of,
)
from error_analysis.statistics.pair_figure import HardCaptions, pair_figure
from information_retrieval.models.arguments import (
    ComputeArguments,
    DataArguments,
    InputArguments,
    ModelArguments,
)
from information_retrieval.scoring.evaluation_output import code_version
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import atomic_path, check_writable, write_json
from preprocess.captions.split_file import Split, read_split

FIGURE_FORMATS = ("png", "pdf")
DOTS_PER_INCH = 150
SHARE = "share_among_10_nearest"
COSINES = ("mean_cosine_of_pairs", "mean_cosine_of_others", "distance_of_means")
SPACES = {"embeddings": "embeddings", "less_means": "less means"}


@dataclass(kw_only=True)
class TsneArguments(ComputeArguments):
    output: Path = field(metadata={"help": "the JSON file to write; .png and .pdf go beside it"})
    split: str = field(default="test", metadata={"help": "split whose images are drawn"})
    n_images: int = field(default=100, metadata={"help": "images drawn from the split, by --seed"})
    captions_per_image: int = field(default=1, metadata={"help": "captions drawn of each image"})
    perplexity: float = field(
        default=30.0,
        metadata={"help": "about how many neighbours count; less than images and captions"},
    )
    modality_means: Literal["keep", "subtract"] = field(
        default="keep",
        metadata={
            "help": "subtract: of each image the mean image, of each caption the mean caption, "
            "which otherwise lie apart as two islands"
        },
    )
    rankings: Path | None = field(
        default=None,
        metadata={
            "help": "rankings .npz of this split, by any model: lines of hard captions are dark; "
            "images are drawn from those ranked"
        },
    )
    hard_rank: int | None = field(
        default=None,
        metadata={
            "help": "with --rankings: a caption is hard from this 0-based rank on (default: "
            f"{HARD_RANK})"
        },
    )
    seed: int = field(default=0, metadata={"help": "seed of the sample and of the t-SNE"})

    def __post_init__(self) -> None:
        super().__post_init__()
        for option, least in (("n_images", 2), ("captions_per_image", 1), ("seed", 0)):
            check_at_least(f"--{option}", getattr(self, option), least)
        if self.hard_rank is not None:
            if self.rankings is None:
                raise InputError("--hard_rank: belongs to --rankings")
            check_at_least("--hard_rank", self.hard_rank, 1)
        if self.output.suffix != ".json":
            raise InputError(f"--output {self.output}: expected a name that ends in .json")


def hard_captions(
    gallery: Split, ranked: ModelRankings | None, hard_rank: int | None
) -> HardCaptions | None:
    """Return how well the captions of a sample find their image; None without rankings."""
    if ranked is None:
        return None
    ids, ranks = ranked.rankings.caption_ids.tolist(), ranked.query_ranks("t2i").ranks().tolist()
    rank_of = dict(zip(ids, ranks, strict=True))
    of_sample = np.array([rank_of[i] for i in gallery.caption_ids.tolist()])
    return HardCaptions(of_sample, HARD_RANK if hard_rank is None else hard_rank, ranked.name)


def points_to_json(gallery: Split, picture: PairPoints, hard: HardCaptions | None) -> dict:
    """Return the images and captions with their places in the picture."""

    def places(points: np.ndarray) -> list[dict[str, float]]:
        return [{"x": x, "y": y} for x, y in points.tolist()]

    images = [
        {"image_id": image.image_id, **place}
        for image, place in zip(gallery.images, places(picture.images), strict=True)
    ]
    named = [(image, caption) for image in gallery.images for caption in image.captions]
    captions = [
        {"caption_id": c.caption_id, "image_id": image.image_id, "caption": c.caption, **place}
        for (image, c), place in zip(named, places(picture.captions), strict=True)
    ]
    if hard is not None:
        for caption, rank in zip(captions, hard.ranks.tolist(), strict=True):
            caption["rank"] = rank
    return {"images": images, "captions": captions}


def title_of(name: str, gallery: Split, subtracted: bool) -> str:
    """Return whose embeddings of what are shown, by the last part of the model's name."""
    counts = f"{len(gallery.images):,} images and {len(gallery.captions):,} captions"
    less = ", less the mean image and the mean caption" if subtracted else ""
    return f"{Path(name).resolve().name}: {counts} of {gallery.dataset}, {gallery.split}{less}"


def notes_of(numbers: dict[str, dict[str, float]], perplexity: float) -> list[str]:
    """Return what stands below the picture and is printed: what is so, and what it shows of it."""
    notes = []
    shares = {space: f"{100 * one[SHARE]:.0f} %" for space, one in numbers.items()}
    for space, label in SPACES.items():
        if space in numbers:
            # Of -0.001, "0.00".
            cosine, others, gap = (round(numbers[space][name], 2) + 0.0 for name in COSINES)
            notes.append(
                f"{label}: cosine of pairs {cosine:.2f}, of an image and another's caption "
                f"{others:.2f}; the two means are {gap:.2f} apart"
            )
    by_space = ", ".join(
        f"{label} {shares[space]}" for space, label in SPACES.items() if space in shares
    )
    notes.append(
        f"captions among the 10 nearest to their image: {by_space}, picture {shares['picture']}, "
        f"chance {shares['chance']}"
    )
    notes.append(
        f"distances between far groups of a t-SNE mean nothing (perplexity {perplexity:g})"
    )
    return notes


def read_ranked(args: TsneArguments, split: Split) -> ModelRankings | None:
    """Read --rankings, if they are given."""
    if args.rankings is None:
        return None
    [ranked] = read_model_rankings([args.rankings], split)
    if ranked.protocol == "5fold":
        print(f"ranks are those in the one gallery of all {len(ranked.gallery.images):,} images")
    return ranked


def describe(
    args: TsneArguments,
    name: str,
    split: Split,
    identity: dict[str, str],
    hard: HardCaptions | None,
) -> dict:
    """Return the metadata of the output."""
    told = ("n_images", "captions_per_image", "perplexity", "modality_means", "seed")
    metadata = {
        "model": name,
        **identity,
        "dataset": split.dataset,
        "split": split.split,
        "split_sha256": split.sha256,
        "dtype": args.dtype,
        **{option: getattr(args, option) for option in told},
    }
    if hard is not None:
        metadata |= {"rankings": str(args.rankings), "hard_rank": hard.hard_rank}
    return {**metadata, "code_version": code_version(), "command": sys.argv}


def main() -> None:
    model_arguments, odd, data, args = parse_arguments(
        ModelArguments, InputArguments, DataArguments, TsneArguments, description=__doc__
    )
    # Not above: torch takes seconds to import, --help and a mistyped option should not.
    from error_analysis.probing.pair_embeddings import (
        check_is_dual_encoder,
        draw_pairs,
        embed_pairs,
    )
    from error_analysis.probing.probed_captions import ScoringModel
    from information_retrieval.models.loaded_gallery import GalleryFiles, encoder_options
    from preprocess.base.device import torch_device

    name = model_arguments.model_name_or_path
    check_writable(args.output)
    check_is_dual_encoder(name)
    split = read_split(data.split_file(args.split))
    ranked = read_ranked(args, split)
    generator = np.random.default_rng(args.seed)
    ranked_or_all = ranked.gallery if ranked else split
    gallery = draw_pairs(ranked_or_all, args.n_images, args.captions_per_image, generator)
    check_perplexity(args.perplexity, len(gallery.images) + len(gallery.captions))
    files = GalleryFiles(data.features_file(args.split), data.images_file(args.split))
    model = ScoringModel(name, files, torch_device(args.device), encoder_options(args, odd))
    embedded = embed_pairs(gallery, model)
    subtracted = args.modality_means == "subtract"
    points = embedded.points.less_means() if subtracted else embedded.points
    picture = joint_tsne(points, args.perplexity, args.seed)
    numbers = numbers_of(embedded.points, picture, subtracted)
    hard = hard_captions(gallery, ranked, args.hard_rank)
    title = title_of(name, gallery, subtracted)
    notes = notes_of(numbers, args.perplexity)
    figure = pair_figure(picture, title, notes, hard)
    for kind in FIGURE_FORMATS:
        with atomic_path(args.output.with_suffix(f".{kind}")) as partial:
            figure.savefig(partial, format=kind, dpi=DOTS_PER_INCH)
    metadata = describe(args, name, split, embedded.identity, hard)
    content = {"numbers": numbers, **points_to_json(gallery, picture, hard), "metadata": metadata}
    write_json(args.output, content)
    print(*embedded.warnings, title, *notes, sep="\n")
    print(f"wrote {args.output}, and .{' and .'.join(FIGURE_FORMATS)} beside it")


if __name__ == "__main__":
    run_command(main)
