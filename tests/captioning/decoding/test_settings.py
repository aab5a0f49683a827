"""How captions may be decoded."""

import pytest

from captioning.decoding.settings import PAPER_DECODING, Decoding
from preprocess.base.errors import InputError


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"max_tokens": 0}, "--max_tokens: expected 1 or more, found 0"),
        ({"num_beams": 0}, "--num_beams: expected 1 or more, found 0"),
        ({"top_p": 0.0}, "--top_p: expected more than 0, at most 1"),
        ({"top_p": 1.1}, "--top_p: expected more than 0, at most 1"),
    ],
)
def test_values_out_of_range_are_refused(values, said):
    with pytest.raises(InputError, match=said):
        Decoding(**values)


def test_the_papers_way_is_greedy_and_has_a_limit_all_the_same():
    assert PAPER_DECODING.method == "greedy"
    assert PAPER_DECODING.max_tokens == Decoding().max_tokens == 20
