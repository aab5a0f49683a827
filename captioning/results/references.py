"""The references of images: of a split file, or of an annotation file in COCO's format."""

from pathlib import Path

from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.captions.annotations import read_coco_captions
from preprocess.captions.split_file import Split, read_split
from preprocess.captions.vizwiz import FLAGS

MADE_BY = "make a split file with `python -m preprocess.splits`, or give captions_val2014.json"


def read_references(path: Path) -> tuple[Split, tuple[str, ...]]:
    """Read the references.

    Args:
        path: a split file, or an annotation file such as COCO's captions_val2014.json.

    Returns:
        the split, and a line for each caption or image of an annotation file that is left out.

    Raises:
        InputError: no such file, another format, or captions that VizWiz has flagged, which a
            split file is without.
    """
    content = read_json(path, MADE_BY)
    annotations = content.get("annotations") if isinstance(content, dict) else None
    if not isinstance(annotations, list):
        return read_split(path), ()
    flagged = sum(any(one.get(flag) for flag in FLAGS) for one in annotations if dict is type(one))
    if flagged:
        raise InputError(
            f"{path}: {flagged:,} captions are flagged as rejected or precanned, and are no "
            "references; make a split file without them: python -m preprocess.splits "
            "--vizwiz_captions"
        )
    read = read_coco_captions(path, "references", "")
    return read.splits["references"], read.odd
