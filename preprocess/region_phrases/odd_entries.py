"""Entries that are not of their file's format: left out and counted, where others are."""

from collections.abc import Callable
from typing import Any, TypeVar

from preprocess.base.errors import InputError
from preprocess.region_phrases.tally import Tally

ALL_ODD = 1000  # so many without one that is read, and the file is of another format
FAULTS = (AttributeError, InputError, KeyError, RecursionError, TypeError, ValueError)
SHOWN = 60  # characters of an odd entry

Read = TypeVar("Read")


class OddEntries:
    """The entries of one kind of one file.

    Args:
        what: what the count calls them, such as "regions".
        hint: ends the error line.

    Attributes:
        has_fine: whether one was read.
    """

    def __init__(self, what: str, tally: Tally, hint: str) -> None:
        self.kind = f"{what} of another format left out"
        self.has_fine = False
        self._tally = tally
        self._hint = hint
        self._n_odd = 0
        self._first = ""

    def read(self, parse: Callable[[Any], Read], entry: Any, name: str) -> Read | None:
        """Return what `parse` makes of an entry; None where that is no such entry.

        Args:
            name: of the entry, with its file.

        Raises:
            InputError: none of the many entries so far is of the format.
        """
        try:
            made = parse(entry)
        except FAULTS as error:
            fault = f"found no member {error}" if isinstance(error, KeyError) else str(error)
            odd = f"{name}: {entry!r:.{SHOWN}}: {fault}"
            self._tally.add(self.kind, odd)
            self._first = self._first or odd
            self._n_odd += 1
            if self._n_odd >= ALL_ODD:
                self.check()
            return None
        self.has_fine = True
        return made

    def check(self) -> None:
        """Raise InputError, naming the first, where there are odd entries and no others."""
        if self._n_odd and not self.has_fine:
            raise InputError(f"{self._first}; {self._hint}")
