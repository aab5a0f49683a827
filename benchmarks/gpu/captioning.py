"""Step: captioners of the paper's sizes, CLIP+LSTM and CLIP with attention: training and decoding.

Training steps as captioning.train takes them, in batches of 32, the paper's, and large ones, on
encodings and captions of COCO's lengths that are on the card already. Decoding, greedily and by 3
beams: images a second of a batch, and `of_one_by_one`, how many times the images a second there are
one image at a time, the paper's way; `captions_same` is the share of those that a batch says alike.
With random weights no caption ends by itself: each has all 20 words.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from benchmarks.gpu.record import Record, timed
from benchmarks.gpu.types import computing_in
from benchmarks.lxmert_pairs import random_captions
from benchmarks.training_steps import train_on
from captioning.decoding.captions import caption_images
from captioning.decoding.settings import Decoding, Method
from captioning.models.configuration import LstmCaptionerConfig
from captioning.models.loading import LoadedCaptioner
from captioning.models.lstm_captioner import LstmCaptioner
from captioning.models.paper import PAPER
from captioning.models.vocabulary import SPECIAL, build_word_vocabulary
from captioning.training.caption_items import collate

METHODS: tuple[Method, ...] = ("greedy", "beam")


@dataclass(frozen=True)
class Sizes:
    """The captioners by name, tokens of an image, batches, and what is decoded one by one."""

    captioners: dict[str, LstmCaptionerConfig]
    tokens: int
    batches: tuple[int, ...]
    one_by_one: int
    steps: int
    kinds: tuple[str, ...]


FULL = Sizes(
    {
        "CLIP+LSTM": LstmCaptionerConfig(**PAPER["clip_lstm"]),
        "CLIP with attention": LstmCaptionerConfig(**PAPER["clip_attention"]),
    },
    *(50, (32, 1024), 16, 20),
    kinds=("float32", "tf32", "bfloat16", "float16"),
)
TINY = {"vocab_size": 60, "image_width": 16, "word_width": 16, "hidden_size": 16}
DRY = Sizes(
    {
        "CLIP+LSTM": LstmCaptionerConfig(**{**PAPER["clip_lstm"], **TINY}),
        "CLIP with attention": LstmCaptionerConfig(**{**PAPER["clip_attention"], **TINY}),
    },
    *(5, (4, 8), 2, 2),
    kinds=("float32", "bfloat16"),
)


class Captioning:
    """A captioner of random weights, and encodings of images."""

    def __init__(self, record: Record, config: LstmCaptionerConfig, sizes: Sizes):
        self.sizes, self.device = sizes, record.device
        torch.manual_seed(0)
        model = LstmCaptioner(config).to(self.device)
        words = " ".join(f"w{number}" for number in range(config.vocab_size - len(SPECIAL)))
        vocabulary = build_word_vocabulary([words], min_count=1)
        self.captioner = LoadedCaptioner("random", model, vocabulary, "encodings", config)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        tokens = (sizes.tokens,) if config.decoder == "attention" else ()
        shape = (max(sizes.batches), *tokens, config.image_width)
        self.encodings = torch.randn(shape, device=self.device)

    def train(self, batch_size: int, kind: str) -> dict:
        """Time steps on one batch; float16 without scaling its loss, which costs nothing."""
        config, model = self.captioner.config, self.captioner.model.train()
        # Without [CLS] and [SEP], and with the end.
        ids = random_captions(config.vocab_size, batch_size)
        nothing = np.zeros(0, np.float32)
        labels = collate([(nothing, [*one[2:], config.eos_token_id]) for one in ids])["labels"]
        batch = {"encodings": self.encodings[:batch_size], "labels": labels.to(self.device)}
        with computing_in(kind, self.device, autocast=False) as dtype:
            step = partial(train_on, batch, model, self.optimizer, dtype)
            times = timed(self.device, step, self.sizes.steps)
        rate = 1 / times["seconds"]
        return {"steps_per_second": rate, "captions_per_second": batch_size * rate, **times}

    def decode(self, method: Method, batch_size: int, n_images: int) -> tuple[list[str], dict]:
        """Caption the first images in batches: what is said, and the time of it."""
        self.captioner.model.eval()
        said: list[str] = []

        def run() -> None:
            batches = self.encodings[:n_images].split(batch_size)
            found = caption_images(self.captioner, batches, Decoding(method))
            said[:] = [caption.text for caption in found]

        times = timed(self.device, run, 1)
        return said, {"images_per_second": n_images / times["seconds"], **times}

    def decode_both_ways(self, method: Method, batch_size: int) -> dict:
        """Time a batch against its first images one by one."""
        said, batched = self.decode(method, batch_size, batch_size)
        alone, single = self.decode(method, 1, self.sizes.one_by_one)
        rates = [way["images_per_second"] for way in (batched, single)]
        same = np.mean([one == other for one, other in zip(alone, said, strict=False)])
        return {
            "of_one_by_one": rates[0] / rates[1],
            "captions_same": float(same),
            "one_by_one_per_second": rates[1],
            **batched,
        }


def measure(record: Record) -> None:
    sizes = DRY if record.dry_run else FULL
    for name, config in sizes.captioners.items():
        captioning = Captioning(record, config, sizes)
        # Decoding first: by weights that no step has moved.
        for batch in sizes.batches:
            for method in METHODS:
                decode = partial(captioning.decode_both_ways, method, batch)
                record.add(f"{name}, {method}, {batch} images", decode)
        for kind in sizes.kinds:
            for batch in sizes.batches:
                train = partial(captioning.train, batch, kind)
                record.add(f"{name}, training, {kind}, batches of {batch}", train)
