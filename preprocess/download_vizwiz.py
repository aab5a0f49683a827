"""Download VizWiz-Captions' images and annotations, unpack them, and check that all is there.

Reads annotations.zip, val.zip and train.zip from vizwiz.cs.colorado.edu, or from where --mirror
says, and writes, below --data_dir,

    annotations/{train,val,test}.json, images/val/*.jpg, images/train/*.jpg
    archives/    the zip files, and what is in each

    python -m preprocess.download_vizwiz --data_dir datasets/vizwiz

Killed at any moment, or stopped by the network or a full disk, the same command goes on where it
was. Nobody has published the archives' checksums: their sizes are what the server says, and each
file is compared with its archive's CRC-32 before it has its name. What is already there is not
downloaded again, also when archives/*.zip were deleted or came from elsewhere. All images that
train.json and val.json list are looked for; the exit status is 1 when some are missing. Those of
test are not downloaded: their captions are withheld.

Gigabytes of disk, twice while the archives are there, and little memory.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.captions.vizwiz import vizwiz_images
from preprocess.downloads.download_folder import only_download, say
from preprocess.downloads.http_file import Retries
from preprocess.downloads.vizwiz_archives import ANNOTATIONS, IMAGES, VIZWIZ_SERVER

CAPTIONED = ("train", "val")


@dataclass
class DownloadVizwizArguments:
    data_dir: Path = field(
        default=Path("datasets/vizwiz"), metadata={"help": "folder for all of it, made if needed"}
    )
    image_root: Path | None = field(
        default=None, metadata={"help": "folder with train/ and val/: images are not downloaded"}
    )
    annotations: Path | None = field(
        default=None,
        metadata={"help": "folder with train.json and val.json: they are not downloaded"},
    )
    mirror: str = field(
        default=VIZWIZ_SERVER, metadata={"help": "address with images/ and caption/ below it"}
    )
    skip_damaged: bool = field(
        default=False, metadata={"help": "go on without images that are missing, after a warning"}
    )
    verify: bool = field(
        default=False,
        metadata={"help": "read and compare all that is there, instead of looking at sizes"},
    )


def check_arguments(arguments: DownloadVizwizArguments) -> None:
    """Raise InputError when the mirror is no address, or what the user has is not there."""
    if not arguments.mirror.startswith(("http://", "https://")):
        raise InputError(
            f"--mirror: expected an address http://... or https://..., found {arguments.mirror}; "
            "archives that you have go into the folder archives/ of --data_dir"
        )
    for name in CAPTIONED:
        folder, file = arguments.image_root, arguments.annotations
        if folder is not None and not (folder / name).is_dir():
            raise InputError(
                f"--image_root {folder}: expected folders train and val, found no {name}"
            )
        if file is not None and not (file / f"{name}.json").is_file():
            raise InputError(
                f"--annotations {file}: expected train.json and val.json, found no {name}.json"
            )


def check_images(names: list[str], image_root: Path, skip_damaged: bool) -> None:
    """Look for all images.

    Raises:
        InputError: some are missing, and nobody said to go on without them.
    """
    missing = [name for name in names if not (image_root / name).is_file()]
    if missing:
        line = (
            f"{image_root}: {len(missing):,} of {len(names):,} images are missing, the first is "
            f"{missing[0]}"
        )
        if not skip_damaged:
            raise InputError(f"{line} (--skip_damaged goes on without them)")
        print(f"warning: {line}", file=sys.stderr)
    print(f"{image_root}: has {len(names) - len(missing):,} of {len(names):,} images")


def main() -> None:
    arguments = parse_arguments(DownloadVizwizArguments, description=__doc__)
    check_arguments(arguments)
    data_dir = arguments.data_dir
    archives = [ANNOTATIONS] if arguments.annotations is None else []
    archives += IMAGES if arguments.image_root is None else ()
    if archives:
        with only_download(data_dir):
            for archive in archives:
                mirror = arguments.mirror.rstrip("/")
                archive.obtain(mirror, data_dir, arguments.verify, Retries(), say)
    annotations = arguments.annotations or data_dir / "annotations"
    names = [n for split in CAPTIONED for n in vizwiz_images(annotations / f"{split}.json")]
    check_images(names, arguments.image_root or data_dir / "images", arguments.skip_damaged)


if __name__ == "__main__":
    run_command(main, "what is downloaded is kept; the same command goes on")
