"""Distinct captions, and copies of training captions."""

from captioning.self_retrieving.repetition import as_words, count_repetition

SAID = ["A dog runs.", "a dog runs", "two cats", "the dog's tail"]


def test_case_and_punctuation_make_no_caption_distinct():
    found = count_repetition(SAID, None).to_json()
    assert (found["captions"], found["distinct"], found["distinct_share"]) == (4, 3, 0.75)
    assert found["copied"] is found["copied_share"] is None


def test_a_copy_is_a_training_caption_word_for_word():
    training = as_words(["A DOG RUNS!", "two cats sleep", "the dog 's tail"])
    found = count_repetition(SAID, training)
    assert (found.copied, found.to_json()["copied_share"]) == (3, 0.75)
    assert count_repetition(SAID, set()).copied == 0
