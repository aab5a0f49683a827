"""Images of a split by the names that other programs give them."""

import re
from pathlib import PurePosixPath

from preprocess.errors import InputError
from preprocess.split_file import Split

COCO_NAME = re.compile(r"(?:COCO_[a-z]+\d{4}_)?(\d{1,19})", re.IGNORECASE | re.ASCII)


class ImageNames:
    """Finds the row of a split's image by what another program calls it."""

    def __init__(self, split: Split):
        self.rows = {image.image_id: row for row, image in enumerate(split.images)}
        self.rows_of_stem: dict[str, set[int]] = {}
        for row, image in enumerate(split.images):
            stem = PurePosixPath(image.file_name).stem
            self.rows_of_stem.setdefault(stem, set()).add(row)

    def row_of(self, name: str, where: str) -> int | None:
        """Return the row, or None for an image that the split does not have.

        Raises:
            InputError: the name is that of several images of the split.
        """
        rows = set(self.rows_of_stem.get(name, ()))
        coco = COCO_NAME.fullmatch(name)
        if coco and int(coco[1]) in self.rows:
            rows.add(self.rows[int(coco[1])])
        if len(rows) > 1:
            raise InputError(
                f"{where}: expected the name of one image of the split, found {name!r}, the id "
                f"or file name of {len(rows)}; name images by unique ids"
            )
        return next(iter(rows), None)
