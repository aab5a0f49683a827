"""How captions may be decoded."""

import pytest

from captioning.decoding.settings import Decoding
from preprocess.base.errors import InputError


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"max_tokens": 0}, "--max_tokens: expected 1 or more, found 0"),
        ({"num_beams": 0}, "--num_beams: expected 1 or more, found 0"),
        ({"length_penalty": float("nan")}, "--length_penalty: expected a number, found nan"),
        ({"length_penalty": float("inf")}, "--length_penalty: expected a number, found inf"),
        ({"top_p": 0.0}, "--top_p: expected more than 0, at most 1"),
        ({"top_p": 1.1}, "--top_p: expected more than 0, at most 1"),
    ],
)
def test_values_out_of_range_are_refused(values, said):
    with pytest.raises(InputError, match=said):
        Decoding(**values)
