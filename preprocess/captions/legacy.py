"""Files of the original code and of Oscar, whose formats it used.

- `{split}_captions.pt` (Oscar's coco_ir.zip): a pickled dictionary from image key, as int or str,
  to the captions, as a list of str or as that list in JSON.
- `{split}_img_keys*.tsv` (Oscar): one image key a line, in the order of the split.
"""

import json
from pathlib import Path

from preprocess.base.errors import InputError
from preprocess.base.ids import as_id
from preprocess.base.pickles import load_pickle


def read_caption_pt(path: Path) -> dict[int, list[str]]:
    """Read Oscar's caption dictionary: image id -> captions.

    Raises:
        InputError: the file is missing, is no such pickle, holds something else, or has an image
            twice, as an integer and as text.
    """
    content = load_pickle(path, "a .pt file of captions")
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: expected a dictionary of captions, found {type(content).__name__}"
        )
    captions: dict[int, list[str]] = {}
    for key, value in content.items():
        image_id = _image_id(path, key)
        if image_id in captions:
            raise InputError(f"{path}: expected image {image_id} once, found it as int and as str")
        captions[image_id] = _captions(path, key, value)
    return captions


def _image_id(path: Path, key: int | str) -> int:
    try:
        return as_id(key, "key of an image")
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _captions(path: Path, key: int | str, value: str | list[str]) -> list[str]:
    try:
        captions = json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: captions of image {key} are not JSON: {error}") from error
    if not isinstance(captions, list) or not all(isinstance(c, str | None) for c in captions):
        raise InputError(f"{path}: expected a list of captions for image {key}, found {captions!r}")
    return captions


def read_key_tsv(path: Path) -> list[int]:
    """Read Oscar's key file: image ids, one a line (first column), in order.

    Raises:
        InputError: the file is missing or no text, or a line does not start with an integer.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected image ids, one a line, found {error}") from error
    keys = []
    for number, line in enumerate(lines, start=1):
        key = line.partition("\t")[0].strip()
        if line.strip():
            try:
                keys.append(as_id(key, "image id"))
            except InputError as error:
                raise InputError(f"{path}: line {number}: {error}") from error
    return keys
