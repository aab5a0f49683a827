"""The options of decoding are the settings, by the same names; none does nothing."""

from dataclasses import fields

import pytest

from captioning.decoding.arguments import DecodingArguments, SearchArguments
from captioning.decoding.settings import OF_METHOD, Decoding
from preprocess.base.errors import InputError


def test_the_options_have_the_settings_names_and_defaults():
    for method in OF_METHOD:
        assert DecodingArguments(method=method).decoding() == Decoding(method)
    names = {field.name for field in fields(DecodingArguments)}
    assert names == {field.name for field in fields(Decoding)}
    assert names - {field.name for field in fields(SearchArguments)} == {"top_p"}


@pytest.mark.parametrize(
    "own",
    [
        {"method": "nucleus", "top_p": 0.4},
        {"method": "beam", "num_beams": 4, "length_penalty": 0.5},
        {"method": "greedy"},
    ],
)
def test_every_option_reaches_its_setting_and_what_acts_is_told(own):
    given = {"max_tokens": 7, "say_unknown": False, **own}
    assert DecodingArguments(**given).decoding().used() == given


@pytest.mark.parametrize(
    ("method", "option"),
    [
        ("greedy", {"num_beams": 7}),
        ("greedy", {"length_penalty": 5.0}),
        ("beam", {"top_p": 0.2}),
        ("nucleus", {"num_beams": 3}),
    ],
)
def test_an_option_of_another_method_is_refused(method, option):
    (name,) = option
    with pytest.raises(InputError, match=f"--{name}: no option of --method {method}; leave it out"):
        DecodingArguments(method=method, **option).decoding()


def test_a_value_out_of_range_is_refused():
    with pytest.raises(InputError, match="--top_p: expected more than 0"):
        DecodingArguments(method="nucleus", top_p=0).decoding()


def test_the_words_of_a_command_line_are_the_options_that_were_given():
    words = SearchArguments(method="beam", num_beams=2).words()
    assert words == [
        *("--method", "beam", "--max_tokens", "20"),
        *("--num_beams", "2", "--say_unknown", "True"),
    ]
