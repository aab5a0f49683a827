"""Score a split with a model: ranks, recalls, and the score matrix for error analysis.

Reads a checkpoint, `{data_dir}/{split}.json` and, for LXMERT, `{split}_features.h5`, for CLIP,
`{split}_images.h5`. Writes the rankings (format: information_retrieval/rankings.py) and
`metrics.json` beside them, and prints the table.

    python -m information_retrieval.evaluate --model_name_or_path runs/demo/lxmert \\
        --data_dir datasets/demo --split test --protocol full --output runs/demo/lxmert/test.npz

Memory: 4 bytes a pair (20 MB for 1k, 0.5 GB for 5k), and for LXMERT of the published size 3 KB a
caption token and 110 KB an image (2 GB for 5k).
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
from preprocess.command_line import check_at_least, parse_arguments, run_command
from preprocess.device import torch_device
from preprocess.errors import InputError
from preprocess.features_file import FeaturesFile
from preprocess.files import check_writable, read_json, write_json
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
    num_workers: int = field(default=0, metadata={"help": "processes that read and decode images"})
    device: str = field(
        default="cuda" if torch.cuda.is_available() else "cpu",
        metadata={"help": "torch device to compute on"},
    )


def score_split(
    gallery: Split,
    name: str,
    features_file: Path,
    images_file: Path,
    device: torch.device,
    **options,
) -> np.ndarray:
    """Score a gallery with the scorer of the model's type.

    Args:
        name: checkpoint folder or hub id.
        features_file, images_file: of the gallery's split; the one that the model reads.
        options: of `cross_encoder.score_gallery` and `dual_encoder.score_gallery`, which both have.

    Returns:
        (n_images, n_captions) float32.
    """
    model = load_model(name).to(device)
    if model.config.model_type == "lxmert":
        tokenizer = load_tokenizer(name, model.config.vocab_size)
        features = FeaturesFile(features_file)
        check_feature_dim(features, model)
        token_ids = tokenize_captions(gallery, tokenizer, model.config.max_position_embeddings)
        return cross_encoder.score_gallery(model, token_ids, features, gallery.image_ids, **options)
    text = model.config.text_config
    tokenizer = load_tokenizer(name, text.vocab_size)
    return dual_encoder.score_gallery(
        model,
        tokenize_captions(gallery, tokenizer, text.max_position_embeddings),
        tokenizer.pad_token_id,
        ImagesFile(images_file),
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


def describe(name: str, split: Split, protocol: Protocol, dtype: str) -> dict:
    """Return the metadata of the rankings: what made them, from what."""
    return {
        "model": name,
        "weights": weights_revision(name),
        "dataset": split.dataset,
        "split": split.split,
        "split_sha256": split.sha256,
        "protocol": protocol,
        "dtype": dtype,
        "axes": ["image", "caption"],
        "code_version": code_version(),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "command": sys.argv,
    }


def metrics_file(rankings_file: Path) -> Path:
    """Return where the metrics of a rankings file go: `metrics.json` beside it.

    Raises:
        InputError: the rankings are not called .npz, or the metrics of others are there.
    """
    if rankings_file.suffix != ".npz":
        raise InputError(f"--output {rankings_file}: expected a name that ends in .npz")
    path = rankings_file.with_name("metrics.json")
    if path.exists():
        content = read_json(path, "delete it")
        found = content.get("rankings") if isinstance(content, dict) else None
        if found != rankings_file.name:
            raise InputError(
                f"{path}: holds the metrics of {found}, expected {rankings_file.name}; give each "
                "evaluation a folder of its own"
            )
    return path


def main() -> None:
    model_arguments, data, args = parse_arguments(
        ModelArguments, DataArguments, EvaluateArguments, description=__doc__
    )
    check_at_least("--batch_size", args.batch_size, 1)
    check_at_least("--num_workers", args.num_workers, 0)
    device = torch_device(args.device)
    metrics_path = metrics_file(args.output)
    check_writable(args.output)
    split = read_split(data.split_file(args.split))
    gallery = protocol_split(split, args.protocol)
    name = model_arguments.model_name_or_path
    scores = score_split(
        gallery,
        name,
        data.features_file(args.split),
        data.images_file(args.split),
        device,
        dtype=getattr(torch, args.dtype),
        batch_size=args.batch_size,
        num_workers=args.num_workers,
    )
    metadata = describe(name, split, args.protocol, args.dtype)
    rankings = rank_scores(scores, gallery, metadata)
    result = protocol_metrics(scores, gallery.caption_image_index, args.protocol)
    write_rankings(args.output, rankings)
    write_json(
        metrics_path, {**result, "rankings": args.output.name, "metadata": rankings.metadata}
    )
    print(metrics_table(result))
    print(f"wrote {args.output} and {metrics_path}")


if __name__ == "__main__":
    run_command(main)
