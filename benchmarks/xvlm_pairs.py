"""Speed of scoring all pairs by X-VLM: its plain fusion layers against the way `evaluate` does it.

Plain is `XvlmTextEncoder.fuse` and the matching head in batches of 64 pairs, as the model's forward
computes them: each caption padded to the longest of its batch, or all to 40 tokens as in the
published evaluation. Ours is information_retrieval/models/xvlm/encoded_gallery.py. Image and text
encoder run once an image and a caption in each way, and are timed apart; the last column is what
5,000 images and 25,000 captions take by these times, encoding included. Each way runs once
beforehand. Prints times and ratios, the arithmetic of a pair by counting, the share of what large
matrix products reach on the same machine, and what bfloat16 does to scores and ranks, caption j
being of image j mod n_images.

    OMP_WAIT_POLICY=passive python -m benchmarks.xvlm_pairs --processor_time

The model has the published size at 384 pixels (145 tokens an image) and random weights, with biases
and norms perturbed; pixels are random, captions random tokens of COCO's lengths. Speed depends on
none of it, ranks do. With `--processor_time` what else runs on the cores does not count. On 2 CPU
cores it takes about 6 minutes.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from benchmarks.lxmert_pairs import changes, perturb, random_captions
from benchmarks.timing import (
    MATRIX,
    compare,
    fastest,
    hardware,
    matrix_product,
    processor_clock,
)
from information_retrieval.models.tokenization import pad_tokens
from information_retrieval.models.xvlm.configuration import SWIN_BASE, XvlmConfig
from information_retrieval.models.xvlm.encoded_gallery import EncodedGallery
from information_retrieval.models.xvlm.encoders import encode_captions, encoded_images
from information_retrieval.models.xvlm.model import MATCH, XvlmModel
from information_retrieval.scoring.all_pairs import score_all
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.device import torch_device
from preprocess.base.errors import InputError
from preprocess.base.text_table import text_table

# How many of the 25,000 captions of COCO's test split (Karpathy's), cleaned and cut to 30 words,
# have so many of BERT's tokens, [CLS] included and no [SEP]: 11.9 on average.
LENGTHS = {7: 1, 8: 151, 9: 2806, 10: 4624, 11: 5199, 12: 4285, 13: 3035, 14: 1918, 15: 1141}
LENGTHS |= {16: 676, 17: 376, 18: 267, 19: 154, 20: 100, 21: 72, 22: 47, 23: 30, 24: 28, 25: 23}
LENGTHS |= {26: 19, 27: 9, 28: 6, 29: 3, 30: 4, 31: 8, 32: 7, 33: 5, 34: 3, 36: 3}
PUBLISHED_LENGTH, PLAIN_BATCH = 40, 64
N_IMAGES_5K, N_CAPTIONS_5K = 5000, 25_000
EXACT = "plain, float32"  # a way's name has its type at the end
TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass
class XvlmPairsArguments:
    n_images: int = field(default=8, metadata={"help": "images"})
    n_captions: int = field(default=100, metadata={"help": "captions, scored with every image"})
    repeats: int = field(default=1, metadata={"help": "rounds, of which the fastest counts"})
    processor_time: bool = field(
        default=False,
        metadata={
            "help": "on a CPU: count the seconds that a thread has had of the processor, not those "
            "that passed"
        },
    )
    device: str = field(
        default="cuda" if torch.cuda.is_available() else "cpu",
        metadata={"help": "torch device to compute on"},
    )


def published_config() -> XvlmConfig:
    """Return the size of the published retrieval model: Swin-B of 384 pixels and BERT-base."""
    vision = {**SWIN_BASE, "image_size": 384, "window_size": 12}
    return XvlmConfig(vision_config=vision, has_box_head=False, has_mlm_head=False)


def random_model(config: XvlmConfig) -> XvlmModel:
    torch.manual_seed(0)
    model = XvlmModel(config).eval()
    perturb(model)
    return model


@dataclass(frozen=True)
class Encoded:
    """What the plain fusion layers read: images, and captions padded to one length.

    Attributes:
        images: (n_images, 1 + n_patches, image_width).
        hidden, mask: (n_captions, length, hidden_size) and (n_captions, length).
    """

    images: Tensor
    hidden: Tensor
    mask: Tensor


def plain_captions(
    model: XvlmModel, token_ids: list[list[int]], least_length: int
) -> tuple[Tensor, Tensor]:
    """Encode captions in batches, padded to `least_length` tokens or more: hidden and mask."""
    longest = max(least_length, *map(len, token_ids))
    hidden, masks = [], []
    for start in range(0, len(token_ids), PLAIN_BATCH):
        tokens = pad_tokens(token_ids[start : start + PLAIN_BATCH], pad_id=0)
        missing = max(0, least_length - tokens["input_ids"].shape[1])
        ids, mask = (pad(t, (0, missing)).to(model.device) for t in tokens.values())
        encoded = model.text_encoder.encode(ids, mask)
        hidden.append(pad(encoded, (0, 0, 0, longest - ids.shape[1])))
        masks.append(pad(mask, (0, longest - ids.shape[1])))
    return torch.cat(hidden), torch.cat(masks)


def plain_scores(model: XvlmModel, encoded: Encoded, least_length: int) -> np.ndarray:
    """Score by the model's fusion layers: (n_images, n_captions)."""
    n_images, n_captions = len(encoded.images), len(encoded.hidden)
    rows = torch.arange(n_images).repeat_interleave(n_captions)
    columns, scores = torch.arange(n_captions).repeat(n_images), []
    for start in range(0, len(rows), PLAIN_BATCH):
        of_images, of_captions = (x[start : start + PLAIN_BATCH] for x in (rows, columns))
        mask = encoded.mask[of_captions]
        length = max(least_length, int(mask.sum(dim=1).max()))
        fused = model.text_encoder.fuse(
            encoded.hidden[of_captions, :length], mask[:, :length], encoded.images[of_images]
        )
        scores.append(model.match(fused)[:, MATCH].float())
    return torch.cat(scores).view(n_images, n_captions).cpu().numpy()


def flop_of_pair(config: XvlmConfig, length: float, plain: bool) -> float:
    """Count the arithmetic of a pair in the fusion layers, the encoders and the head left out.

    Ours leaves out what is computed once an image or once a caption.
    """
    text, image_width = config.text_config, config.vision_config.hidden_size
    hidden, tokens = text.hidden_size, 1 + config.grid_size**2
    square, feed_forward = 2 * hidden**2, 4 * hidden * text.intermediate_size
    n_layers = text.num_hidden_layers - config.n_text_layers
    own = 4 * square * length + 4 * length * length * hidden
    read = 2 * square * length + 4 * length * tokens * hidden
    layer = own + read + feed_forward * length
    if plain:
        return n_layers * (layer + 4 * tokens * image_width * hidden)
    # Of the last layer: keys and values of every word, and all else of the first one.
    first_word = 4 * square + 4 * length * hidden + 4 * tokens * hidden + feed_forward
    last = 2 * square * length + first_word
    return (n_layers - 1) * layer + last - own - square * length


class Ways:
    """One model, images and captions, encoded and scored in every way.

    Attributes:
        scores: (n_images, n_captions) by way.
        encoding: functions that encode images, or captions in one way; `scoring`: that score.
    """

    def __init__(self, config: XvlmConfig, args: XvlmPairsArguments):
        self.args = args
        self.model = random_model(config).to(torch_device(args.device))
        self.token_ids = random_captions(config.text_config.vocab_size, args.n_captions, LENGTHS)
        side = config.vision_config.image_size
        self.pixels = torch.randn(args.n_images, 3, side, side)
        self.scores: dict[str, np.ndarray] = {}
        self.encoding: dict[str, Callable[[], object]] = {}
        self.scoring: dict[str, Callable[[], object]] = {}
        for kind, dtype in TYPES.items():
            self._add(kind, dtype)

    def _in(self, dtype: torch.dtype) -> torch.autocast:
        kind = self.model.device.type
        return torch.autocast(kind, dtype, enabled=dtype != torch.float32)

    def _images(self, dtype: torch.dtype) -> list[Tensor]:
        with self._in(dtype):
            return list(encoded_images(self.model, self.pixels.split(4), show_progress=False))

    def _plain_captions(self, dtype: torch.dtype, least_length: int) -> tuple[Tensor, Tensor]:
        with self._in(dtype):
            return plain_captions(self.model, self.token_ids, least_length)

    def _our_captions(self, dtype: torch.dtype) -> list:
        with self._in(dtype):
            return encode_captions(self.model, self.token_ids, PLAIN_BATCH)

    def _add(self, kind: str, dtype: torch.dtype) -> None:
        images = torch.cat(self._images(dtype))
        self.encoding[f"images, {kind}"] = partial(self._images, dtype)
        for way, length in (("plain", 0), (f"padded to {PUBLISHED_LENGTH}", PUBLISHED_LENGTH)):
            name = f"{way}, {kind}"
            encoded = Encoded(images, *self._plain_captions(dtype, length))
            self.encoding[f"captions, {name}"] = partial(self._plain_captions, dtype, length)
            self.scoring[name] = partial(self._score_plain, name, dtype, encoded, length)
        gallery = EncodedGallery(self.model, list(images), self._our_captions(dtype), dtype)
        self.encoding[f"captions, ours, {kind}"] = partial(self._our_captions, dtype)
        self.scoring[f"ours, {kind}"] = partial(self._score_ours, f"ours, {kind}", gallery)
        self.scoring[f"matrix product, {kind}"] = matrix_product(self.model.device, dtype)

    def _score_plain(self, name: str, dtype: torch.dtype, encoded: Encoded, length: int) -> None:
        with self._in(dtype):
            self.scores[name] = plain_scores(self.model, encoded, length)

    def _score_ours(self, name: str, gallery: EncodedGallery) -> None:
        blocks = [group.columns for group in gallery.groups]
        gallery.forget_band()  # its keys and values are part of the work
        sizes = self.args.n_images, self.args.n_captions
        self.scores[name] = score_all(gallery, blocks, *sizes, show_progress=False)


def hours_5k(ways: Ways, seconds: dict[str, float], name: str) -> float:
    """Return what 5,000 x 25,000 take by a way, encoding included."""
    args, kind = ways.args, name.rpartition(", ")[2]
    images = seconds[f"images, {kind}"] * N_IMAGES_5K / args.n_images
    captions = seconds[f"captions, {name}"] * N_CAPTIONS_5K / args.n_captions
    pairs = seconds[name] * N_IMAGES_5K * N_CAPTIONS_5K / (args.n_images * args.n_captions)
    return (images + captions + pairs) / 3600


def print_table(ways: Ways, seconds: dict[str, float], side: int) -> None:
    """Print a line for each way and type.

    Args:
        side: of the large matrix product.
    """
    config, n_pairs = ways.model.config, ways.args.n_images * ways.args.n_captions
    length = float(np.mean([len(ids) for ids in ways.token_ids]))
    columns = ["pairs/s", "ratio", "of padded", "GFLOP", "of matrix", "5K, hours", "change"]
    rows = [["", *columns, "i2t moved", "t2i moved"]]
    for name, scores in ways.scores.items():
        way, _, kind = name.rpartition(", ")
        padded = seconds[f"padded to {PUBLISHED_LENGTH}, {kind}"]
        of_length = PUBLISHED_LENGTH if way.startswith("padded") else length
        flop = flop_of_pair(config, of_length, plain=way != "ours")
        rate = 2 * side**3 / seconds[f"matrix product, {kind}"]
        change = changes(scores, ways.scores[EXACT])
        rows.append(
            [
                name,
                f"{n_pairs / seconds[name]:.1f}",
                f"{seconds[f'plain, {kind}'] / seconds[name]:.2f}",
                f"{padded / seconds[name]:.2f}",
                f"{flop / 1e9:.3g}",
                f"{flop * n_pairs / seconds[name] / rate:.0%}",
                f"{hours_5k(ways, seconds, name):,.0f}",
                f"{change.largest:.1e}",
                *(f"{moved}/{change.queries[d]}" for d, moved in change.moved.items()),
            ]
        )
    print("\n".join(text_table(rows, "l" + "r" * (len(rows[0]) - 1))))
    print("ratio: to plain; of padded: to padding to 40; GFLOP: of a pair, of its mean length")
    print(f"change: the largest, of a deviation of {ways.scores[EXACT].std():.2g}")


def print_encoding(ways: Ways, seconds: dict[str, float]) -> None:
    for name in ways.encoding:
        what = name.partition(", ")[0]
        n_items = ways.args.n_images if what == "images" else ways.args.n_captions
        print(f"encoding {name:34}{n_items / seconds[name]:9.2f} {what}/s")


@torch.inference_mode()
def main() -> None:
    args = parse_arguments(XvlmPairsArguments, description=__doc__)
    check_at_least("--n_images", args.n_images, 2)
    check_at_least("--n_captions", args.n_captions, args.n_images)  # one of each image
    check_at_least("--repeats", args.repeats, 1)
    if args.processor_time and torch_device(args.device).type != "cpu":
        raise InputError("--processor_time: of a CPU; a card's time is that which passes")
    print("making the model and encoding", file=sys.stderr, flush=True)
    ways = Ways(published_config(), args)
    every = {**ways.encoding, **ways.scoring}
    print("once each, to warm", file=sys.stderr, flush=True)
    compare(every, repeats=1)
    clock = processor_clock if args.processor_time else time.perf_counter
    seconds = fastest(compare(every, args.repeats, clock))
    print(f"{args.n_images} images x {args.n_captions} captions; {hardware(ways.model.device)}")
    print_encoding(ways, seconds)
    print_table(ways, seconds, MATRIX[ways.model.device.type])


if __name__ == "__main__":
    run_command(main)
