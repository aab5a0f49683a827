"""The options of a captioner stand for its configuration, and are refused where none heeds them."""

from dataclasses import fields
from typing import get_args, get_type_hints

import pytest

from captioning.models.configuration import LstmCaptionerConfig, PenaltyOver, Projection
from captioning.training.captioner_options import (
    OF_DECODER,
    OF_WORDS,
    CaptionerOptions,
    MinivalDecodingArguments,
)
from preprocess.base.errors import InputError


def test_the_choices_are_those_of_the_configuration():
    hints = get_type_hints(CaptionerOptions)
    for option, choices in (("projection", Projection), ("penalty_over", PenaltyOver)):
        assert get_args(get_args(hints[option])[0]) == get_args(choices)


def test_every_option_of_a_decoder_is_one_and_of_the_configuration():
    names = {field.name for field in fields(CaptionerOptions)}
    for decoder, options in OF_DECODER.items():
        assert {*options, *OF_WORDS} <= names
        if decoder != "gpt2":
            assert all(hasattr(LstmCaptionerConfig(), name) for name in options)


def test_an_option_that_is_not_heeded_is_refused():
    options = CaptionerOptions(attention_width=4, min_count=2)
    options.check_heeded((*OF_DECODER["attention"], *OF_WORDS), "the decoder attention")
    with pytest.raises(InputError, match="--attention_width: no option of the decoder lstm"):
        options.check_heeded((*OF_DECODER["lstm"], *OF_WORDS), "the decoder lstm")


def test_minival_is_captioned_greedily_by_default():
    assert MinivalDecodingArguments().decoding().method == "greedy"
