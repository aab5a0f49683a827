"""White space of every kind becomes one blank."""

import pytest

from preprocess.captions.white_space import breaks_line, in_one_line

KINDS = ["\n", "\r", "\r\n", "\t", "\x0b", "\x0c", "\x1d", "\x85", "\xa0", "\u2028", "\u3000", "  "]


@pytest.mark.parametrize("white", KINDS, ids=ascii)
def test_white_space_of_every_kind_is_one_blank_and_none_at_the_ends(white):
    assert in_one_line(f"{white}a{white}cat {white}") == "a cat"


def test_what_breaks_a_line_for_some_program_is_told_from_what_does_not():
    assert [kind for kind in KINDS if not breaks_line(f"a{kind}cat")] == [
        "\t",
        "\xa0",
        "\u3000",
        "  ",
    ]
    assert not breaks_line(" a cat\r\n")
