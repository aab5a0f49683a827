"""What storing region features in float16 changes in LXMERT's scores and ranks.

Scores a split twice with a fine-tuned LXMERT, with its float32 features and with the same rounded
to float16, and prints how far scores and ranks move.

    python -m benchmarks.float16_features --model_name_or_path runs/demo/lxmert \\
        --data_dir datasets/demo
"""

from dataclasses import dataclass, field

import numpy as np
import torch

from information_retrieval.models.arguments import DataArguments, ModelArguments
from information_retrieval.models.checkpoint import load_model, load_tokenizer
from information_retrieval.models.lxmert.encoded_gallery import (
    EncodedGallery,
    encode_captions,
    encode_images,
)
from information_retrieval.models.lxmert.region_features import check_feature_dim, stack_float32
from information_retrieval.models.tokenization import tokenize_captions
from information_retrieval.ranking.metrics import retrieval_metrics
from information_retrieval.ranking.query_ranks import DIRECTIONS
from information_retrieval.ranking.rank_counter import count_ranks
from information_retrieval.scoring.all_pairs import score_all
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.captions.split_file import read_split
from preprocess.storage.features_file import FeaturesFile


@dataclass
class Float16FeaturesArguments:
    split: str = field(default="test", metadata={"help": "split to score"})


def main() -> None:
    model_arguments, data, arguments = parse_arguments(
        ModelArguments, DataArguments, Float16FeaturesArguments, description=__doc__
    )
    split = read_split(data.split_file(arguments.split))
    features = FeaturesFile(data.features_file(arguments.split))
    model = load_model(model_arguments.model_name_or_path)
    check_feature_dim(features, model)
    tokenizer = load_tokenizer(model_arguments.model_name_or_path, model.config.vocab_size)
    token_ids = tokenize_captions(split, tokenizer, model.config.max_position_embeddings).token_ids
    regions = [features.read(image_id) for image_id in split.image_ids]
    feats = np.stack([of_image["visual_feats"] for of_image in regions])
    if feats.dtype != np.float32:
        raise InputError(f"{features.path}: expected float32 features, found {feats.dtype}")
    visual_pos = stack_float32([of_image["visual_pos"] for of_image in regions])
    scores = []
    captions = encode_captions(model, token_ids, batch_size=64)
    for stored in (feats, feats.astype(np.float16)):
        images = encode_images(model, [(stack_float32(list(stored)), visual_pos)])
        gallery = EncodedGallery(model, images, captions, torch.float32)
        scores.append(
            score_all(gallery, gallery.column_blocks, gallery.n_images, gallery.n_captions, True)
        )
    exact, rounded = scores
    ranks = [count_ranks(matrix, split.caption_image_index) for matrix in scores]
    metrics = [retrieval_metrics(of_scores) for of_scores in ranks]
    print(f"scores: {exact.size:,} from {exact.min():.2f} to {exact.max():.2f}")
    print(f"largest change of a score: {np.abs(rounded - exact).max():.2g}")
    for direction in DIRECTIONS:
        before, after = (of_scores.of(direction).ranks() for of_scores in ranks)
        print(
            f"{direction}: {np.count_nonzero(before != after)} of {len(before)} ranks move, by "
            f"{np.abs(before - after).max():g} at most"
        )
    print(f"rsum: {metrics[0]['rsum']:.2f} with float32, {metrics[1]['rsum']:.2f} with float16")


if __name__ == "__main__":
    run_command(main)
