"""Images of a split by the names that other programs give them."""

import re
from pathlib import PurePosixPath

from preprocess.errors import InputError
from preprocess.split_file import Split

# As COCO's files, and as UNITER's, which has flickr30k_000001000092795 too.
NUMBERED = re.compile(r"(?:COCO_[a-z]+\d{4}_|flickr30k_)?(\d{1,19})", re.IGNORECASE | re.ASCII)
# Some programs keep the image's suffix: OpenVQA's COCO_val2014_000000391895.jpg.npz.
SUFFIX = re.compile(r"\.(jpe?g|png|gif|bmp|webp|tiff?)", re.IGNORECASE)


class ImageNames:
    """Finds the row of a split's image by what another program calls it."""

    def __init__(self, split: Split):
        self.rows = {image.image_id: row for row, image in enumerate(split.images)}
        self.rows_of_stem: dict[str, set[int]] = {}
        for row, image in enumerate(split.images):
            self.rows_of_stem.setdefault(_stem(image.file_name), set()).add(row)

    def row_of(self, name: str, where: str) -> int | None:
        """Return the row, or None for an image that the split does not have.

        Raises:
            InputError: the name is that of several images of the split.
        """
        stem = _stem(name)
        rows = set(self.rows_of_stem.get(stem, ()))
        numbered = NUMBERED.fullmatch(stem)
        if numbered:
            number = int(numbered[1])
            rows |= self.rows_of_stem.get(str(number), set())
            rows |= {self.rows[number]} if number in self.rows else set()
        if len(rows) > 1:
            raise InputError(
                f"{where}: expected the name of one image of the split, found {name!r}, the id "
                f"or file name of {len(rows)}; name images by unique ids"
            )
        return next(iter(rows), None)


def _stem(name: str) -> str:
    """Return a name without folders, and without an image file's suffix."""
    path = PurePosixPath(name)
    return path.stem if SUFFIX.fullmatch(path.suffix) else path.name
