"""Encode every image of a split once with a frozen encoder: BEiT-2, CLIP's image tower, a ResNet.

Reads an images file (of preprocess.write_images) and an encoder, an HF folder (of
preprocess.convert_beit, for example) or a hub id; writes what it makes of each image
(see preprocess/storage/encodings_file.py), which training then reads instead of the encoder.

    python -m preprocess.encode_images --encoder runs/beit2 \\
        --images datasets/coco/train_images.h5 --output datasets/coco/train_targets.h5
    python -m preprocess.encode_images --encoder openai/clip-vit-base-patch32 --kind tokens \\
        --images datasets/vizwiz/train_images.h5 --output datasets/vizwiz/train_tokens.h5

--kind says which of its outputs: `vector`, what teaches others: BEiT's or CLIP's [CLS] after the
last norm, a ResNet's mean over its last map (2048 numbers of ResNet-50); of a CLIP also
`embedding`, that vector projected and not normalised (512 of ViT-B/32), and `tokens`, its class
token and patches before the last norm (50 x 768). Tokens are stored in float16 unless --dtype says
otherwise.

Killed at any moment, the same command goes on where it stopped, to the same bytes. An output of
another encoder or kind, of other images or in another type is not gone on with, and a finished one
is left as it is; with --verify its rows are compared with their checksums, and made again where
they differ. Damaged images do not stop the others: the command then names them, exits with status
1, and leaves the file marked incomplete.

The encoder's own image processor makes the pixels, without flips or crops at random. BEiT-2 of base
size encodes about 2 images a second on one CPU core, in 1.7 GB of memory; COCO's 113,287 training
images give 350 MB in float32. Tokens of CLIP ViT-B/32 take 77 KB an image.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from preprocess.base.command_line import check_at_least, named, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable

KEPT = "the images encoded so far are kept; the same command goes on with the others"


@dataclass
class EncodeImagesArguments:
    encoder: str = field(metadata={"help": "folder or hub id of a BEiT, a CLIP or a ResNet"})
    images: Path = field(metadata={"help": "the split's images, {split}_images.h5"})
    output: Path = field(metadata={"help": "the HDF5 file to write, such as {split}_targets.h5"})
    kind: Literal["vector", "embedding", "tokens"] = field(
        default="vector",
        metadata={
            "help": "which output: the encoder's vector; of a CLIP also its embedding (projected, "
            "not normalised) or its tokens (before the last norm)"
        },
    )
    dtype: Literal["float32", "float16"] | None = field(
        default=None,
        metadata={
            "help": "type of the stored numbers; float16 halves the file. Default: float16 for "
            "tokens, else float32"
        },
    )
    batch_size: int = field(
        default=64, metadata={"help": "images encoded at once; vectors change by rounding only"}
    )
    num_workers: int = field(
        default=2, metadata={"help": "processes that decode and resize images; 0: none extra"}
    )
    device: str | None = field(
        default=None,
        metadata={
            "help": "torch device that runs the encoder. Default: a GPU if there is one, else cpu"
        },
    )
    verify: bool = field(
        default=False,
        metadata={"help": "compare a finished file with its checksums, and mend what differs"},
    )


def main() -> None:
    arguments = parse_arguments(EncodeImagesArguments, description=__doc__)
    check_at_least("--batch_size", arguments.batch_size, 1)
    check_at_least("--num_workers", arguments.num_workers, 0)
    # Not above: torch takes seconds to import, --help and a mistyped option should not.
    from preprocess.base.device import torch_device
    from preprocess.encoders.encoding import describe, write_encodings
    from preprocess.encoders.image_encoder import load_image_encoder
    from preprocess.storage.encodings_file import EncodingsWriter
    from preprocess.storage.images_file import ImagesFile

    output = arguments.output
    device = torch_device(arguments.device)
    check_writable(output)
    images = ImagesFile(arguments.images)
    encoder = load_image_encoder(arguments.encoder, device, arguments.kind)
    dtype = arguments.dtype or ("float16" if arguments.kind == "tokens" else "float32")
    about = describe(encoder, images)
    ids, names = images.image_ids, images.source_ids
    with EncodingsWriter(output, ids, encoder.shape, dtype, about, names) as writer:
        n_damaged = writer.discard_damaged(arguments.verify)
        if n_damaged:
            print(f"{n_damaged} images do not match their checksums, and are made again")
        if writer.is_complete:
            print(f"{output}: {len(images):,} images are encoded already; left as it is")
            return
        failures = write_encodings(
            writer, encoder, images, arguments.batch_size, arguments.num_workers, output.stem
        )
        if failures:
            raise InputError(
                f"{len(failures)} of {len(images)} images gave no encodings: {named(failures)}. "
                f"{output} holds the others, marked incomplete; take these out of the split file "
                "or mend their files, make the images file again, and encode it to another --output"
            )
        writer.finish()
    numbers = " x ".join(map(str, encoder.shape))
    print(f"wrote {output}: {len(images):,} images, {numbers} numbers each")


if __name__ == "__main__":
    run_command(main, KEPT)
