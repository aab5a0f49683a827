"""Speed of scoring all pairs with LXMERT against the plain way, in float32 and bfloat16.

The plain way is the model's forward on every pair, in batches of 64: padded to the longest caption
of the batch, or all to 70 tokens. Ours is information_retrieval/cross_encoder.py, encoding
included. Each way runs once beforehand. Prints times and ratios, the arithmetic of a pair by
counting, the share of what large matrix products reach on the same machine, and what bfloat16 does
to scores, ranks and ties, caption j being of image j mod n_images.

    python -m benchmarks.scoring

The model has the published size and random weights, with biases and norms perturbed, or is that of
`--model_name_or_path`; regions are random, captions random tokens of COCO's lengths. Speed depends
on none of it, ranks do. On 2 CPU cores it takes about 10 minutes.

    python -m benchmarks.scoring --peak_memory --n_images 1000 --n_captions 5000

The second prints instead the memory of scoring the 1K protocol, in a process of its own, on the
CPU in float32: it encodes all and scores a few tiles, for the others repeat the same work. The
features are in memory, as all pages of their mapped file may be. 6 minutes on 2 busy CPU cores.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context

import numpy as np
import torch
from torch.nn.functional import pad
from transformers import LxmertConfig

from benchmarks.ranks import peak_bytes
from benchmarks.timing import compare, fastest, hardware
from information_retrieval.checkpoint import load_model
from information_retrieval.cross_encoder import EncodedGallery, encode_captions, encode_images
from information_retrieval.lxmert import LxmertForImageTextMatching
from information_retrieval.metrics import count_ranks
from information_retrieval.query_ranks import DIRECTIONS
from information_retrieval.scoring import BLOCK_CAPTIONS, score_all
from information_retrieval.tokenization import pad_tokens
from preprocess.command_line import check_at_least, parse_arguments, run_command
from preprocess.device import torch_device
from preprocess.errors import InputError

# Token lengths of 100 COCO captions, special tokens included, and how many have each.
LENGTHS = {10: 2, 11: 13, 12: 18, 13: 21, 14: 15, 15: 13, 16: 2, 17: 8, 18: 2, 19: 3, 20: 1, 21: 1}
LENGTHS |= {30: 1}
FIXED_LENGTH, PLAIN_BATCH, N_REGIONS = 70, 64, 36
MATRIX = {"cpu": 4096, "cuda": 16384}  # side of the large matrix product
BATCH, N_TILES = 64, 3  # images in a tile, and tiles whose memory is measured
EXACT = "plain, float32"  # a way's name has its type at the end
TokenIds = list[list[int]]  # of captions, unpadded
Regions = tuple[torch.Tensor, torch.Tensor]  # visual_feats, visual_pos


@dataclass
class ScoringArguments:
    model_name_or_path: str | None = field(
        default=None,
        metadata={"help": "LXMERT checkpoint; by default random weights of the published size"},
    )
    n_images: int = field(default=8, metadata={"help": "images"})
    n_captions: int = field(default=100, metadata={"help": "captions, scored with every image"})
    repeats: int = field(default=1, metadata={"help": "rounds, of which the fastest counts"})
    peak_memory: bool = field(
        default=False, metadata={"help": "measure no times, but the memory, on the CPU"}
    )
    device: str = field(
        default="cuda" if torch.cuda.is_available() else "cpu",
        metadata={"help": "torch device to compute on"},
    )


def load_or_random(name: str | None) -> LxmertForImageTextMatching:
    """Load a checkpoint (InputError where it is no LXMERT), or make one of the published size."""
    if name is None:
        return random_model()
    model = load_model(name)
    if model.config.model_type != "lxmert":
        raise InputError(f"{name}: expected an LXMERT, found {model.config.model_type}")
    return model


def random_model() -> LxmertForImageTextMatching:
    torch.manual_seed(0)
    model = LxmertForImageTextMatching(LxmertConfig()).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.add_(0.1 * torch.randn_like(parameter))
            elif parameter.dim() == 1:  # of a norm
                parameter.mul_(1 + 0.2 * torch.randn_like(parameter))
    return model


def random_captions(vocabulary: int, n_captions: int) -> TokenIds:
    """Draw token ids of `n_captions` captions, every 100 of which have the lengths above."""
    generator = np.random.default_rng(0)
    lengths = generator.permutation(np.repeat(list(LENGTHS), list(LENGTHS.values())))
    lengths = np.resize(lengths, n_captions)
    least = min(1000, vocabulary // 2)  # BERT's words start there
    return [generator.integers(least, vocabulary, length).tolist() for length in lengths]


def random_regions(feature_dim: int, n_images: int) -> Regions:
    feats = torch.randn(n_images, N_REGIONS, feature_dim).relu_()
    return feats, torch.rand(n_images, N_REGIONS, 4)


def plain_scores(
    model: LxmertForImageTextMatching, token_ids: TokenIds, images: Regions, least_length: int
) -> np.ndarray:
    """Score by the model's forward, captions padded to `least_length` tokens or more."""
    visual_feats, visual_pos = images
    rows = torch.arange(len(visual_feats)).repeat_interleave(len(token_ids))
    logits = []
    for start in range(0, len(rows), PLAIN_BATCH):
        batch = rows[start : start + PLAIN_BATCH]
        columns = (torch.arange(start, start + len(batch)) % len(token_ids)).tolist()
        tokens = pad_tokens([token_ids[column] for column in columns], pad_id=0)
        missing = max(0, least_length - tokens["input_ids"].shape[1])
        tokens = {key: pad(value, (0, missing)).to(model.device) for key, value in tokens.items()}
        batch = batch.to(model.device)
        output = model(**tokens, visual_feats=visual_feats[batch], visual_pos=visual_pos[batch])
        logits.append(output.logits.float())
    return torch.cat(logits).view(len(visual_feats), -1).cpu().numpy()


def encoded(
    model: LxmertForImageTextMatching, token_ids: TokenIds, images: Regions, dtype: torch.dtype
) -> EncodedGallery:
    """Encode each caption and each image once, as evaluation does."""
    batches = zip(*(part.split(BATCH) for part in images), strict=True)
    vision, groups = encode_images(model, batches), encode_captions(model, token_ids, BATCH)
    return EncodedGallery(model, vision, groups, dtype)


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


def matrix_rate(device: torch.device, dtype: torch.dtype) -> Callable[[], None]:
    """Return a large matrix product, of 2 n^3 operations."""
    side = MATRIX[device.type]
    matrix = torch.randn(side, side, device=device).to(dtype)

    def multiply() -> None:
        matrix @ matrix
        if device.type == "cuda":
            torch.cuda.synchronize()

    return multiply


def changes(scores: np.ndarray, exact: np.ndarray) -> str:
    """Say how far (n_images, n_captions) scores are from exact ones, and what ranks move."""
    n_images, n_captions = scores.shape
    index = np.arange(n_captions) % n_images
    ranks, exact_ranks = (count_ranks(matrix, index) for matrix in (scores, exact))
    text = f"{np.abs(scores - exact).max():10.1e}"
    for direction in DIRECTIONS:
        queries = ranks.of(direction)
        moved = queries.ranks("expected") != exact_ranks.of(direction).ranks("expected")
        text += f"{f'{moved.sum()}/{len(moved)}':>14}{(queries.tied > 0).mean():10.1%}"
    return text


def flop_of_ways(config: LxmertConfig, token_ids: TokenIds, n_images: int) -> dict[str, float]:
    """Count the arithmetic of a pair by way, for captions of their mean length."""
    length = float(np.mean([len(ids) for ids in token_ids]))
    return {
        "plain": flop_of_pair(config, length, 1, 1),
        f"plain, padded to {FIXED_LENGTH}": flop_of_pair(config, FIXED_LENGTH, 1, 1),
        "ours": flop_of_pair(config, length, n_images, len(token_ids)),
    }


def print_table(
    results: dict[str, np.ndarray], seconds: dict[str, float], flop: dict[str, float], side: int
) -> None:
    """Print a line for each way and type; `results` are (n_images, n_captions) scores.

    Args:
        side: of the large matrix product.
    """
    of_ranks = "".join(f"{f'{d} moved':>14}{'tied':>10}" for d in DIRECTIONS)
    print(f"{'':32}{'pairs/s':>9}{'ratio':>7}{'GFLOP':>9}{'of matrix':>11}{'change':>10}{of_ranks}")
    for name, scores in results.items():
        way, _, kind = name.rpartition(", ")
        rate = 2 * side**3 / seconds[f"matrix product, {kind}"]
        share = flop[way] * scores.size / seconds[name] / rate
        ratio = seconds[f"plain, {kind}"] / seconds[name]
        print(
            f"{name:32}{scores.size / seconds[name]:9.1f}{ratio:7.2f}{flop[way] / 1e9:9.3g}"
            f"{share:11.0%}{changes(scores, results[EXACT])}"
        )
    print("ratio: to plain; GFLOP: of a pair, without padding to the longest of a batch")
    print(f"change: the largest, of a deviation of {results[EXACT].std():.2g}")
    print(f"moved: ranks (expected) other than by {EXACT}; tied: queries whose rank rests on ties")


def compare_ways(model: LxmertForImageTextMatching, args: ScoringArguments) -> None:
    """Time every way in both types, and print the table."""
    device, config = model.device, model.config
    token_ids = random_captions(config.vocab_size, args.n_captions)
    feats, pos = random_regions(config.visual_feat_dim, args.n_images)
    images = feats.to(device), pos.to(device)
    results: dict[str, np.ndarray] = {}
    ways: dict[str, Callable[[], object]] = {}

    def add(name: str, dtype: torch.dtype, run: Callable[[], np.ndarray]) -> None:
        def timed() -> None:
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                results[name] = run()

        ways[name] = timed

    def ours(dtype: torch.dtype) -> np.ndarray:
        gallery = encoded(model, token_ids, images, dtype)
        sizes = gallery.n_images, gallery.n_captions
        return score_all(gallery, gallery.column_blocks, *sizes, show_progress=False)

    for kind, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        for way, length in (("plain", 0), (f"plain, padded to {FIXED_LENGTH}", FIXED_LENGTH)):
            add(f"{way}, {kind}", dtype, partial(plain_scores, model, token_ids, images, length))
        add(f"ours, {kind}", dtype, partial(ours, dtype))
        ways[f"matrix product, {kind}"] = matrix_rate(device, dtype)
    compare(ways, repeats=1)  # warm
    seconds = fastest(compare(ways, args.repeats))
    print(f"{args.n_images} images x {len(token_ids)} captions; {hardware(device)}")
    flop = flop_of_ways(config, token_ids, args.n_images)
    print_table(results, seconds, flop, MATRIX[device.type])


@torch.inference_mode()
def measure_memory(args: ScoringArguments) -> tuple[int, int]:
    """Encode all and score tiles; return peak bytes with the model loaded, and in the end."""
    model = load_or_random(args.model_name_or_path)
    loaded = peak_bytes()
    token_ids = random_captions(model.config.vocab_size, args.n_captions)
    images = random_regions(model.config.visual_feat_dim, args.n_images)
    gallery = encoded(model, token_ids, images, torch.float32)
    for columns in gallery.column_blocks[-N_TILES:]:  # the longest captions take the most
        gallery.score(slice(0, BATCH), columns[: BLOCK_CAPTIONS["cpu"]])
    return loaded, peak_bytes()


def print_memory(args: ScoringArguments) -> None:
    """Measure in a process of its own, and print."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        loaded, whole = pool.submit(measure_memory, args).result()
    print(f"{args.n_images} images x {args.n_captions} captions; {hardware(torch.device('cpu'))}")
    print(
        f"peak memory: {whole / 1e9:.2f} GB, of which {loaded / 1e9:.2f} GB with the model loaded; "
        f"all encoded, {N_TILES} tiles of {BATCH} x {BLOCK_CAPTIONS['cpu']} scored"
    )


@torch.inference_mode()
def main() -> None:
    args = parse_arguments(ScoringArguments, description=__doc__)
    check_at_least("--n_images", args.n_images, 2)
    check_at_least("--n_captions", args.n_captions, args.n_images)  # one of each image
    check_at_least("--repeats", args.repeats, 1)
    if args.peak_memory:
        print_memory(args)  # before a model is here: a process starts from its parent's peak
        return
    torch.manual_seed(0)
    compare_ways(load_or_random(args.model_name_or_path).to(torch_device(args.device)), args)


if __name__ == "__main__":
    run_command(main)
