"""Captions cut into words, as the Java program cuts them."""

import time

import pytest

from captioning.metrics.words import caption_words
from captioning.results.results_file import read_captions
from tests.captioning.recorded import REFERENCE_WORDS, REFERENCES


@pytest.mark.parametrize("tokenization", ["ptb", "plain"])
def test_real_captions_give_the_recorded_words(coco90_metrics, tokenization):
    for found, expected in zip(
        coco90_metrics["references"],
        coco90_metrics["references_tokenized"][tokenization],
        strict=True,
    ):
        assert [" ".join(caption_words(one, tokenization)) for one in found] == expected
    for name, one in coco90_metrics["sets"].items():
        words = [" ".join(caption_words(caption, tokenization)) for caption in one["candidates"]]
        assert words == one[tokenization]["candidates_tokenized"], name


def test_odd_captions_give_the_recorded_words(coco90_metrics):
    for example in coco90_metrics["tokenizer_examples"]:
        # A no-break space inside a word, which BLEU splits and ROUGE does not, separates here.
        expected = example["ptb"].split()
        assert caption_words(example["caption"]) == expected


def test_the_recorded_references_give_their_words():
    assert [[" ".join(caption_words(one)) for one in own] for own in REFERENCES] == REFERENCE_WORDS


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("We've seen they'd rather, hadn't we?", "we 've seen they 'd rather had n't we"),
        ("It cannot be", "it can not be"),
        ("it’s a “walk-in” closet — small…", "it 's a walk-in closet small"),
        ("[sign] {x}", "-lsb- sign -rsb- -lcb- x -rcb-"),
        ("at 10:30, 1,000 of 2.5 and/or 3-4", "at 10:30 1,000 of 2.5 and/or 3-4"),
        ("$5 & 50% of #1", "$ 5 & 50 % of # 1"),
        ("Dr. No at the U.S. border.", "dr. no at the u.s. border"),
        ("A dog. A cat", "a dog a cat"),
        ("the '90s, five o'clock, dogs' bowls", "the '90s five o'clock dogs bowls"),
        ("wow!! really?! no!", "wow !! really ?! no"),
        ("an AT&T phone at&t", "an at&t phone at & t"),
        ("see www.example.org or me@example.org", "see www.example.org or me@example.org"),
        ("a <unk> of <unk>.", "a <unk> of <unk>"),
        ("12.5oz \U0001f600 tin", "12.5 oz tin"),
        ("...", ""),
        ("", ""),
    ],
)
def test_words_are_the_treebank_s(caption, words):
    assert caption_words(caption) == words.split()


def test_what_is_cut_is_cut_the_same_again_but_for_names_like_at_and_t(shared_data):
    """By the Java program too: "AT&T" is "at&t" to it, and "at&t" is "at & t"."""
    captions = read_captions(shared_data / "vizwiz" / "first_captions_val.json")[1]
    words = [caption_words(caption) for caption in captions]
    apart = [one for one in words if caption_words(" ".join(one)) != one]
    assert [[word for word in one if "&" in word] for one in apart] == [["m&m"], ["at&t"], ["at&t"]]


@pytest.mark.parametrize("space", ["\r\n", "\x0b", "\x0c", "\u2028", "\x85", "\u00a0", "\t", "  "])
def test_white_space_of_every_kind_separates_words(space):
    for tokenization in ("ptb", "plain"):
        assert caption_words(f"a{space}dog{space}", tokenization) == ["a", "dog"]


def test_plain_words_keep_their_punctuation():
    assert caption_words("On a Table.", "plain") == ["on", "a", "table."]


@pytest.mark.parametrize("piece", ["a ", "a", ".", "-", "'", "a.", "<", "a@", "n't", "!"])
def test_endless_captions_take_time_by_their_length(piece):
    start = time.process_time()
    caption_words(piece * 50_000)
    assert time.process_time() - start < 20  # of 50,000 squared it would be many minutes
