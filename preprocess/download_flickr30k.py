"""Get Karpathy's splits of Flickr30k, and check that the images are there.

Reads caption_datasets.zip from cs.stanford.edu, or from where the options say, and writes, below
--data_dir,

    dataset_flickr30k.json
    archives/    the zip file (36 MB, the one that COCO's set-up downloads), and what is in it

No script may fetch the images (4.4 GB): the University of Illinois asks for name and purpose and
mails an address, Kaggle wants an account. All that the JSON lists are looked for below
--image_root; the exit status is 1 when some are missing, whose number is told, and the name of the
first. Karpathy's lists 31,014 (the other 769 of the 31,783 photographs are in no split): one that
lists more or fewer is used after a warning, and one of another data set is refused.

    python -m preprocess.download_flickr30k --data_dir datasets/flickr30k \\
        --image_root /data/flickr30k-images

Killed at any moment, the same command goes on. Seconds, and little memory.
"""

import sys
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.captions.annotations import KARPATHY_SOURCE, read_karpathy
from preprocess.captions.flickr_tables import FLICKR30K_IMAGES
from preprocess.captions.split_file import CaptionedImage
from preprocess.downloads.coco_archives import FLICKR30K_JSON, addresses, flickr30k_archive
from preprocess.downloads.download_folder import only_download, say
from preprocess.downloads.http_file import Retries
from preprocess.downloads.obtained_archive import ObtainedArchive

IMAGE_SOURCES = (
    "Flickr30k's images come from the University of Illinois, by the form at "
    "https://forms.illinois.edu/sec/229675 (folder flickr30k-images), or from Kaggle's archive "
    "hsankesara/flickr-image-dataset (folder flickr30k_images/flickr30k_images)"
)


@dataclass(kw_only=True)
class DownloadFlickr30kArguments:
    data_dir: Path = field(
        default=Path("datasets/flickr30k"), metadata={"help": "folder for the JSON, made if needed"}
    )
    image_root: Path = field(metadata={"help": "folder of the images, 1000092795.jpg and so on"})
    karpathy_json: Path | None = field(
        default=None, metadata={"help": "a dataset_flickr30k.json: nothing is downloaded"}
    )
    karpathy_url: str | None = field(
        default=None, metadata={"help": "another address of caption_datasets.zip"}
    )
    checksums: Path | None = field(
        default=None, metadata={"help": "as of preprocess.download_coco"}
    )
    skip_damaged: bool = field(
        default=False, metadata={"help": "go on without images that are missing, after a warning"}
    )


def obtain_json(arguments: DownloadFlickr30kArguments) -> Path:
    """Return where Karpathy's JSON is: the one that was given, or else downloaded and unpacked.

    Raises:
        InputError: the one that was given is not there, or it cannot be had.
    """
    given = arguments.karpathy_json
    if given is not None:
        if not given.is_file():
            raise InputError(f"--karpathy_json {given}: no such file")
        return given
    archive = flickr30k_archive(arguments.checksums)
    url = addresses([archive], None, arguments.karpathy_url)[archive.name]
    with only_download(arguments.data_dir):
        ObtainedArchive(archive, arguments.data_dir).obtain(url, Retries(), verify=False, say=say)
    return arguments.data_dir / FLICKR30K_JSON


def listed_images(path: Path) -> list[CaptionedImage]:
    """Return the images of all splits of Karpathy's JSON; warn where they are not 31,014.

    Raises:
        InputError: it is not readable, or of another data set.
    """
    splits = read_karpathy(path).splits.values()
    for split in splits:
        if split.dataset != "flickr30k":
            raise InputError(
                f"{path}: expected Karpathy's dataset_flickr30k.json, whose dataset is "
                f"'flickr30k', found that of {split.dataset!r}; {KARPATHY_SOURCE}"
            )
    images = [image for split in splits for image in split.images]
    expected = sum(FLICKR30K_IMAGES.values())
    if len(images) != expected:
        print(
            f"warning: {path}: expected the {expected:,} images of Karpathy's "
            f"dataset_flickr30k.json, found {len(images):,}",
            file=sys.stderr,
        )
    return images


def missing_line(images: list[CaptionedImage], missing: list[str], image_root: Path) -> str:
    """Say how many images are missing, which is the first, and where they may be."""
    line = (
        f"{image_root}: {len(missing):,} of Flickr30k's {len(images):,} images are missing, the "
        f"first is {missing[0]}"
    )
    below = chain(image_root.glob(f"*/{missing[0]}"), image_root.glob(f"*/*/{missing[0]}"))
    if (elsewhere := next(below, None)) is not None:
        return f"{line}; it is in {elsewhere.parent}: pass that as --image_root"
    return f"{line}; {IMAGE_SOURCES}"


def main() -> None:
    arguments = parse_arguments(DownloadFlickr30kArguments, description=__doc__)
    image_root = arguments.image_root
    if not image_root.is_dir():
        raise InputError(f"--image_root {image_root}: no such folder; {IMAGE_SOURCES}")
    images = listed_images(obtain_json(arguments))
    missing = [i.file_name for i in images if not (image_root / i.file_name).is_file()]
    if missing:
        line = missing_line(images, missing, image_root)
        if not arguments.skip_damaged:
            raise InputError(f"{line} (--skip_damaged goes on without them)")
        print(f"warning: {line}", file=sys.stderr)
    print(f"{image_root}: has {len(images) - len(missing):,} of {len(images):,} images")


if __name__ == "__main__":
    run_command(main, "what is downloaded is kept; the same command goes on")
