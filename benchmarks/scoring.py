"""Speed of scoring all pairs with LXMERT against the plain way, in float32 and bfloat16.

The plain way is the model's forward on every pair, in batches of 64: padded to the longest caption
of the batch, or all to 70 tokens. Ours is information_retrieval/models/lxmert/encoded_gallery.py,
encoding included. Each way runs once beforehand. Prints times and ratios, the arithmetic of a pair
by counting, the share of what large matrix products reach on the same machine, and what bfloat16
does to scores, ranks and ties, caption j being of image j mod n_images.

    python -m benchmarks.scoring

The model has the published size and random weights, with biases and norms perturbed, or is that of
`--model_name_or_path`; regions are random, captions random tokens of COCO's lengths. Speed depends
on none of it, ranks do. On 2 CPU cores it takes about 10 minutes.

    python -m benchmarks.scoring --peak_memory --n_images 1000 --n_captions 5000

The second prints instead the memory of scoring the 1K protocol, in a process of its own, on the
CPU in float32: it encodes all and scores a few tiles, for the others repeat the same work. The
features are in memory, as all pages of their mapped file may be. 6 minutes on 2 busy CPU cores.
"""

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context

import numpy as np
import torch

from benchmarks.lxmert_pairs import (
    BATCH,
    FIXED_LENGTH,
    Changes,
    changes,
    encoded,
    flop_of_ways,
    plain_scores,
    random_captions,
    random_model,
    random_regions,
)
from benchmarks.ranks import peak_bytes
from benchmarks.timing import MATRIX, compare, fastest, hardware, matrix_product
from information_retrieval.models.checkpoint import load_model
from information_retrieval.models.loading import BLOCK_CAPTIONS
from information_retrieval.models.lxmert.model import LxmertForImageTextMatching
from information_retrieval.ranking.query_ranks import DIRECTIONS
from information_retrieval.scoring.all_pairs import score_all
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.device import torch_device
from preprocess.base.errors import InputError

N_TILES = 3  # of which the memory is measured
EXACT = "plain, float32"  # a way's name has its type at the end


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


def cells(change: Changes) -> str:
    """Return the largest change, and of each direction the queries moved and the share tied."""
    text = f"{change.largest:10.1e}"
    for direction, moved in change.moved.items():
        share = f"{moved}/{change.queries[direction]}"
        text += f"{share:>14}{change.tied[direction]:10.1%}"
    return text


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
            f"{share:11.0%}{cells(changes(scores, results[EXACT]))}"
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
        ways[f"matrix product, {kind}"] = matrix_product(device, dtype)
    print("once each, to warm", file=sys.stderr, flush=True)
    compare(ways, repeats=1)
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
    print("encoding everything, then scoring a few tiles", file=sys.stderr, flush=True)
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
    print("loading or making the model", file=sys.stderr, flush=True)
    torch.manual_seed(0)
    compare_ways(load_or_random(args.model_name_or_path).to(torch_device(args.device)), args)


if __name__ == "__main__":
    run_command(main)
