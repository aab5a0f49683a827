"""COCO 2014's published archives, and Karpathy's, which has Flickr30k too: addresses, checksums."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from preprocess.base.errors import InputError
from preprocess.base.files import read_json

COCO_SERVER = "http://images.cocodataset.org"
KARPATHY = "caption_datasets.zip"
FLICKR30K_JSON = "dataset_flickr30k.json"


@dataclass(frozen=True)
class Archive:
    """A zip file to download, and what is unpacked of it."""

    url: str
    n_bytes: int
    sha256: str
    members: str  # a pattern, as of fnmatch
    folder: str  # below the data folder
    unpacked_bytes: int  # disk that the members take
    n_images: int = 0

    @property
    def name(self) -> str:
        """The file's name, such as train2014.zip."""
        return self.url.rpartition("/")[2]


# Sizes and checksums: TensorFlow Datasets' url_checksums/coco_captions.txt, which others who
# downloaded the files report too. Unpacked sizes of images: the archives', with disk blocks.
COCO_2014 = (
    Archive(
        url=f"{COCO_SERVER}/annotations/annotations_trainval2014.zip",
        n_bytes=252_872_794,
        sha256="031296bbc80c45a1d1f76bf9a90ead27e94e99ec629208449507a4917a3bf009",
        members="annotations/*.json",
        folder=".",
        unpacked_bytes=800_000_000,
    ),
    Archive(
        url=f"https://cs.stanford.edu/people/karpathy/deepimagesent/{KARPATHY}",
        n_bytes=36_745_453,
        sha256="4cfd70132527b80933105e5829dc9034eaab9573482e2e680abbab6130244817",
        members="dataset_coco.json",
        folder=".",
        unpacked_bytes=144_186_139,
    ),
    Archive(
        url=f"{COCO_SERVER}/zips/val2014.zip",
        n_bytes=6_645_013_297,
        sha256="fe9be816052049c34717e077d9e34aa60814a55679f804cd043e3cbee3b9fde0",
        members="val2014/*.jpg",
        folder="images",
        unpacked_bytes=6_800_000_000,
        n_images=40_504,
    ),
    Archive(
        url=f"{COCO_SERVER}/zips/train2014.zip",
        n_bytes=13_510_573_713,
        sha256="ede4087e640bddba550e090eae701092534b554b42b05ac33f0300b984b31775",
        members="train2014/*.jpg",
        folder="images",
        unpacked_bytes=13_700_000_000,
        n_images=82_783,
    ),
)
RECORDED = {"n_bytes": int, "sha256": str, "unpacked_bytes": int, "n_images": int}


def chosen_archives(
    checksums: Path | None, with_images: bool, with_karpathy: bool
) -> tuple[Archive, ...]:
    """Return COCO's archives, without those that the user has in another form.

    Args:
        checksums: JSON of archives that are not the published ones, such as a subset of COCO:
            ``{"train2014.zip": {"n_bytes": 1234, "sha256": "..."}}``, also with `unpacked_bytes`
            and `n_images`. Those it does not name stay the published ones.

    Raises:
        InputError: `checksums` is not such a file.
    """
    recorded = {} if checksums is None else _read_checksums(checksums)
    return tuple(
        replace(archive, **recorded.get(archive.name, {}))
        for archive in COCO_2014
        if (with_images or not archive.n_images) and (with_karpathy or archive.name != KARPATHY)
    )


def flickr30k_archive(checksums: Path | None) -> Archive:
    """Return Karpathy's archive, of which Flickr30k's JSON is unpacked.

    Args:
        checksums: as of `chosen_archives`.

    Raises:
        InputError: `checksums` is not such a file.
    """
    archives = chosen_archives(checksums, with_images=False, with_karpathy=True)
    karpathy = next(archive for archive in archives if archive.name == KARPATHY)
    return replace(karpathy, members=FLICKR30K_JSON, unpacked_bytes=40_000_000)


def check_given(image_root: Path | None, karpathy_json: Path | None) -> None:
    """Raise InputError when what the user has in the place of archives is not there."""
    if karpathy_json is not None and not karpathy_json.is_file():
        raise InputError(f"--karpathy_json {karpathy_json}: no such file")
    if image_root is not None:
        for name in ("train2014", "val2014"):
            if not (image_root / name).is_dir():
                raise InputError(
                    f"--image_root {image_root}: expected folders train2014 and val2014, found "
                    f"no {name}"
                )


def _read_checksums(path: Path) -> dict[str, dict[str, Any]]:
    example = 'expected {"train2014.zip": {"n_bytes": 1234, "sha256": "<64 digits>"}, ...}'
    recorded = read_json(path, example)
    names = [archive.name for archive in COCO_2014]
    if not isinstance(recorded, dict) or not set(recorded) <= set(names):
        raise InputError(f"{path}: {example}, of {', '.join(names)}")
    for name, values in recorded.items():
        if not isinstance(values, dict) or not {"n_bytes", "sha256"} <= set(values):
            raise InputError(f"{path}: {name} has no n_bytes and sha256; {example}")
        for key, value in values.items():
            if type(value) is not RECORDED.get(key):
                raise InputError(f"{path}: {name}: unexpected {key}: {value!r}; {example}")
    return recorded


def addresses(
    archives: Sequence[Archive], mirror: str | None, karpathy_url: str | None
) -> dict[str, str]:
    """Return where each archive is downloaded from, by its name.

    Args:
        mirror: takes the place of http://images.cocodataset.org.
        karpathy_url: another address of caption_datasets.zip.

    Raises:
        InputError: an address is not http:// or https://.
    """
    for option, url in (("--mirror", mirror), ("--karpathy_url", karpathy_url)):
        if url is not None and not url.startswith(("http://", "https://")):
            raise InputError(
                f"{option}: expected an address http://... or https://..., found {url}; archives "
                "that you have go into the folder archives/ of --data_dir"
            )
    urls = {archive.name: archive.url for archive in archives}
    if mirror is not None:
        urls = {n: u.replace(COCO_SERVER, mirror.rstrip("/"), 1) for n, u in urls.items()}
    if karpathy_url is not None and KARPATHY in urls:
        urls[KARPATHY] = karpathy_url
    return urls
