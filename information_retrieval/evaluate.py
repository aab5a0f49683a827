"""Score a split with a model: ranks, recalls, and the score matrix for error analysis.

Reads a checkpoint, `{data_dir}/{split}.json` and, for LXMERT, `{split}_features.h5`, for CLIP,
`{split}_images.h5`. Writes the rankings (format: information_retrieval/rankings.py) and
`metrics.json` beside them, and prints the table.

    python -m information_retrieval.evaluate --model_name_or_path runs/demo/lxmert \\
        --data_dir datasets/demo --split test --protocol full --output runs/demo/lxmert/test.npz

Memory: 4 bytes a pair (20 MB for 1k, 0.5 GB for 5k), and for LXMERT 3 KB a caption token. Time:
see the README.
"""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import transformers

from information_retrieval import cross_encoder, dual_encoder
from information_retrieval.arguments import DataArguments, ModelArguments
from information_retrieval.checkpoint import (
    load_image_processor,
    load_model,
    load_tokenizer,
    weights_revision,
)
from information_retrieval.dataset import check_feature_dim
from information_retrieval.protocols import (
    Protocol,
    metrics_table,
    protocol_metrics,
    protocol_split,
)
from information_retrieval.rankings import rank_scores, write_rankings
from information_retrieval.tokenization import tokenize_captions
from preprocess.command_line import parse_arguments, run_command
from preprocess.features_file import FeaturesFile
from preprocess.files import write_json
from preprocess.images_file import ImagesFile
from preprocess.split_file import Split, read_split


@dataclass
class EvaluateArguments:
    output: Path = field(metadata={"help": "the rankings .npz to write; metrics.json goes beside"})
    split: str = field(default="test", metadata={"help": "split to score"})
    protocol: Protocol = field(
        default="1k",
        metadata={
            "help": "1k: first 1,000 images; 5fold: mean over five galleries of 1,000; 5k: first "
            "5,000; full: every image and caption of the split"
        },
    )
    dtype: Literal["float32", "bfloat16", "float16"] = field(
        default="float32", metadata={"help": "type that the model computes in (autocast)"}
    )
    batch_size: int = field(default=64, metadata={"help": "images or captions encoded at once"})
    block_pairs: int = field(
        default=512, metadata={"help": "pairs in a block of the cross layers (LXMERT)"}
    )
    num_workers: int = field(default=0, metadata={"help": "processes that read and decode images"})
    device: str = field(
        default="cuda" if torch.cuda.is_available() else "cpu",
        metadata={"help": "torch device to compute on"},
    )


def score_split(
    gallery: Split, model_arguments: ModelArguments, data: DataArguments, args: EvaluateArguments
) -> np.ndarray:
    """Score the gallery with the scorer of the model's type: (n_images, n_captions) float32."""
    name = model_arguments.model_name_or_path
    model = load_model(name).to(args.device)
    tokenizer = load_tokenizer(name)
    options = {
        "dtype": getattr(torch, args.dtype),
        "batch_size": args.batch_size,
        "num_workers": args.num_workers,
    }
    if model.config.model_type == "lxmert":
        features = FeaturesFile(data.features_file(args.split))
        check_feature_dim(features, model)
        return cross_encoder.score_gallery(
            model,
            tokenize_captions(gallery, tokenizer, model.config.max_position_embeddings),
            features,
            gallery.image_ids,
            block_pairs=args.block_pairs,
            **options,
        )
    return dual_encoder.score_gallery(
        model,
        tokenize_captions(gallery, tokenizer, model.config.text_config.max_position_embeddings),
        tokenizer.pad_token_id,
        ImagesFile(data.images_file(args.split)),
        gallery.image_ids,
        load_image_processor(name),
        **options,
    )


def code_version() -> str:
    """Return the git commit of this code, "-dirty" when changed, or "unknown" outside git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        described = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return described.stdout.strip()


def main() -> None:
    model_arguments, data, args = parse_arguments(
        ModelArguments, DataArguments, EvaluateArguments, description=__doc__
    )
    split = read_split(data.split_file(args.split))
    gallery = protocol_split(split, args.protocol)
    scores = score_split(gallery, model_arguments, data, args)
    name = model_arguments.model_name_or_path
    metadata = {
        "model": name,
        "weights": weights_revision(name),
        "dataset": split.dataset,
        "split": split.split,
        "split_sha256": split.sha256,
        "protocol": args.protocol,
        "dtype": args.dtype,
        "axes": ["image", "caption"],
        "code_version": code_version(),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "command": sys.argv,
    }
    rankings = rank_scores(scores, gallery, metadata)
    metadata["ties"] = {
        "i2t_queries": int((rankings.ranks.i2t.tied > 0).sum()),
        "t2i_queries": int((rankings.ranks.t2i.tied > 0).sum()),
    }
    result = protocol_metrics(scores, gallery.caption_image_index, args.protocol)
    write_rankings(args.output, rankings)
    metrics_path = args.output.with_name("metrics.json")
    write_json(metrics_path, {**result, "metadata": metadata})
    print(metrics_table(result))
    print(f"wrote {args.output} and {metrics_path}")


if __name__ == "__main__":
    run_command(main)
