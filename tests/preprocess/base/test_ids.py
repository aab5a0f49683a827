"""Ids as files of others write them."""

import pytest

from preprocess.base.errors import InputError
from preprocess.base.ids import as_id


@pytest.mark.parametrize("value", [42, "42", " 42 ", "000000000042", 42.0])
def test_an_id_is_the_integer_that_is_meant(value):
    assert as_id(value) == 42
    assert type(as_id(value)) is int


@pytest.mark.parametrize(
    "value", [None, True, 4.5, float("nan"), "4.5", "cat", "", "٤٢", 2**63, "9" * 31, [42]]
)
def test_anything_else_is_one_short_line(value):
    with pytest.raises(
        InputError, match=r"^image id: expected an integer of 64 bits, found"
    ) as line:
        as_id(value, "image id")
    assert len(str(line.value)) < 100
