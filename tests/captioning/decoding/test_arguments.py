"""The options of decoding are the settings, by the same names and defaults."""

from dataclasses import asdict, fields

import pytest

from captioning.decoding.arguments import DecodingArguments
from captioning.decoding.settings import Decoding
from preprocess.base.errors import InputError


def test_the_options_have_the_settings_names_and_defaults():
    assert DecodingArguments().decoding() == Decoding()
    names = [field.name for field in fields(DecodingArguments)]
    assert names == [field.name for field in fields(Decoding)]


def test_every_option_reaches_its_setting():
    given = {"method": "nucleus", "max_tokens": 7, "num_beams": 4, "length_penalty": 0.5}
    given |= {"top_p": 0.4, "say_unknown": False}
    assert asdict(DecodingArguments(**given).decoding()) == given


def test_a_value_out_of_range_is_refused():
    with pytest.raises(InputError, match="--top_p"):
        DecodingArguments(top_p=0).decoding()
