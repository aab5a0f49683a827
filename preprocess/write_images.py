"""Write the images of a split into one HDF5 file, as the bytes of their own files.

Reads a split file and the images below the image root; writes `{split}_images.h5` (schema:
preprocess/images_file.py). Every image is decoded once as a check, and none is re-encoded.

    python -m preprocess.write_images --split_file datasets/coco/test.json \\
        --image_root datasets/coco/images --output datasets/coco/test_images.h5

The file is as large as the image files (0.8 GB for COCO's 5,000 test images, where the original
took 18 GB). 5,000 images take about 15 s on 2 CPU cores, and little memory.

A file that is there with exactly the split's images, each as large as its image file is by now, is
left as it is; bytes are not compared (preprocess/images_file.py: has_images). Delete it to have it
written anew.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from preprocess.command_line import check_at_least, parse_arguments, run_command
from preprocess.decoding import decode_rgb, read_encoded, size_of
from preprocess.files import check_writable
from preprocess.images_file import has_images, write_images_file
from preprocess.split_file import read_split


@dataclass
class WriteImagesArguments:
    split_file: Path = field(metadata={"help": "split JSON of preprocess.splits"})
    image_root: Path = field(metadata={"help": "folder that the split's file names start from"})
    output: Path = field(metadata={"help": "the HDF5 file to write, {split}_images.h5"})
    num_threads: int = field(default=4, metadata={"help": "images read and checked at once"})


def read_checked(path: Path) -> bytes:
    """Return the bytes of an image file that decodes. Raises InputError otherwise."""
    encoded = read_encoded(path)
    decode_rgb(encoded, str(path))
    return encoded


def read_all(paths: Sequence[Path], num_threads: int) -> Iterator[bytes]:
    """Yield each image's bytes in their order, a bounded number read ahead."""
    ahead = 8 * num_threads
    with ThreadPoolExecutor(num_threads) as pool:
        for start in range(0, len(paths), ahead):
            yield from pool.map(read_checked, paths[start : start + ahead])


def main() -> None:
    arguments = parse_arguments(WriteImagesArguments, description=__doc__)
    check_at_least("--num_threads", arguments.num_threads, 1)
    split = read_split(arguments.split_file)
    if has_images(arguments.output, split, arguments.image_root):
        n_images = f"{len(split.images):,} images"
        print(f"unchanged: {arguments.output}: {n_images} (delete it to write anew)")
        return
    check_writable(arguments.output)
    paths = [arguments.image_root / image.file_name for image in split.images]
    n_bytes = sum(size_of(path) for path in paths)
    encoded = read_all(paths, arguments.num_threads)
    # Closed before an error is told: both are lines of stderr.
    with tqdm(encoded, f"{split.split} images", total=len(paths), unit="image") as progress:
        write_images_file(arguments.output, split.image_ids, progress, n_bytes)
    print(f"wrote {arguments.output}: {len(split.images):,} images")


if __name__ == "__main__":
    run_command(main)
