"""Ids as files of others write them."""

import pytest

from preprocess.base.errors import InputError
from preprocess.base.ids import as_id, id_reader


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


def test_numbers_are_read_as_they_are_whatever_their_form():
    read = id_reader([7, "0008", 9.0])
    assert [read(value) for value in ("7", 8, 9)] == [(7, None), (8, None), (9, None)]


def test_one_name_makes_all_ids_names_numbered_in_order():
    read = id_reader(["cat_01", "12", "cat_02", "cat_01", 12])
    assert [read(value) for value in ("cat_01", 12, "12", "cat_02")] == [
        (1, "cat_01"),
        (2, "12"),
        (2, "12"),
        (3, "cat_02"),
    ]
    with pytest.raises(InputError, match="id 'dog': not among those that the file lists"):
        read("dog")


@pytest.mark.parametrize("value", [None, True, 1.5, "", [1]])
def test_among_names_anything_else_is_one_line(value):
    with pytest.raises(InputError, match="image id: expected a name or an integer, found"):
        id_reader(["cat", value], "image id")
