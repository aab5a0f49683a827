"""Images of a split by the names that other programs give them."""

import re
from pathlib import PurePosixPath

from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split

# As COCO's files, and as UNITER's, which has flickr30k_000001000092795 too.
NUMBERED = re.compile(r"(?:COCO_[a-z]+\d{4}_|flickr30k_)?(\d{1,19})", re.IGNORECASE | re.ASCII)
# Some programs keep the image's suffix: OpenVQA's COCO_val2014_000000391895.jpg.npz.
SUFFIX = re.compile(r"\.(jpe?g|png|gif|bmp|webp|tiff?)", re.IGNORECASE)


class ImageNames:
    """Finds the row of a split's image by what another program calls it."""

    def __init__(self, split: Split):
        self.rows = {image.image_id: row for row, image in enumerate(split.images)}
        self.paths = [PurePosixPath(image.file_name) for image in split.images]
        self.rows_of_file: dict[str, set[int]] = {}
        self.rows_of_stem: dict[str, set[int]] = {}
        for row, path in enumerate(self.paths):
            self.rows_of_file.setdefault(path.name, set()).add(row)
            self.rows_of_stem.setdefault(path.stem, set()).add(row)

    def row_of(self, name: str, where: str) -> int | None:
        """Return the row, or None for an image that the split does not have.

        A file's own name is looked for first; one without its suffix, and an id, then.

        Raises:
            InputError: the name is that of several images of the split.
        """
        path = PurePosixPath(name)
        rows = {row for row in self.rows_of_file.get(path.name, ()) if self._agrees(path, row)}
        if not rows and SUFFIX.fullmatch(path.suffix):
            # Of files of the split by other names, COCO's tell the id: 12 digits.
            numbered = NUMBERED.fullmatch(path.stem)
            rows = self._rows_of_id(numbered[1]) if numbered and len(numbered[1]) == 12 else set()
        elif not rows:
            numbered = NUMBERED.fullmatch(name)
            rows = set(self.rows_of_stem.get(name, ()))
            if numbered:
                rows |= self._rows_of_id(numbered[1])
                rows |= self.rows_of_stem.get(str(int(numbered[1])), set())
        if len(rows) > 1:
            raise InputError(
                f"{where}: expected the name of one image of the split, found {name!r}, the id "
                f"or file name of {len(rows)}; name images by unique ids"
            )
        return next(iter(rows), None)

    def _agrees(self, path: PurePosixPath, row: int) -> bool:
        """Whether the folders of a name, as far as both have them, are those of the image."""
        pairs = zip(reversed(path.parts), reversed(self.paths[row].parts), strict=False)
        return all(one == other for one, other in pairs)

    def _rows_of_id(self, digits: str) -> set[int]:
        return {self.rows[int(digits)]} if int(digits) in self.rows else set()
