"""Write the images of a split into one HDF5 file, as the bytes of their own files.

Reads a split file, a region file of preprocess.regions, or a list of images that have no captions
(COCO's image_info_test2014.json, VizWiz' test.json), and the images below the image root; writes
`{split}_images.h5` (schema: preprocess/storage/images_file.py). Every image is decoded once as a
check, and none is re-encoded.

    python -m preprocess.write_images --split_file datasets/coco/test.json \\
        --image_root datasets/coco/images --output datasets/coco/test_images.h5
    python -m preprocess.write_images --image_info image_info_test2014.json \\
        --image_root datasets/coco/images/test2014 --output datasets/coco/test2014_images.h5

The file is as large as the image files (0.8 GB for COCO's 5,000 test images, where the original
took 18 GB). 5,000 images take about 15 s on 2 CPU cores, and little memory.

A damaged or missing image does not stop the others from being read: the command names them all,
exits with status 1 and writes nothing, unless --skip_damaged says to leave them out.
{split}_without_skipped.json, beside the output, is then the split of the others (of a region file
or a list there is no such file).

A file that is there with exactly the split's images, each as large as its image file is by now, is
left as it is; bytes are compared with --verify only (preprocess/storage/images_file.py:
has_images). Delete it to have it written anew.
"""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from tqdm import tqdm

from preprocess.base.command_line import check_at_least, named, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable
from preprocess.captions.image_info import ImageList, read_image_info
from preprocess.captions.skipped_images import write_without_skipped
from preprocess.captions.split_file import CaptionedImage, Split, read_split
from preprocess.region_phrases.image_split import images_as_split
from preprocess.region_phrases.region_file import RegionsFile
from preprocess.storage.decoding import decode_rgb, read_encoded, size_of
from preprocess.storage.images_file import ImagesFile, has_images, write_images_file


@dataclass
class WriteImagesArguments:
    image_root: Path = field(metadata={"help": "folder that the split's file names start from"})
    output: Path = field(metadata={"help": "the HDF5 file to write, {split}_images.h5"})
    split_file: Path | None = field(
        default=None, metadata={"help": "split JSON of preprocess.splits"}
    )
    regions_file: Path | None = field(
        default=None,
        metadata={"help": "in place of a split: JSON of preprocess.regions, whose images to write"},
    )
    image_info: Path | None = field(
        default=None,
        metadata={
            "help": "in place of a split: JSON whose `images` have `id` and `file_name`, of images "
            "without captions"
        },
    )
    num_threads: int = field(default=4, metadata={"help": "images read and checked at once"})
    skip_damaged: bool = field(
        default=False, metadata={"help": "write the file without damaged or missing images"}
    )
    verify: bool = field(
        default=False,
        metadata={
            "help": "compare a file that is there with its checksums; if damaged, write anew"
        },
    )


class DamagedImagesError(InputError):
    """Some images do not decode, or are missing: `failures` says why, by their place."""

    def __init__(self, failures: dict[int, str], n_images: int):
        super().__init__(
            f"{len(failures)} of {n_images} images are damaged or missing: "
            f"{named(list(failures.values()))}"
        )
        self.failures = failures


def read_checked(path: Path) -> bytes | InputError:
    """Return the bytes of an image file that decodes, or the error that says why it does not."""
    try:
        encoded = read_encoded(path)
        decode_rgb(encoded, str(path))
    except InputError as error:
        return error
    return encoded


def read_all(paths: Sequence[Path], num_threads: int) -> Iterator[bytes]:
    """Yield each image's bytes in their order, a bounded number read ahead.

    After a damaged one nothing more is yielded, but the others are read, so that all are named.

    Raises:
        DamagedImagesError: at the end.
    """
    ahead, failures = 8 * num_threads, {}
    with ThreadPoolExecutor(num_threads) as pool:
        for start in range(0, len(paths), ahead):
            read = pool.map(read_checked, paths[start : start + ahead])
            for place, encoded in enumerate(read, start):
                if isinstance(encoded, InputError):
                    failures[place] = str(encoded)
                elif not failures:
                    yield encoded
    if failures:
        raise DamagedImagesError(failures, len(paths))


def write_all(output: Path, split: Split | ImageList, image_root: Path, num_threads: int) -> None:
    """Write the images file of a split. Raises DamagedImagesError as `read_all`, InputError."""
    paths = [image_root / image.file_name for image in split.images]
    n_bytes = sum(size_of(path) for path in paths if path.is_file())
    encoded = read_all(paths, num_threads)
    # Closed before an error is told: both are lines of stderr.
    with tqdm(encoded, f"{split.split} images", total=len(paths), unit="image") as progress:
        write_images_file(output, split.image_ids, progress, n_bytes, split.source_ids)


def check_image_root(split: Split | ImageList, image_root: Path) -> None:
    """Raise InputError where there is none of the split's images, before naming all of them."""
    paths = [image_root / image.file_name for image in split.images]
    if not any(path.is_file() for path in paths):
        raise InputError(
            f"{paths[0]}: no such image, and none of the other {len(paths) - 1}; check --image_root"
        )


def without_damaged(split: Split | ImageList, failures: dict[int, str]) -> Split | ImageList:
    """Return the split without the images at some places. Raises InputError: none is left."""
    left: tuple[CaptionedImage, ...] = tuple(
        image for place, image in enumerate(split.images) if place not in failures
    )
    if not left:
        raise InputError("no image is left; check --image_root")
    return replace(split, images=left)


def read_images(arguments: WriteImagesArguments) -> Split | ImageList:
    """Return the split, the images of the region file as one, or the list of images.

    Raises:
        InputError: not exactly one of the three, or a bad file.
    """
    given = (arguments.split_file, arguments.regions_file, arguments.image_info)
    if sum(path is not None for path in given) != 1:
        raise InputError("pass exactly one of --split_file, --regions_file, --image_info")
    if arguments.split_file:
        return read_split(arguments.split_file)
    if arguments.image_info:
        return read_image_info(arguments.image_info)
    assert arguments.regions_file is not None
    return images_as_split(RegionsFile(arguments.regions_file))


def main() -> None:
    arguments = parse_arguments(WriteImagesArguments, description=__doc__)
    check_at_least("--num_threads", arguments.num_threads, 1)
    split = read_images(arguments)
    if has_images(arguments.output, split, arguments.image_root) and (
        not arguments.verify or ImagesFile(arguments.output).is_whole()
    ):
        n_images = f"{len(split.images):,} images"
        print(f"unchanged: {arguments.output}: {n_images} (delete it to write anew)")
        return
    check_writable(arguments.output)
    check_image_root(split, arguments.image_root)
    left, root, threads = split, arguments.image_root, arguments.num_threads
    try:
        write_all(arguments.output, split, root, threads)
    except DamagedImagesError as error:
        if not arguments.skip_damaged:
            raise InputError(
                f"{error}. Nothing is written; fetch them again, or leave them out with "
                "--skip_damaged"
            ) from error
        left = without_damaged(split, error.failures)
        print(f"warning: {error}", file=sys.stderr)
        write_all(arguments.output, left, root, threads)
    print(f"wrote {arguments.output}: {len(left.images):,} images")
    skipped = set(split.image_ids.tolist()) - set(left.image_ids.tolist())
    if skipped and arguments.split_file:
        assert isinstance(split, Split)
        split_file, output = arguments.split_file, arguments.output
        print(write_without_skipped(split_file, split, output, skipped, "pixels"))


if __name__ == "__main__":
    run_command(main)
