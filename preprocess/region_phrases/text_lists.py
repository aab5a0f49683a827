"""Lists of short texts, millions of them, in three arrays instead of an object for each."""

from array import array
from collections.abc import Sequence
from itertools import pairwise


class TextLists:
    """A growing sequence of lists of texts; `lists[row]` is the tuple of one.

    A text costs its UTF-8 bytes and 8 more, where a `str` takes 49 and more. Worker processes share
    the arrays, as nothing in them counts references.
    """

    def __init__(self) -> None:
        self._list_ends = array("q", [0])  # of each list, in texts
        self._text_ends = array("q", [0])  # of each text, in bytes
        self._characters = bytearray()

    def append(self, texts: Sequence[str]) -> None:
        for text in texts:
            self._characters += text.encode()
            self._text_ends.append(len(self._characters))
        self._list_ends.append(len(self._text_ends) - 1)

    def __len__(self) -> int:
        return len(self._list_ends) - 1

    def __getitem__(self, row: int) -> tuple[str, ...]:
        if not 0 <= row < len(self):
            raise IndexError(f"list {row} of {len(self)}")
        first, end = self._list_ends[row], self._list_ends[row + 1]
        ends = self._text_ends[first : end + 1]
        return tuple(self._characters[start:stop].decode() for start, stop in pairwise(ends))
