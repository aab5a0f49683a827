"""Ids of images and captions, as files of others write them."""

import re
from collections.abc import Callable, Iterable

from preprocess.base.errors import InputError

SHOWN = 40  # characters of what is no id
DIGITS = re.compile(r"\s*-?[0-9]{1,30}\s*")


def as_id(value: object, what: str = "id") -> int:
    """Return an id as the integer that it is: 42, "42", "000000000042" or 42.0.

    JSON of annotation tools has ids as text or as floats, and a comparison of "42" with 42 finds
    nothing, without a word.

    Args:
        what: what the error line calls it, such as "image id".

    Raises:
        InputError: it is no integer of 64 bits, whole float, or decimal digits.
    """
    number = value
    if (isinstance(value, str) and DIGITS.fullmatch(value)) or (
        isinstance(value, float) and value.is_integer()
    ):
        number = int(value)
    # type, not isinstance: True is an int.
    if type(number) is not int or not -(2**63) <= number < 2**63:
        raise InputError(f"{what}: expected an integer of 64 bits, found {repr(value)[:SHOWN]}")
    return number


def id_reader(
    values: Iterable[object], what: str = "id"
) -> Callable[[object], tuple[int, str | None]]:
    """Return what reads an id of a list of ids: as an integer, and as the name that it is, or None.

    Where one of the ids is a text that is no number, such as "cat_01", all are names, and stand for
    1, 2, 3, ... in the order of their first appearance.

    Raises:
        InputError: when called, of what is no id, or a name that is not in the list.
    """
    values = list(values)
    if not any(isinstance(value, str) and not DIGITS.fullmatch(value) for value in values):
        return lambda value: (as_id(value, what), None)
    numbers: dict[str, int] = {}
    for value in values:
        numbers.setdefault(_name(value, what), len(numbers) + 1)

    def read(value: object) -> tuple[int, str]:
        name = _name(value, what)
        if name not in numbers:
            raise InputError(f"{what} {name[:SHOWN]!r}: not among those that the file lists")
        return numbers[name], name

    return read


def _name(value: object, what: str) -> str:
    if type(value) not in (str, int) or not str(value).strip():
        raise InputError(f"{what}: expected a name or an integer, found {repr(value)[:SHOWN]}")
    return str(value)
