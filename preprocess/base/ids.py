"""Ids of images and captions, as files of others write them."""

import re

from preprocess.base.errors import InputError

SHOWN = 40  # characters of what is no id


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
    if (isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,30}\s*", value)) or (
        isinstance(value, float) and value.is_integer()
    ):
        number = int(value)
    # type, not isinstance: True is an int.
    if type(number) is not int or not -(2**63) <= number < 2**63:
        raise InputError(f"{what}: expected an integer of 64 bits, found {repr(value)[:SHOWN]}")
    return number
