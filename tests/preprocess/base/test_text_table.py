"""Columns that never run together."""

from preprocess.base.text_table import text_table


def test_columns_are_as_wide_as_their_widest_cell_and_two_spaces_apart():
    rows = [["", "R@1", "mean"], ["clip", "7.00", "1063.63 [1, 2000]"], ["x", "100.00", "0.00"]]
    assert text_table(rows, "lrr") == [
        "         R@1               mean",
        "clip    7.00  1063.63 [1, 2000]",
        "x     100.00               0.00",
    ]


def test_no_line_ends_in_spaces():
    assert text_table([["a", "long name"], ["b", "c"]], "ll") == ["a  long name", "b  c"]
