"""Encode every image of a split once with a frozen encoder, such as BEiT-2 or CLIP's image tower.

Reads an images file (of preprocess.write_images) and an encoder, an HF folder (of
preprocess.convert_beit, for example) or a hub id; writes one vector an image
(see preprocess/storage/encodings_file.py), which training then reads instead of the encoder.

    python -m preprocess.encode_images --encoder runs/beit2 \\
        --images datasets/coco/train_images.h5 --output datasets/coco/train_targets.h5

Killed at any moment, the same command goes on where it stopped, to the same bytes. An output of
another encoder, of other images or in another type is not gone on with, and a finished one is left
as it is; with --verify its rows are compared with their checksums, and made again where they
differ. Damaged images do not stop the others: the command then names them, exits with status 1, and
leaves the file marked incomplete.

The encoder's own image processor makes the pixels, without flips or crops at random. BEiT-2 of base
size encodes about 2 images a second on one CPU core, in 1.7 GB of memory; COCO's 113,287 training
images give 350 MB in float32.
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
    encoder: str = field(metadata={"help": "folder or hub id of a BEiT or CLIP"})
    images: Path = field(metadata={"help": "the split's images, {split}_images.h5"})
    output: Path = field(metadata={"help": "the HDF5 file to write, such as {split}_targets.h5"})
    dtype: Literal["float32", "float16"] = field(
        default="float32", metadata={"help": "type of the stored numbers; float16 halves the file"}
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
    encoder = load_image_encoder(arguments.encoder, device)
    about = describe(encoder, images)
    with EncodingsWriter(output, images.image_ids, encoder.width, arguments.dtype, about) as writer:
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
    print(f"wrote {output}: {len(images):,} images, {encoder.width} numbers each")


if __name__ == "__main__":
    run_command(main, KEPT)
