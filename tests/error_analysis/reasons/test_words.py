"""Words of captions: their stems, those that tell captions apart, and how they were written."""

from error_analysis.reasons.words import content_words, whole_words


def test_content_words_are_stems_without_what_all_captions_have():
    assert content_words("A photo of TWO Dogs, on the grass!") == ["two", "dog", "grass"]
    assert content_words("\N{DOG FACE} ... ?!") == []


def test_words_that_are_little_to_a_caller_are_left_out_in_every_form():
    assert content_words("dogs and a dog ride", frozenset({"dog", "and", "a"})) == ["rid"]


def test_a_stem_is_shown_as_the_word_that_is_most_common():
    words = whole_words(
        ["Riding a horse", "a house, riding", "he rides", "two houses", "the house"]
    )
    assert words["rid"] == "riding"
    assert words[content_words("houses")[0]] == "house"
