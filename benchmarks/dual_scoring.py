"""CLIP's scores by encoding each image and caption once, against the original's pair forwards.

The original feeds every pair through both encoders and takes the diagonal of the batch's
similarity as the scores. Here both ways score the same few images and captions, by a ViT-B/32 of
random weights or the CLIP of `--model_name_or_path`, the pixels and tokens being at hand; then the
times are extrapolated to the 1K protocol, 5,000,000 pair forwards against 6,000 encodings, by the
measured time of each. The second table encodes from files, with the images decoded by this process
or by a worker.

Images and captions are synthetic: noise of 640 x 480 as JPEG, random tokens of COCO's lengths.

    python -m benchmarks.dual_scoring

It takes 2 minutes on one CPU core.
"""

import io
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

from benchmarks.timing import compare, fastest, hardware
from information_retrieval.models.checkpoint import load_image_processor, load_model
from information_retrieval.models.dual_encoder import (
    BLOCK_CAPTIONS,
    EncodedGallery,
    GalleryImages,
    encode_captions,
    encode_gallery,
    encode_images,
)
from information_retrieval.models.tokenization import pad_tokens
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.device import torch_device
from preprocess.base.errors import InputError
from preprocess.storage.images_file import ImagesFile, write_images_file

# Tokens of a COCO caption by CLIP's tokenizer: mean, deviation, and the range of 98 % of them.
MEAN_LENGTH, DEVIATION, LENGTHS = 13.7, 2.9, (10, 25)
IMAGES_1K, CAPTIONS_1K = 1000, 5000


@dataclass
class DualScoringArguments:
    model_name_or_path: str | None = field(
        default=None, metadata={"help": "CLIP checkpoint; by default random weights of ViT-B/32"}
    )
    n_images: int = field(default=4, metadata={"help": "images of the pairs that both ways score"})
    n_captions: int = field(default=16, metadata={"help": "captions of these pairs"})
    n_files: int = field(default=96, metadata={"help": "images encoded from a file"})
    batch_size: int = field(default=32, metadata={"help": "pairs, images or captions at once"})
    dtype: Literal["float32", "bfloat16", "float16"] = field(
        default="float32", metadata={"help": "type that the model computes in (autocast)"}
    )
    repeats: int = field(default=3, metadata={"help": "rounds; the best of each way counts"})
    device: str = field(
        default="cuda" if torch.cuda.is_available() else "cpu",
        metadata={"help": "torch device to compute on"},
    )


def load_or_random(name: str | None) -> tuple[CLIPModel, CLIPImageProcessor]:
    """Load a checkpoint (InputError where it is no CLIP), or make one of ViT-B/32's size."""
    if name is None:
        return CLIPModel(CLIPConfig()).eval(), CLIPImageProcessor()  # the defaults are ViT-B/32's
    model = load_model(name)
    if model.config.model_type != "clip":
        raise InputError(f"{name}: expected a CLIP, found {model.config.model_type}")
    return model, load_image_processor(name)


def start_and_end(model: CLIPModel) -> tuple[int, int]:
    """The special tokens, which are the last of CLIP's vocabularies."""
    n_tokens = model.config.text_config.vocab_size
    return n_tokens - 2, n_tokens - 1


def random_captions(model: CLIPModel, n: int, generator: np.random.Generator) -> list[list[int]]:
    """Token ids of n captions of COCO's lengths."""
    start, end = start_and_end(model)
    lengths = np.clip(np.round(generator.normal(MEAN_LENGTH, DEVIATION, n)), *LENGTHS).astype(int)
    return [[start, *generator.integers(0, start, length - 2).tolist(), end] for length in lengths]


def random_jpeg(generator: np.random.Generator) -> bytes:
    """A 640 x 480 image of smooth noise, which has about the bytes of a photograph (160 KB)."""
    coarse = generator.integers(0, 256, (60, 80, 3), np.uint8)
    image = Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC)
    noise = generator.integers(-25, 26, (480, 640, 3))
    pixels = np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8)
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "jpeg", quality=90)
    return encoded.getvalue()


@torch.inference_mode()
def score_by_pairs(
    model: CLIPModel, pixels: torch.Tensor, token_ids: list[list[int]], batch_size: int
) -> np.ndarray:
    """Score as the original: every pair through both encoders, the diagonal of each batch.

    Args:
        pixels: (n_images, 3, size, size).

    Returns:
        (n_images, n_captions) float32.
    """
    n_pairs, scores = len(pixels) * len(token_ids), []
    for start in range(0, n_pairs, batch_size):
        pairs = np.arange(start, min(start + batch_size, n_pairs))
        rows, columns = np.divmod(pairs, len(token_ids))
        tokens = pad_tokens([token_ids[column] for column in columns], start_and_end(model)[1])
        tokens = {key: value.to(model.device) for key, value in tokens.items()}
        images = pixels[torch.from_numpy(rows)].to(model.device)
        scores.append(model(pixel_values=images, **tokens).logits_per_image.diagonal())
    return torch.cat(scores).float().reshape(len(pixels), -1).cpu().numpy()


@torch.inference_mode()
def image_embeddings(model: CLIPModel, pixels: torch.Tensor, batch_size: int) -> torch.Tensor:
    """Encode (n_images, 3, size, size) once."""
    return encode_images(model, pixels.split(batch_size), show_progress=False)


@torch.inference_mode()
def caption_embeddings(
    model: CLIPModel, token_ids: list[list[int]], batch_size: int
) -> torch.Tensor:
    """Encode captions once."""
    end = start_and_end(model)[1]
    return encode_captions(model, token_ids, end, batch_size, show_progress=False)


def score_by_encodings(
    model: CLIPModel, pixels: torch.Tensor, token_ids: list[list[int]], batch_size: int
) -> np.ndarray:
    """Score the same pairs from one encoding of each image and caption."""
    encoded = EncodedGallery(
        model.logit_scale.detach().exp() * image_embeddings(model, pixels, batch_size),
        caption_embeddings(model, token_ids, batch_size),
    )
    return encoded.score(slice(None), np.arange(encoded.n_captions))


def product_of_1k(dim: int, device: torch.device) -> None:
    """The matrix product of 1K, in the blocks that `EncodedGallery` scores."""
    images, captions = (torch.rand(n, dim, device=device) for n in (IMAGES_1K, CAPTIONS_1K))
    encoded = EncodedGallery(images, captions)
    ends = range(BLOCK_CAPTIONS, CAPTIONS_1K, BLOCK_CAPTIONS)
    for columns in np.split(np.arange(CAPTIONS_1K), ends):
        encoded.score(slice(None), columns)


def autocast(model: CLIPModel, args: DualScoringArguments) -> torch.autocast:
    """The context that both tables are measured in."""
    dtype = getattr(torch, args.dtype)
    return torch.autocast(model.device.type, dtype, enabled=dtype != torch.float32)


def table(rows: list[list[str]]) -> str:
    """Rows of cells as Markdown."""
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def scoring_table(model: CLIPModel, args: DualScoringArguments) -> str:
    """Time both ways on the same pairs, and extrapolate to 1K."""
    generator = np.random.default_rng(0)
    token_ids, batch = random_captions(model, args.n_captions, generator), args.batch_size
    size = model.config.vision_config.image_size
    pixels = torch.from_numpy(generator.normal(size=(args.n_images, 3, size, size))).float()
    dim, many_images = model.config.projection_dim, pixels.repeat(-(-batch // len(pixels)), 1, 1, 1)
    many_captions = random_captions(model, 4 * batch, generator)
    scores = {}
    with autocast(model, args):
        ways = {
            "pairs": lambda: scores.update(p=score_by_pairs(model, pixels, token_ids, batch)),
            "once": lambda: scores.update(o=score_by_encodings(model, pixels, token_ids, batch)),
            # In whole batches, as at 1K.
            "images": lambda: image_embeddings(model, many_images, batch).cpu(),
            "captions": lambda: caption_embeddings(model, many_captions, batch).cpu(),
            "product": lambda: product_of_1k(dim, model.device),
        }
        compare(ways, repeats=1)  # warm
        seconds = fastest(compare(ways, args.repeats))
    n_pairs = len(pixels) * len(token_ids)
    pair, image = seconds["pairs"] / n_pairs, seconds["images"] / len(many_images)
    caption = seconds["captions"] / len(many_captions)
    by_pairs = IMAGES_1K * CAPTIONS_1K * pair
    by_encodings = IMAGES_1K * image + CAPTIONS_1K * caption + seconds["product"]
    difference = np.abs(scores["p"] - scores["o"]).max()
    rows = [
        [
            f"{args.model_name_or_path or 'ViT-B/32 size'}, {args.dtype}, no decoding",
            "every pair",
            "encoded once",
            "ratio",
        ],
        ["---"] * 4,
        [
            f"{len(pixels)} images x {len(token_ids)} captions, measured",
            f"{seconds['pairs']:.2f} s",
            f"{seconds['once']:.3f} s",
            f"{seconds['pairs'] / seconds['once']:,.0f}",
        ],
        [
            "1K, extrapolated",
            f"{by_pairs / 3600:.1f} h",
            f"{by_encodings:.1f} s",
            f"{by_pairs / by_encodings:,.0f}",
        ],
    ]
    return (
        f"{table(rows)}\n\nExtrapolated from {1e3 * pair:.2f} ms a pair, {1e3 * image:.2f} ms an "
        f"image, {1e3 * caption:.2f} ms a caption and {1e3 * seconds['product']:.0f} ms for the "
        f"matrix product:\n{IMAGES_1K * CAPTIONS_1K:,} pairs against {IMAGES_1K:,} images and "
        f"{CAPTIONS_1K:,} captions. Largest difference of a score between the ways: "
        f"{difference:.1e}."
    )


def decoding_table(
    model: CLIPModel, processor: CLIPImageProcessor, args: DualScoringArguments
) -> str:
    """Time the encoding of images from their file, decoded in this process or by a worker."""
    generator, (start, end) = np.random.default_rng(0), start_and_end(model)
    ids = np.arange(args.n_files)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.h5"
        write_images_file(path, ids, [random_jpeg(generator) for _ in ids])
        images = ImagesFile(path)
        gallery = GalleryImages(images, ids, processor)
        pixels = torch.stack([gallery[row] for row in ids])

        def encode(num_workers: int) -> None:
            encode_gallery(
                *(model, [[start, end]], end, images, ids, processor),
                dtype=getattr(torch, args.dtype),
                batch_size=args.batch_size,
                num_workers=num_workers,
                show_progress=False,
            )

        with autocast(model, args):
            rounds = compare(
                {
                    "decoding and preprocessing alone": lambda: [gallery[row] for row in ids],
                    "model alone": lambda: image_embeddings(model, pixels, args.batch_size).cpu(),
                    "both, in turns (--num_workers 0)": lambda: encode(0),
                    "both, overlapped (--num_workers 1)": lambda: encode(1),
                },
                args.repeats,
            )
    rows = [[name, f"{1e3 * s / len(ids):.1f}"] for name, s in fastest(rounds).items()]
    header = [f"{args.n_files} images of 640 x 480 from their file, {args.dtype}", "ms an image"]
    return table([header, ["---"] * 2, *rows])


def main() -> None:
    args = parse_arguments(DualScoringArguments, description=__doc__)
    for option in ("n_images", "n_captions", "n_files", "batch_size", "repeats"):
        check_at_least(f"--{option}", getattr(args, option), 1)
    device = torch_device(args.device)
    torch.manual_seed(0)
    model, processor = load_or_random(args.model_name_or_path)
    model = model.to(device)
    print(f"{hardware(device)}\n")
    print(scoring_table(model, args))
    print(f"\n{decoding_table(model, processor, args)}")


if __name__ == "__main__":
    run_command(main)
