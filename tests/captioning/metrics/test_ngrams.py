"""N-grams of a caption."""

from captioning.metrics.ngrams import count_ngrams


def test_runs_of_one_to_four_words_are_counted():
    one, two, three, four = count_ngrams(["a", "b", "a", "b", "a"])
    assert one == {("a",): 3, ("b",): 2}
    assert two == {("a", "b"): 2, ("b", "a"): 2}
    assert three == {("a", "b", "a"): 2, ("b", "a", "b"): 1}
    assert four == {("a", "b", "a", "b"): 1, ("b", "a", "b", "a"): 1}


def test_a_short_caption_has_no_long_runs():
    assert [counts.total() for counts in count_ngrams(["dog"])] == [1, 0, 0, 0]
    assert [counts.total() for counts in count_ngrams([])] == [0, 0, 0, 0]
