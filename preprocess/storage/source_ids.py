"""What a split's source calls its images, in HDF5 files: it tells a file of another split.

Where ids are names, the images are 1, 2, 3, ... in every split file, and ids tell nothing. Such
files have a dataset source_ids (N,), the names in UTF-8, "" of an image without one. Other files,
and those of earlier versions, have none.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split

SOURCE_IDS = "source_ids"


def write_source_ids(file: h5py.File, source_ids: Sequence[str | None] | None) -> None:
    """Write what the source calls the images; nothing where it has no names for their ids."""
    if source_ids is not None and any(source_ids):
        # Of fixed length, as the texts of attributes.
        file[SOURCE_IDS] = np.array([(name or "").encode() for name in source_ids])


def read_source_ids(file: h5py.File) -> list[str | None] | None:
    """Return what the source calls each image of a file; None where the file has no names.

    Raises:
        ValueError: they are damaged.
    """
    stored = file.get(SOURCE_IDS)
    if stored is None:
        return None
    if stored.shape != file["image_ids"].shape or stored.dtype.kind != "S":
        raise ValueError(f"{SOURCE_IDS} of another layout")
    return [name.decode() or None for name in stored[:].tolist()]


def check_same_names(
    path: Path, found: Mapping[int, str | None], split: Split, made_by: str
) -> None:
    """Raise InputError where an image of a split has another name in a file.

    Images that are not in the file, and those without a name on either side, are passed over.

    Args:
        found: what the file calls its images, by id.
        made_by: the command that writes such files.
    """
    for image in split.images:
        name = found.get(image.image_id)
        if None not in (name, image.source_id) and name != image.source_id:
            raise InputError(
                f"{path}: expected the images of split {split.split!r} of {split.source}, found "
                f"another split's: image {image.image_id} is {name!r}, in the split "
                f"{image.source_id!r}; give that split's file, or make it with {made_by}"
            )
