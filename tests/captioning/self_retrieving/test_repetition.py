"""Distinct captions, and copies of training captions."""

from captioning.results.caption_counts import count_captions
from captioning.self_retrieving.repetition import as_words, count_repetition

SAID = ["A dog runs.", "a dog runs", "two cats", "the dog's tail"]


def test_distinct_captions_are_different_texts_as_elsewhere():
    captions = [*SAID, "two\tcats "]
    found = count_repetition(captions, None).to_json()
    assert (found["captions"], found["distinct"], found["distinct_share"]) == (5, 4, 0.8)
    counted = count_captions(range(4), SAID)
    assert counted.distinct == count_repetition(SAID, None).distinct == 4
    assert found["copied"] is found["copied_share"] is None


def test_a_copy_is_a_training_caption_word_for_word():
    training = as_words(["A DOG RUNS!", "two cats sleep", "the dog 's tail"])
    found = count_repetition(SAID, training)
    assert (found.copied, found.to_json()["copied_share"]) == (3, 0.75)
    assert count_repetition(SAID, set()).copied == 0
