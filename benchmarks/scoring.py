"""Speed of scoring all pairs with LXMERT against the plain way, in float32 and bfloat16.

The plain way is the model's forward on every pair, in batches of 64: padded to the longest caption
of the batch, or all to 70 tokens. Ours is information_retrieval/cross_encoder.py, encoding
included. Prints times and ratios, the arithmetic of a pair by counting, the share of what large
matrix products reach on the same machine, and what bfloat16 does to scores and ranks.

    python -m benchmarks.scoring

The model has the published size and random weights, with biases and norms perturbed; captions have
the token lengths of 100 captions of COCO. Speed depends on neither. On 2 CPU cores it takes about
6 minutes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn.functional import pad
from transformers import LxmertConfig

from benchmarks.timing import compare, fastest, hardware
from information_retrieval.cross_encoder import EncodedGallery, encode_captions, encode_images
from information_retrieval.lxmert import LxmertForImageTextMatching
from information_retrieval.tokenization import pad_tokens
from preprocess.command_line import check_at_least, parse_arguments, run_command
from preprocess.device import torch_device

# Token lengths of 100 COCO captions, special tokens included, and how many have each.
LENGTHS = {10: 2, 11: 13, 12: 18, 13: 21, 14: 15, 15: 13, 16: 2, 17: 8, 18: 2, 19: 3, 20: 1, 21: 1}
LENGTHS |= {30: 1}
FIXED_LENGTH, PLAIN_BATCH, N_REGIONS = 70, 64, 36
MATRIX = {"cpu": 4096, "cuda": 16384}  # side of the large matrix product


@dataclass
class ScoringArguments:
    n_images: int = field(default=8, metadata={"help": "images, scored against 100 captions each"})
    repeats: int = field(default=1, metadata={"help": "rounds, of which the fastest counts"})
    device: str = field(default="cuda" if torch.cuda.is_available() else "cpu")


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


def random_captions(vocabulary: int) -> list[list[int]]:
    generator = np.random.default_rng(0)
    lengths = generator.permutation(np.repeat(list(LENGTHS), list(LENGTHS.values())))
    return [generator.integers(1000, vocabulary, length).tolist() for length in lengths]


def plain_scores(
    model: LxmertForImageTextMatching,
    token_ids: list[list[int]],
    images: tuple[torch.Tensor, torch.Tensor],
    least_length: int,
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


def our_scores(
    model: LxmertForImageTextMatching,
    token_ids: list[list[int]],
    images: tuple[torch.Tensor, torch.Tensor],
    dtype: torch.dtype,
) -> np.ndarray:
    vision, groups = encode_images(model, [images]), encode_captions(model, token_ids, 64)
    return EncodedGallery(model, vision, groups, dtype).score_all(show_progress=False)


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


def moved(scores: np.ndarray, exact: np.ndarray) -> str:
    """Say how far scores are from the exact ones, and how many captions change rank."""
    ranks, exact_ranks = (np.argsort(np.argsort(-s, axis=1), axis=1) for s in (scores, exact))
    share = float((ranks != exact_ranks).mean())
    return f"{np.abs(scores - exact).max():.1e} ({exact.std():.2g}), {share:.1%}"


def flop_of_ways(
    config: LxmertConfig, token_ids: list[list[int]], n_images: int
) -> dict[str, float]:
    """Count the arithmetic of a pair by way, for captions of their mean length."""
    length = float(np.mean([len(ids) for ids in token_ids]))
    return {
        "plain": flop_of_pair(config, length, 1, 1),
        f"plain, padded to {FIXED_LENGTH}": flop_of_pair(config, FIXED_LENGTH, 1, 1),
        "ours": flop_of_pair(config, length, n_images, len(token_ids)),
    }


def print_table(
    results: dict[str, np.ndarray],
    seconds: dict[str, float],
    flop: dict[str, float],
    matrix_side: int,
) -> None:
    """Print a line for each way and type; `results` are (n_images, n_captions) scores."""
    print(
        f"{'':32}{'pairs/s':>9}{'ratio':>7}{'GFLOP':>7}{'of matrix':>11}"
        "  change (of deviation), ranks"
    )
    for name, scores in results.items():
        way, _, kind = name.rpartition(", ")
        rate = 2 * matrix_side**3 / seconds[f"matrix product, {kind}"]
        share = flop[way] * scores.size / seconds[name] / rate
        ratio = seconds[f"plain, {kind}"] / seconds[name]
        change = moved(scores, results["plain, float32"])
        print(
            f"{name:32}{scores.size / seconds[name]:9.1f}{ratio:7.2f}{flop[way] / 1e9:7.1f}"
            f"{share:11.0%}  {change}"
        )
    print("GFLOP: of a pair, without padding to the longest of a batch; ratio: to plain")


@torch.inference_mode()
def main() -> None:
    arguments = parse_arguments(ScoringArguments, description=__doc__)
    check_at_least("--n_images", arguments.n_images, 2)
    check_at_least("--repeats", arguments.repeats, 1)
    device = torch_device(arguments.device)
    model = random_model().to(device)
    token_ids = random_captions(model.config.vocab_size)
    feats = torch.relu(torch.randn(arguments.n_images, N_REGIONS, 2048)).to(device)
    images = feats, torch.rand(arguments.n_images, N_REGIONS, 4).to(device)
    results: dict[str, np.ndarray] = {}
    ways: dict[str, Callable[[], object]] = {}

    def add(name: str, dtype: torch.dtype, run: Callable[[], np.ndarray]) -> None:
        def timed() -> None:
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                results[name] = run()

        ways[name] = timed

    dtypes = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    for kind, dtype in dtypes.items():
        for length in (0, FIXED_LENGTH):
            padded = f"plain, padded to {length}" if length else "plain"
            add(
                f"{padded}, {kind}",
                dtype,
                lambda length=length: plain_scores(model, token_ids, images, length),
            )
        add(
            f"ours, {kind}",
            dtype,
            lambda dtype=dtype: our_scores(model, token_ids, images, dtype),
        )
        ways[f"matrix product, {kind}"] = matrix_rate(device, dtype)
        ways[f"matrix product, {kind}"]()  # once beforehand
    seconds = fastest(compare(ways, arguments.repeats))
    print(f"{arguments.n_images} images x {len(token_ids)} captions; {hardware(device)}")
    flop = flop_of_ways(model.config, token_ids, arguments.n_images)
    print_table(results, seconds, flop, MATRIX[device.type])


if __name__ == "__main__":
    run_command(main)
