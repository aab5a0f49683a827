"""Rank a whole split with a model, and keep the first k documents of every image and caption.

Of the training split of COCO the scores are 6 * 10^10, 257 GB: here they are looked at block by
block and never kept. What hard negatives for fine-tuning are drawn from.

Reads a checkpoint, `{data_dir}/{split}.json` and the HDF5 file that the model takes. Writes top
rankings (format: information_retrieval/ranking/top_rankings.py).

    python -m information_retrieval.rank_top --model_name_or_path demo/models/clip \\
        --data_dir datasets/demo --split train --top_k 50 --output runs/demo/clip/train_top.npz

For a dual encoder such as CLIP: a cross-encoder takes days for a training split. Memory: 24 bytes
a kept document (0.8 GB for COCO's and k = 50) and the embeddings (1.4 GB). Ended early, it begins
anew, with nothing half-written.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from information_retrieval.models.arguments import (
    ComputeArguments,
    DataArguments,
    InputArguments,
    ModelArguments,
    ScoreArguments,
)
from information_retrieval.ranking.gallery import check_made_by
from information_retrieval.ranking.top_rankings import TopRankings, write_top_rankings
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable
from preprocess.captions.split_file import read_split


@dataclass(kw_only=True)
class RankTopArguments(ScoreArguments, ComputeArguments):
    output: Path = field(metadata={"help": "the .npz of top rankings to write"})
    split: str = field(default="train", metadata={"help": "split to rank, all of it"})
    top_k: int = field(default=50, metadata={"help": "documents kept of each query"})


def main() -> None:
    model_arguments, odd, data, args = parse_arguments(
        ModelArguments, InputArguments, DataArguments, RankTopArguments, description=__doc__
    )
    # Not above: torch takes seconds to import, --help and a mistyped option should not.
    from information_retrieval.models.loaded_gallery import GalleryFiles, encoder_options
    from information_retrieval.models.loading import load_gallery
    from information_retrieval.scoring.evaluation_output import describe
    from information_retrieval.scoring.top_scores import top_of_all
    from preprocess.base.device import torch_device

    check_at_least("--top_k", args.top_k, 1)
    if args.output.suffix != ".npz":
        raise InputError(f"--output {args.output}: expected a name that ends in .npz")
    check_writable(args.output)
    check_made_by(args.output, "top_k")
    name = model_arguments.model_name_or_path
    gallery = read_split(data.split_file(args.split))
    files = GalleryFiles(data.features_file(args.split), data.images_file(args.split))
    options = encoder_options(args, odd, score=args.score)
    loaded = load_gallery(name, gallery, files, torch_device(args.device), options)
    for line in loaded.tokens.warnings():
        print(line, file=sys.stderr)
    captions, images = top_of_all(loaded, gallery, args.top_k)
    metadata = describe(name, gallery, "full", loaded.identity)
    top = TopRankings(
        captions=captions.documents,
        images=images.documents,
        caption_scores=captions.scores,
        image_scores=images.scores,
        image_ids=gallery.image_ids,
        caption_ids=gallery.caption_ids,
        metadata={**metadata, **loaded.tokens.to_json(), "top_k": args.top_k},
    )
    write_top_rankings(args.output, top)
    print(f"wrote {args.output}")


if __name__ == "__main__":
    run_command(main)
