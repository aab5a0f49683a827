"""Tell how probable a captioner finds what people wrote, with the image and without.

Reads a captioner's folder or hub id, a split file, and what the captioner reads of the images:
encodings of preprocess.encode_images, or for a BLIP an images file. Writes for each caption a
word's mean log-probability given its image, given none, and their difference, the gain: by how much
the image makes the caption's words likelier.

    {"captions": [{"caption_id": 42, "image_id": 7, "with_image": -2.1, "without_image": -3.4,
                   "gain": 1.3, "n_tokens": 11, "n_unknown": 0, "is_cut": false}, ...],
     "mean_gain": 0.9, "metadata": {...}}

    python -m captioning.surprise --model_name_or_path runs/clip_lstm \\
        --split_file datasets/demo/test.json --encodings datasets/demo/test_embedding.h5 \\
        --output runs/clip_lstm/surprise.json

"No image" is the mean encoding of these images; for a BLIP, pixels that are all zero. A gain near 0
or below tells of a caption that the image does not explain: vague, mistaken, or beyond the
captioner. error_analysis.difficulty takes the file by --surprise.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from information_retrieval.models.arguments import ModelArguments
from information_retrieval.scoring.evaluation_output import code_version
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.files import check_writable, write_json
from preprocess.captions.split_file import Split, read_split

if TYPE_CHECKING:
    from captioning.decoding.surprise import Surprise


@dataclass(kw_only=True)
class SurpriseArguments(ModelArguments):
    split_file: Path = field(metadata={"help": "split JSON with the captions"})
    output: Path = field(metadata={"help": "the JSON file to write"})
    encodings: Path | None = field(
        default=None, metadata={"help": "encodings HDF5 of the split's images"}
    )
    images: Path | None = field(
        default=None, metadata={"help": "images HDF5, for a captioner that reads pixels"}
    )
    batch_size: int = field(default=64, metadata={"help": "captions judged at once"})
    num_workers: int = field(default=0, metadata={"help": "processes that decode images"})
    device: str | None = field(
        default=None,
        metadata={"help": "torch device to compute on. Default: a GPU if there is one, else cpu"},
    )


def judge(args: SurpriseArguments, split: Split) -> tuple[list["Surprise"], str]:
    """Return how probable each caption of the split is, and what stood for no image."""
    # Not above: torch takes seconds to import.
    import torch

    from captioning.decoding.image_batches import input_batches, open_inputs
    from captioning.decoding.surprise import surprise
    from captioning.models.loading import load_captioner
    from preprocess.base.device import torch_device

    captioner = load_captioner(args.model_name_or_path, torch_device(args.device))
    inputs = open_inputs(captioner, args.encodings, args.images)
    inputs.check_names(split)
    blank, named = None, "zeros"
    if captioner.reads == "encodings":
        whole = input_batches(captioner, inputs, split.image_ids, args.batch_size)
        sums = [batch.double().sum(0) for batch in whole]
        blank, named = (torch.stack(sums).sum(0) / len(split.images)).float(), "mean encoding"
    image_ids = split.image_ids[split.caption_image_index]
    batches = input_batches(captioner, inputs, image_ids, args.batch_size, args.num_workers)
    judged: list[Surprise] = []
    for batch in tqdm(batches, "judging", -(-len(image_ids) // args.batch_size), unit="batch"):
        captions = split.captions[len(judged) : len(judged) + len(batch)]
        judged += surprise(captioner, batch, captions, blank)
    return judged, named


def summary(judged: Sequence["Surprise"]) -> str:
    """Return what the command prints."""
    gains = np.array([one.gain for one in judged])
    n_tokens, n_unknown = (sum(getattr(o, k) for o in judged) for k in ("n_tokens", "n_unknown"))
    return (
        f"{len(judged):,} captions: the image makes a word {np.exp(gains.mean()):.2f} times as "
        f"probable (geometric mean); {np.count_nonzero(gains <= 0):,} captions it makes no "
        f"likelier. {100 * n_unknown / n_tokens:.1f} % of the words are unknown to the captioner; "
        f"{sum(one.is_cut for one in judged):,} captions are cut"
    )


def main() -> None:
    args = parse_arguments(SurpriseArguments, description=__doc__)
    check_at_least("--batch_size", args.batch_size, 1)
    check_at_least("--num_workers", args.num_workers, 0)
    check_writable(args.output)
    split = read_split(args.split_file)
    judged, blank = judge(args, split)
    images = split.image_ids[split.caption_image_index].tolist()
    rows = zip(split.caption_ids.tolist(), images, judged, strict=True)
    captions = [
        {"caption_id": caption_id, "image_id": image_id, **asdict(one), "gain": one.gain}
        for caption_id, image_id, one in rows
    ]
    metadata = {
        "model": args.model_name_or_path,
        "split_file": str(args.split_file),
        "split_sha256": split.sha256,
        "no_image": blank,
        "code_version": code_version(),
        "command": sys.argv,
    }
    mean_gain = float(np.mean([one.gain for one in judged]))
    write_json(args.output, {"captions": captions, "mean_gain": mean_gain, "metadata": metadata})
    print(f"{summary(judged)}\nwrote {args.output}")


if __name__ == "__main__":
    run_command(main)
