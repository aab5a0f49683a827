"""Lists of texts in arrays."""

import pytest

from preprocess.region_phrases.text_lists import TextLists


def test_lists_come_back_as_they_went_in():
    given = [("a", "café —"), (), ("",), ("a",), (), ("𝄞", "x" * 300)]
    lists = TextLists()
    for texts in given:
        lists.append(texts)
    assert len(lists) == len(given)
    assert [lists[row] for row in range(len(lists))] == given


def test_there_is_no_list_before_the_first_and_after_the_last():
    lists = TextLists()
    lists.append(["a"])
    for row in (-1, 1):
        with pytest.raises(IndexError):
            lists[row]
