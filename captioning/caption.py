"""Caption images: by a captioner that was trained here, or a BLIP.

Reads a captioner (a folder or hub id) and, as it needs, the encodings of images by the encoder that
it was trained on (`--encodings`, of preprocess.encode_images) or, for a BLIP, the images
(`--images`, of preprocess.write_images). All images of that file are captioned, or those of a split
file; they need no captions (`preprocess.write_images --image_info`). Writes COCO's results format,
[{"image_id": 42, "caption": "a dog"}, ...], which captioning.evaluate and evaluation servers take,
and beside it how they were made (`..._settings.json`): decoding, hashes, captions that were cut at
the limit.

    python -m captioning.caption --model_name_or_path runs/clip_lstm \\
        --encodings datasets/vizwiz/val_embedding.h5 --output runs/clip_lstm/val_captions.json
    python -m captioning.caption --model_name_or_path Salesforce/blip-image-captioning-base \\
        --images datasets/vizwiz/val_images.h5 --output runs/blip/val_captions.json

By default 3 beams and at most 20 words; the paper's way is `--method greedy`. On one CPU core, an
LSTM of full size captions about 30 images a second so.
"""

import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from captioning.decoding.arguments import DecodingArguments, check_of_method
from information_retrieval.models.arguments import ComputeArguments
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable

if TYPE_CHECKING:
    from captioning.decoding.image_batches import Inputs
    from captioning.decoding.settings import Decoding
    from captioning.models.loading import LoadedCaptioner


@dataclass(kw_only=True)
class CaptionArguments(ComputeArguments):
    model_name_or_path: str = field(metadata={"help": "captioner's folder or hub id, or a BLIP's"})
    output: Path = field(metadata={"help": "the JSON file of captions to write"})
    encodings: Path | None = field(
        default=None, metadata={"help": "encodings of the images, by the captioner's encoder"}
    )
    images: Path | None = field(
        default=None, metadata={"help": "images HDF5, of a captioner that reads pixels"}
    )
    split_file: Path | None = field(
        default=None, metadata={"help": "split JSON: caption its images alone, in its order"}
    )
    limit: int | None = field(default=None, metadata={"help": "caption the first so many images"})
    prompt: str | None = field(
        default=None,
        metadata={
            "help": "BLIP: what captions begin with, and is no part of them. Default: as it was "
            "published"
        },
    )
    seed: int | None = field(
        default=None, metadata={"help": "nucleus: of what is drawn. Default: 0"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.seed is not None:
            check_at_least("--seed", self.seed, 0)
        if self.limit is not None:
            check_at_least("--limit", self.limit, 1)


@dataclass(frozen=True)
class Asked:
    """The images to caption, and what their source calls them."""

    image_ids: list[int]
    names: list[int | str]


def images_asked(inputs: "Inputs", split_file: Path | None, limit: int | None) -> Asked:
    """Return the images of a split, or else all of the file, or the first of them."""
    from captioning.results.results_file import id_in_results
    from preprocess.captions.split_file import read_split

    if split_file is None:
        image_ids = inputs.image_ids.tolist()[:limit]
        source_ids = inputs.source_ids or [None] * len(inputs)
        named = zip(image_ids, source_ids[:limit], strict=True)
        return Asked(image_ids, [name or image_id for image_id, name in named])
    split = read_split(split_file)
    inputs.check_names(split)
    images = split.images[:limit]
    return Asked([i.image_id for i in images], [*map(id_in_results, images)])


def seed_of(given: int | None, decoding: "Decoding") -> int | None:
    """Return the seed of what is drawn; None where nothing is.

    Raises:
        InputError: one was given then.
    """
    if decoding.method == "nucleus":
        return given or 0
    if given is not None:
        check_of_method("seed", decoding.method, ())
    return None


def prompt_of(given: str | None, captioner: "LoadedCaptioner") -> str | None:
    """Return what captions begin with; None where they begin by themselves.

    Raises:
        InputError: a prompt was given then.
    """
    from captioning.models.blip_captioner import PROMPT

    if captioner.reads == "pixels":
        return PROMPT if given is None else given
    if given is not None:
        raise InputError(f"--prompt: {captioner.name} is no BLIP, and has none; leave it out")
    return None


def describe(
    args: CaptionArguments,
    prompt: str | None,
    seed: int | None,
    decoding: "Decoding",
    captioner: "LoadedCaptioner",
    inputs: "Inputs",
) -> dict:
    """Return what the captions depend on, as JSON values."""
    import torch
    import transformers

    from information_retrieval.scoring.evaluation_output import code_version
    from preprocess.base.files import sha256_of_file
    from preprocess.base.hub import revision_of_weights

    name, split = args.model_name_or_path, args.split_file
    used = decoding.used()
    if captioner.vocabulary.unknown_id is None:
        del used["say_unknown"]
    return {
        "model": name,
        "weights": revision_of_weights(name, captioner.config),
        "vocabulary_sha256": captioner.vocabulary.sha256,
        "reads": captioner.reads,
        "inputs": str(inputs.path),
        "inputs_sha256": inputs.sha256(),
        "encoder": getattr(captioner.config, "encoder", None),
        "split_file": None if split is None else str(split),
        "split_file_sha256": None if split is None else sha256_of_file(split),
        "limit": args.limit,
        "decoding": used,
        "prompt": prompt,
        "seed": seed,
        "dtype": args.dtype,
        "code_version": code_version(),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "command": sys.argv,
    }


def main() -> None:
    args, decoding_arguments = parse_arguments(
        CaptionArguments, DecodingArguments, description=__doc__
    )
    decoding = decoding_arguments.decoding()
    seed = seed_of(args.seed, decoding)
    check_writable(args.output)
    # Not above: torch takes seconds to import, --help and a mistyped option should not.
    import torch
    from tqdm import tqdm

    from captioning.decoding.captions import caption_images, check_decoding
    from captioning.decoding.image_batches import input_batches, open_inputs
    from captioning.models.loading import load_captioner
    from captioning.results.caption_counts import count_captions
    from captioning.results.captions_output import told_of, write_captions
    from captioning.results.metrics_json import counts_table
    from preprocess.base.device import torch_device

    device = torch_device(args.device)
    captioner = load_captioner(args.model_name_or_path, device, args.prompt)
    prompt = prompt_of(args.prompt, captioner)
    check_decoding(captioner, decoding)
    inputs = open_inputs(captioner, args.encodings, args.images)
    asked = images_asked(inputs, args.split_file, args.limit)
    batches = input_batches(captioner, inputs, asked.image_ids, args.batch_size, args.num_workers)
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    dtype = getattr(torch, args.dtype)
    with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
        said = caption_images(captioner, batches, decoding, generator)
        found = list(tqdm(said, "captioning", total=len(asked.image_ids), unit="image"))
    texts = [one.text for one in found]
    counts = count_captions([str(name) for name in asked.names], texts)
    cut = [name for name, one in zip(asked.names, found, strict=True) if not one.ended]
    settings = describe(args, prompt, seed, decoding, captioner, inputs)
    settings |= {"counts": asdict(counts), "cut": cut}
    write_captions(args.output, asked.names, texts, settings)
    print(counts_table(counts))
    for line in told_of(counts, cut):
        print(f"warning: {line}", file=sys.stderr)
    print(f"wrote {args.output}")


if __name__ == "__main__":
    run_command(main)
