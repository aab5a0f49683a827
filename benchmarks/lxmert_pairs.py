"""What LXMERT's benchmarks score: random models, captions and regions; and the arithmetic of it."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import pad
from transformers import LxmertConfig

from information_retrieval.models.lxmert.cross_layers import BlockOptions
from information_retrieval.models.lxmert.encoded_gallery import (
    EncodedGallery,
    encode_captions,
    encode_images,
)
from information_retrieval.models.lxmert.model import LxmertForImageTextMatching
from information_retrieval.models.tokenization import pad_tokens
from information_retrieval.ranking.query_ranks import DIRECTIONS
from information_retrieval.ranking.rank_counter import count_ranks

# How many of the 25,000 captions of COCO's test split (Karpathy's) have so many of BERT's tokens,
# [CLS] and [SEP] included: 13.8 on average.
LENGTHS = {8: 1, 9: 77, 10: 908, 11: 3156, 12: 4569, 13: 4783, 14: 3901, 15: 2741, 16: 1792}
LENGTHS |= {17: 1101, 18: 671, 19: 404, 20: 281, 21: 170, 22: 119, 23: 79, 24: 53, 25: 39, 26: 39}
LENGTHS |= {27: 25, 28: 22, 29: 16, 30: 5, 31: 10, 32: 6, 33: 5, 34: 4, 35: 3, 36: 3, 37: 1, 39: 2}
LENGTHS |= {40: 2, 41: 2, 45: 3, 46: 1, 49: 2, 52: 2, 54: 1, 55: 1}
FIXED_LENGTH, PLAIN_BATCH, N_REGIONS = 70, 64, 36
BATCH = 64  # images or captions encoded at once, and images of a tile
TokenIds = list[list[int]]  # of captions, unpadded
Regions = tuple[torch.Tensor, torch.Tensor]  # visual_feats, visual_pos


def random_model(config: LxmertConfig | None = None) -> LxmertForImageTextMatching:
    """Make an LXMERT of the published size, or of another, with biases and norms perturbed."""
    torch.manual_seed(0)
    model = LxmertForImageTextMatching(config or LxmertConfig()).eval()
    perturb(model)
    return model


def perturb(model: torch.nn.Module) -> None:
    """Move biases and norms away from 0 and 1, in place, so that every weight counts."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.add_(0.1 * torch.randn_like(parameter))
            elif parameter.dim() == 1:  # of a norm
                parameter.mul_(1 + 0.2 * torch.randn_like(parameter))


def random_captions(vocabulary: int, n_captions: int, counts: dict[int, int] = LENGTHS) -> TokenIds:
    """Draw token ids of `n_captions` captions, which have COCO's lengths as nearly as they can.

    Args:
        counts: of captions, by their length.
    """
    generator = np.random.default_rng(0)
    lengths = np.repeat(list(counts), list(counts.values()))
    places = (np.arange(n_captions) + 0.5) / n_captions * len(lengths)
    lengths = generator.permutation(lengths[places.astype(int)])
    least = min(1000, vocabulary // 2)  # BERT's words start there
    return [generator.integers(least, vocabulary, length).tolist() for length in lengths]


def random_regions(feature_dim: int, n_images: int) -> Regions:
    feats = torch.randn(n_images, N_REGIONS, feature_dim).relu_()
    return feats, torch.rand(n_images, N_REGIONS, 4)


def plain_scores(
    model: LxmertForImageTextMatching,
    token_ids: TokenIds,
    images: Regions,
    least_length: int,
    pairs_at_once: int = PLAIN_BATCH,
) -> np.ndarray:
    """Score by the model's forward, captions padded to `least_length` tokens or more."""
    visual_feats, visual_pos = images
    rows = torch.arange(len(visual_feats)).repeat_interleave(len(token_ids))
    logits = []
    for start in range(0, len(rows), pairs_at_once):
        batch = rows[start : start + pairs_at_once]
        columns = (torch.arange(start, start + len(batch)) % len(token_ids)).tolist()
        tokens = pad_tokens([token_ids[column] for column in columns], pad_id=0)
        missing = max(0, least_length - tokens["input_ids"].shape[1])
        tokens = {key: pad(value, (0, missing)).to(model.device) for key, value in tokens.items()}
        batch = batch.to(model.device)
        output = model(**tokens, visual_feats=visual_feats[batch], visual_pos=visual_pos[batch])
        logits.append(output.logits.float())
    return torch.cat(logits).view(len(visual_feats), -1).cpu().numpy()


def encoded(
    model: LxmertForImageTextMatching,
    token_ids: TokenIds,
    images: Regions,
    dtype: torch.dtype,
    options: BlockOptions = BlockOptions(),  # noqa: B008 (frozen)
) -> EncodedGallery:
    """Encode each caption and each image once, as evaluation does."""
    batches = zip(*(part.split(BATCH) for part in images), strict=True)
    vision, groups = encode_images(model, batches), encode_captions(model, token_ids, BATCH)
    return EncodedGallery(model, vision, groups, dtype, options)


def attention_flop(config: LxmertConfig, queries: float, keys: float) -> float:
    """Count the arithmetic of an attention: projections, products, output."""
    hidden = config.hidden_size
    return 4 * hidden * hidden * (queries + keys) + 4 * queries * keys * hidden


def layer_flop(config: LxmertConfig, tokens: float) -> float:
    """Count the arithmetic of a self-attention and a feed-forward."""
    feed_forward = 4 * tokens * config.hidden_size * config.intermediate_size
    return attention_flop(config, tokens, tokens) + feed_forward


def flop_of_pair(config: LxmertConfig, length: float, n_images: int, n_captions: int) -> float:
    """Count the arithmetic of a pair: `n_images` and `n_captions` share an encoding; 1: plain."""
    regions = N_REGIONS
    language = config.l_layers * layer_flop(config, length) / n_images
    projection = 2 * regions * config.hidden_size * config.visual_feat_dim
    vision = (projection + config.r_layers * layer_flop(config, regions)) / n_captions
    cross = attention_flop(config, length, regions) + attention_flop(config, regions, length)
    alone = layer_flop(config, length) + layer_flop(config, regions)
    layers = config.x_layers * (cross + alone)
    if n_images > 1:
        hidden = config.hidden_size
        layers -= 6 * hidden * hidden * (length + regions)  # the first projections, once
        layers -= attention_flop(config, regions, length) + layer_flop(config, regions)
        # Of the last self-attention only keys and values are of every word.
        layers -= layer_flop(config, length) - 4 * hidden * hidden * length
    return language + vision + layers


def flop_of_ways(config: LxmertConfig, token_ids: TokenIds, n_images: int) -> dict[str, float]:
    """Count the arithmetic of a pair by way, for captions of their mean length."""
    length = float(np.mean([len(ids) for ids in token_ids]))
    return {
        "plain": flop_of_pair(config, length, 1, 1),
        f"plain, padded to {FIXED_LENGTH}": flop_of_pair(config, FIXED_LENGTH, 1, 1),
        "ours": flop_of_pair(config, length, n_images, len(token_ids)),
    }


@dataclass(frozen=True)
class Changes:
    """How far scores are from exact ones, and what it does to ranks.

    Attributes:
        largest: difference of a score.
        queries, moved: by direction, how many there are, and how many have another expected rank.
        tied: by direction, the share of queries whose rank rests on ties.
    """

    largest: float
    queries: dict[str, int]
    moved: dict[str, int]
    tied: dict[str, float]


def changes(scores: np.ndarray, exact: np.ndarray) -> Changes:
    """Compare (n_images, n_captions) scores; caption j is of image j mod n_images."""
    n_images, n_captions = scores.shape
    index = np.arange(n_captions) % n_images
    ranks, exact_ranks = (count_ranks(matrix, index) for matrix in (scores, exact))
    queries, moved, tied = {}, {}, {}
    for direction in DIRECTIONS:
        found = ranks.of(direction)
        differs = found.ranks("expected") != exact_ranks.of(direction).ranks("expected")
        queries[direction], moved[direction] = len(differs), int(differs.sum())
        tied[direction] = float((found.tied > 0).mean())
    return Changes(float(np.abs(scores - exact).max()), queries, moved, tied)
