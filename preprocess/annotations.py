"""Readers of the three annotation formats that splits are made of."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from preprocess.errors import InputError
from preprocess.files import read_json
from preprocess.legacy import read_caption_pt, read_key_tsv
from preprocess.split_file import Caption, CaptionedImage, Split

KARPATHY_SOURCE = "it is in Karpathy's caption_datasets.zip"
COCO_SOURCE = "it is in COCO's annotations_trainval2014.zip"


def read_karpathy(path: Path) -> dict[str, Split]:
    """Read `dataset_coco.json` (or Flickr30k's, Flickr8k's): split name -> split, in file order.

    The images marked `restval` belong to `train` (Karpathy & Fei-Fei 2015; 113,287 images).

    Raises:
        InputError: missing file, missing keys, no image, an image in two splits, or a split that
            breaks a rule of `Split`.
    """
    content = read_json(path, KARPATHY_SOURCE)
    members = defaultdict(list)
    split_of: dict[int, str] = {}
    with _naming(path, "Karpathy's format", KARPATHY_SOURCE):
        dataset = content["dataset"]
        for image in content["images"]:
            split = "train" if image["split"] == "restval" else image["split"]
            folder = image.get("filepath")
            captioned = CaptionedImage(
                image_id=image["cocoid"] if "cocoid" in image else image["imgid"],
                file_name=_joined(folder, image["filename"]),
                captions=tuple(Caption(s["sentid"], s["raw"]) for s in image["sentences"]),
            )
            other = split_of.setdefault(captioned.image_id, split)
            if other != split:
                raise InputError(f"image {captioned.image_id} is in both {other} and {split}")
            members[split].append(captioned)
        if not members:
            raise InputError(f"expected at least one image, found none; {KARPATHY_SOURCE}")
        return {
            split: Split(dataset, split, path.name, tuple(images))
            for split, images in members.items()
        }


@contextmanager
def _naming(path: Path, expected: str, source: str) -> Iterator[None]:
    """Name the file in the errors of the block: its own, and those of what is not as expected."""
    try:
        yield
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not {expected} ({error!r}); {source}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _joined(folder: str | None, file_name: str) -> str:
    return "/".join([folder, file_name]) if folder else file_name


def read_coco_captions(path: Path, split: str, image_folder: str) -> Split:
    """Read a COCO caption file such as `captions_val2014.json` as one split, in file order.

    Args:
        image_folder: folder of the images below the image root, such as "val2014"; "" for none.

    Raises:
        InputError: missing file or keys, or a split that breaks a rule of `Split`.
    """
    content = read_json(path, COCO_SOURCE)
    captions = defaultdict(list)
    with _naming(path, "a COCO caption file", COCO_SOURCE):
        for annotation in content["annotations"]:
            caption = Caption(annotation["id"], annotation["caption"])
            captions[annotation["image_id"]].append(caption)
        images = tuple(
            CaptionedImage(
                image_id=image["id"],
                file_name=_joined(image_folder, image["file_name"]),
                captions=tuple(captions.pop(image["id"], ())),
            )
            for image in content["images"]
        )
        if captions:
            raise InputError(
                f"captions of image {next(iter(captions))!r}, which the file does not list"
            )
        return Split("coco", split, path.name, images)


def read_oscar(
    captions_path: Path, keys_path: Path | None, split: str, file_name_of: Callable[[int], str]
) -> Split:
    """Read Oscar's captions, in the order of its key file (without one: of the dictionary).

    These files have no caption ids: captions are numbered from 0 in the order of the split.

    Args:
        file_name_of: image id -> file name below the image root, which the files do not tell.

    Raises:
        InputError: missing or malformed files, a key without captions, or a rule of `Split`.
    """
    captions = read_caption_pt(captions_path)
    keys = read_key_tsv(keys_path) if keys_path else list(captions)
    images = []
    next_caption_id = 0
    for key in keys:
        if key not in captions:
            raise InputError(f"{captions_path}: no captions for image {key} of {keys_path}")
        numbered = tuple(Caption(next_caption_id + i, c) for i, c in enumerate(captions[key]))
        next_caption_id += len(numbered)
        images.append(CaptionedImage(key, file_name_of(key), numbered))
    return Split("coco", split, captions_path.name, tuple(images))
