"""`{split}_text_detected.json`, beside a split file: which of its images show text.

{"split", "source", "text_detected": {"<image id>": true or false}}; an image of which the source
does not tell is not in it.
"""

from collections.abc import Mapping
from pathlib import Path

from preprocess.base.errors import InputError
from preprocess.base.files import read_json, write_json
from preprocess.base.ids import as_id
from preprocess.captions.split_file import Split

MADE_BY = "it is made with `python -m preprocess.splits --vizwiz_captions`"


def text_detected_file(split_file: Path) -> Path:
    """Return where it is, of a split file."""
    return split_file.with_name(f"{split_file.stem}_text_detected.json")


def write_text_detected(path: Path, split: Split, text_detected: Mapping[int, bool]) -> None:
    """Write it, atomically.

    Args:
        text_detected: by image id; images of other splits are left out.
    """
    own = {str(i): text_detected[i] for i in split.image_ids.tolist() if i in text_detected}
    content = {"split": split.split, "source": split.source, "text_detected": own}
    write_json(path, content, indent=None)


def read_text_detected(path: Path) -> dict[int, bool]:
    """Return whether an image shows text, by its id.

    Raises:
        InputError: the file is missing, or is another one.
    """
    content = read_json(path, MADE_BY)
    found = content.get("text_detected") if isinstance(content, dict) else None
    if not isinstance(found, dict) or not all(isinstance(value, bool) for value in found.values()):
        raise InputError(f"{path}: expected true or false by image id; {MADE_BY}")
    return {as_id(key, f"{path}: image id"): value for key, value in found.items()}
