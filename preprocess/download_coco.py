"""Download COCO 2014's images and annotations and Karpathy's splits, and unpack them.

Reads annotations_trainval2014.zip, val2014.zip and train2014.zip from images.cocodataset.org and
Karpathy's caption_datasets.zip, or from where the options say, and writes, below --data_dir,

    annotations/*.json, dataset_coco.json, images/val2014/*.jpg, images/train2014/*.jpg
    archives/    the zip files, and what is in each

    python -m preprocess.download_coco --data_dir datasets/coco

Killed at any moment, or stopped by the network or a full disk, the same command goes on where it
was. Each archive's size and SHA-256 and each file's CRC-32 are compared before it has its name.
What is already there is not downloaded again, also when archives/*.zip were deleted or came from
elsewhere. It takes 42 GB of disk (when the archives are deleted, at most 35 GB, and 22 GB in the
end), little memory, half an hour at 100 Mbit/s (an estimate), and minutes more for checksums and
unpacking.
"""

from dataclasses import dataclass, field
from pathlib import Path

from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.downloads.coco_archives import addresses, check_given, chosen_archives
from preprocess.downloads.download_folder import only_download, say
from preprocess.downloads.http_file import Retries
from preprocess.downloads.obtained_archive import ObtainedArchive


@dataclass
class DownloadCocoArguments:
    data_dir: Path = field(
        default=Path("datasets/coco"), metadata={"help": "folder for all of it, made if needed"}
    )
    mirror: str | None = field(
        default=None,
        metadata={"help": "address that takes the place of http://images.cocodataset.org"},
    )
    karpathy_url: str | None = field(
        default=None, metadata={"help": "another address of caption_datasets.zip"}
    )
    image_root: Path | None = field(
        default=None,
        metadata={"help": "folder with train2014/ and val2014/: images are not downloaded"},
    )
    karpathy_json: Path | None = field(
        default=None, metadata={"help": "a dataset_coco.json: Karpathy's is not downloaded"}
    )
    checksums: Path | None = field(
        default=None,
        metadata={
            "help": "JSON of sizes and checksums, for archives other than the published ones "
            "(preprocess/downloads/coco_archives.py)"
        },
    )
    verify: bool = field(
        default=False,
        metadata={"help": "read and compare all that is there, instead of looking at sizes"},
    )
    delete_archives: bool = field(
        default=False, metadata={"help": "delete each zip file when its files are unpacked"}
    )
    retries: int = field(
        default=6, metadata={"help": "attempts in a row, without a further byte, before giving up"}
    )
    retry_wait: float = field(
        default=2.0, metadata={"help": "seconds before the first of these, doubled up to 60"}
    )


def check_arguments(arguments: DownloadCocoArguments) -> None:
    """Raise InputError when an option has a bad value, or what the user has is not there."""
    check_at_least("--retries", arguments.retries, 0)
    if arguments.retry_wait < 0:
        raise InputError(f"--retry_wait: expected 0 or more, found {arguments.retry_wait}")
    check_given(arguments.image_root, arguments.karpathy_json)


def main() -> None:
    arguments = parse_arguments(DownloadCocoArguments, description=__doc__)
    check_arguments(arguments)
    archives = chosen_archives(
        arguments.checksums,
        with_images=arguments.image_root is None,
        with_karpathy=arguments.karpathy_json is None,
    )
    urls = addresses(archives, arguments.mirror, arguments.karpathy_url)
    retries = Retries(arguments.retries, arguments.retry_wait)
    with only_download(arguments.data_dir):
        for archive in archives:
            obtained = ObtainedArchive(archive, arguments.data_dir)
            obtained.obtain(urls[archive.name], retries, arguments.verify, say)
            if arguments.delete_archives and obtained.path.exists():
                obtained.path.unlink()
                say(f"deleted {obtained.path}")


if __name__ == "__main__":
    run_command(main, "what is downloaded is kept; the same command goes on")
