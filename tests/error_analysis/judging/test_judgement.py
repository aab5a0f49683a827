"""What is one judgement, and what is none."""

import re

import pytest

from error_analysis.judging.judgement import Judgement, distinct_tags, tag_key
from preprocess.base.errors import InputError


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("t2i-1", "t2i", 9, 2, "", ()), "query: expected t2i-2, found 't2i-1'"),
        (("i2t-9", "i2t", 9, 2, "", ()), "caption_id: found 2 of a query i2t"),
        (("t2i-9", "t2i", 9, None, "", ()), "caption_id: found None of a query t2i"),
        (("t2t-9", "t2t", 9, 2, "", ()), "direction: expected i2t or t2i, found 't2t'"),
        (("t2i-2", "t2i", 9, 2, "", ("a;b",)), "tags: expected none with ';', found 'a;b'"),
        (("t2i-2", "t2i", 9, 2, "", ("a", "A ")), "tags: expected distinct ones"),
        (("t2i-2", "t2i", 9, 2, "", ("none", "a")), "tags: expected 'none' alone"),
    ],
)
def test_what_does_not_fit_together_is_refused(given, told):
    with pytest.raises(InputError, match=re.escape(told)):
        Judgement(*given)


def test_tags_keep_the_case_in_which_they_are_first_written():
    assert distinct_tags([" Typo ", "typo", "long   modifier", "", "NONE"]) == (
        "Typo", "long modifier", "none")  # fmt: skip


def test_case_and_spaces_tell_no_tags_apart():
    assert tag_key(" Long  Modifier") == tag_key("long modifier") != tag_key("long_modifier")
