"""Small splits with encodings, and what a training run left."""

import json
from pathlib import Path

import numpy as np

from preprocess.captions.split_file import Split, write_split
from preprocess.storage.encodings_file import EncodingsWriter
from tests.conftest import make_split

WIDTH, N_TOKENS = 8, 5
ATTRIBUTES = {
    "encoder": "tiny",
    "weights_sha256": "sha256:1",
    "images_sha256": "1",
    "settings": "{}",
}
# Of tiny captioners that learn in no time.
SMALL = ["--min_count", 1, "--word_width", 16, "--hidden_size", 24, "--dropout", 0.1]
DECODERS = {
    "lstm": ["--num_layers", 2],
    "attention": ["--encodings", "tokens", "--attention_width", 12],
}


def write_encodings(path: Path, split: Split, tokens: bool = False, **attributes: str) -> Path:
    """Random encodings of a split's images: of an image always the same."""
    shape = (N_TOKENS, WIDTH) if tokens else (WIDTH,)
    kind = {"kind": "tokens" if tokens else "embedding"}
    about = {**kind, **ATTRIBUTES, **attributes}
    ids, names = split.image_ids, split.source_ids
    with EncodingsWriter(path, ids, shape, "float32", about, names) as writer:
        for row, image_id in enumerate(split.image_ids):
            generator = np.random.default_rng(int(image_id))
            writer.write(row, encodings=generator.normal(size=shape).astype(np.float32))
        writer.finish()
    return path


def write_data(folder: Path, train: Split | None = None, minival: Split | None = None) -> Path:
    """A folder of train and minival, with vectors and tokens; by default 12 and 4 images."""
    folder.mkdir(parents=True, exist_ok=True)
    train = make_split(12) if train is None else train
    minival = make_split(4, "minival", first_id=900) if minival is None else minival
    for name, split in (("train", train), ("minival", minival)):
        write_split(folder / f"{name}.json", split)
        write_encodings(folder / f"{name}_embedding.h5", split)
        write_encodings(folder / f"{name}_tokens.h5", split, tokens=True)
    return folder


def history(output: Path) -> list[dict]:
    return json.loads((output / "trainer_state.json").read_text("utf-8"))["log_history"]


def losses(output: Path) -> list[float]:
    return [log["loss"] for log in history(output) if "loss" in log]


def evaluations(output: Path) -> list[dict]:
    return [log for log in history(output) if "eval_CIDEr" in log]
