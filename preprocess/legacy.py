"""Files of the original code and of Oscar, whose formats it used.

- `{split}_captions.pt` (Oscar's coco_ir.zip): a pickled dictionary from image key, as int or str,
  to the captions, as a list of str or as that list in JSON.
- `{split}_img_keys*.tsv` (Oscar): one image key a line, in the order of the split.
"""

import json
import pickle
from pathlib import Path

import torch

from preprocess.errors import InputError


def read_caption_pt(path: Path) -> dict[int, list[str]]:
    """Read Oscar's caption dictionary: image id -> captions.

    The file is unpickled with `weights_only=True`: it can hold data, but run no code.

    Raises:
        InputError: the file is missing, is no such pickle, or holds something else.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: expected a .pt file of captions, found {reason}") from error
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: expected a dictionary of captions, found {type(content).__name__}"
        )
    return {_image_id(path, key): _captions(path, key, value) for key, value in content.items()}


def _image_id(path: Path, key: int | str) -> int:
    try:
        return int(key)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: expected an image id as key, found {key!r}") from error


def _captions(path: Path, key: int | str, value: str | list[str]) -> list[str]:
    try:
        captions = json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: captions of image {key} are not JSON: {error}") from error
    if not isinstance(captions, list) or not all(isinstance(c, str) for c in captions):
        raise InputError(f"{path}: expected a list of captions for image {key}, found {captions!r}")
    return captions


def read_key_tsv(path: Path) -> list[int]:
    """Read Oscar's key file: image ids, one a line (first column), in order.

    Raises:
        InputError: the file is missing, or a line does not start with an integer.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    keys = [line.split("\t")[0].strip() for line in lines if line.strip()]
    for number, key in enumerate(keys, start=1):
        if not key.isdecimal():
            raise InputError(f"{path}: line {number}: expected an image id, found {key!r}")
    return [int(key) for key in keys]
