from error_analysis.predicting.content_words import content_words


def test_content_words_have_no_case_no_plural_and_none_of_the_words_that_all_captions_have():
    assert content_words("A photo of TWO Dogs, on the grass!") == ["two", "dog", "grass"]
    assert content_words("\N{DOG FACE} ... ?!") == []
