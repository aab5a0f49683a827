"""Words of captions: their stems, those that tell captions apart, and how they were written."""

from error_analysis.reasons.words import are_english, content_words, whole_words


def test_content_words_are_stems_without_what_all_captions_have():
    assert content_words("A photo of TWO Dogs, on the grass!") == ("two", "dog", "grass")
    assert content_words("\N{DOG FACE} ... ?!") == ()


def test_words_that_are_little_to_a_caller_are_left_out_in_every_form():
    assert content_words("dogs and a dog ride", frozenset({"dog", "and", "a"})) == ("rid",)


def test_a_stem_is_shown_as_the_word_that_is_most_common():
    words = whole_words(
        ["Riding a horse", "a house, riding", "he rides", "two houses", "the house"]
    )
    assert words["rid"] == "riding"
    assert words[content_words("houses")[0]] == "house"


def test_english_is_told_by_its_function_words():
    assert are_english(("A man sits on a bench next to the house",))
    assert are_english(("...",))  # nothing speaks against it
    assert not are_english(("Ein Mann in einem roten Hemd sitzt auf einer Bank",))
    assert not are_english(("Un hombre con una camisa roja sentado en un banco",))
    assert not are_english(("dog frisbee grass",))
