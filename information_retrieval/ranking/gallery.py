"""What commands that read rankings check: the images and captions scored, and their own output."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from information_retrieval.ranking.npz_file import DAMAGED
from information_retrieval.ranking.rankings import Rankings
from preprocess.base.errors import InputError, UnreadableError, lack_of_machine
from preprocess.captions.split_file import Split


def gallery_of(rankings: Rankings, split: Split) -> Split:
    """Return the images and captions of `split` that `rankings` scored, in the scores' order.

    Raises:
        InputError: an image or caption is not in `split`, or the captions do not lie image by
            image in the order of the split.
    """
    kept = set(rankings.caption_ids.tolist())
    image_of = {image.image_id: image for image in split.images}
    ids = rankings.image_ids.tolist()
    images = tuple(
        replace(
            image_of[i], captions=tuple(c for c in image_of[i].captions if c.caption_id in kept)
        )
        for i in ids
        if i in image_of
    )
    gallery = replace(split, images=images)
    if ids != gallery.image_ids.tolist() or not np.array_equal(
        rankings.caption_ids, gallery.caption_ids
    ):
        raise InputError(
            f"{rankings.metadata.get('path', 'rankings')}: expected the images and captions of "
            f"split {split.split!r} of {split.source}, image by image, found others or another "
            "order; give the split file that the rankings were made with"
        )
    return gallery


def check_made_by(output: Path, key: str) -> None:
    """Raise InputError when a file is there already whose metadata lack `key`: another's work."""
    if not output.exists():
        return
    try:
        with output.open("rb") as file, np.load(file) as arrays:
            metadata = json.loads(str(arrays["metadata"]))
    except DAMAGED as error:
        if reason := lack_of_machine(error):
            raise UnreadableError(f"{output}: cannot be read ({reason})") from error
        metadata = {}
    if key not in metadata:
        raise InputError(
            f"--output {output}: exists, and another command wrote it; name another file"
        )


def check_not_input(output: Path, inputs: Iterable[Path]) -> None:
    """Raise InputError when writing `output` would replace one of the files that are read."""
    for path in inputs:
        if output.resolve() == path.resolve():
            raise InputError(
                f"--output {output}: is one of the rankings to read; name another file"
            )
