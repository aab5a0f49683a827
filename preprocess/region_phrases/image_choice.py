"""Which images of a source go into a region file."""

from collections.abc import Sequence
from pathlib import Path

from preprocess.captions.split_file import Split, read_split
from preprocess.region_phrases.tally import Tally


class ImageChoice:
    """The images of a split, and none of those that are to be left out.

    Attributes:
        split: None where all images are wanted.
        tally: where what is left out is counted.

    Raises:
        InputError: a file of `leave_out` is no split file.
    """

    def __init__(self, split: Split | None, leave_out: Sequence[Path], tally: Tally) -> None:
        self.split = split
        self.tally = tally
        self._file_names = {i.image_id: i.file_name for i in split.images} if split else {}
        self._left_out: dict[int, str] = {}
        for path in leave_out:
            kind = f"images of {path} left out"
            tally.announce(kind)  # a zero is told, too: it may be the wrong file
            self._left_out |= dict.fromkeys(read_split(path).image_ids.tolist(), kind)

    @property
    def needs_ids(self) -> bool:
        """Whether images are chosen by their ids."""
        return self.split is not None or bool(self._left_out)

    def keeps(self, coco_id: int | None, name: str) -> bool:
        """Whether an image is kept; if not, it is counted.

        Args:
            coco_id: its id in the data set of the splits; None for an image that is not in it.
            name: what the count calls it.
        """
        if coco_id in self._left_out:
            self.tally.add(self._left_out[coco_id], name)
            return False
        if self.split is not None and coco_id not in self._file_names:
            self.tally.add(f"images that are not in the split {self.split.split} left out", name)
            return False
        return True

    def file_name(self, coco_id: int) -> str | None:
        """Return the name that the split has for an image; None without a split."""
        return self._file_names.get(coco_id)
