"""The words that a captioner knows."""

import json

import pytest
from tokenizers import Tokenizer

from captioning.models.loading import gpt2_vocabulary
from captioning.models.vocabulary import (
    SPECIAL,
    build_subword_vocabulary,
    build_word_vocabulary,
    load_word_vocabulary,
)
from preprocess.base.errors import InputError
from tests.captioning.models.tiny import CAPTIONS, gpt2_tokenizer
from tests.conftest import bert_tokenizer


def test_words_that_occur_often_enough_are_numbered_by_their_first_appearance():
    words = build_word_vocabulary(["The cat sat.", "a cat, the CAT", "a dog"], min_count=2)
    entries = words.tokenizer.convert_ids_to_tokens(range(len(words)))
    assert entries == [*SPECIAL, "the", "cat", "a"]
    assert (words.end_id, words.unsaid, words.unknown_id) == (2, (0, 1), 3)


def test_captions_are_cut_into_the_words_that_the_metrics_compare():
    words = build_word_vocabulary(CAPTIONS, min_count=1)
    ids = words.encode(["A  dog's\nHOUSE!", "the zebra", "..."])
    assert [words.decode(row) for row in ids] == ["a dog 's house", "the <unk>", ""]
    assert ids[2] == []
    assert words.encode([]) == []


def test_a_caption_that_spells_a_special_word_does_not_end_itself():
    words = build_word_vocabulary(CAPTIONS, min_count=1)
    ids = words.encode(["a <end> <pad> <start> cat"])[0]
    assert [ids[0], ids[-1]] == words.encode(["a cat"])[0]
    assert ids[1:-1] == [words.unknown_id] * 3


def test_what_marks_beginning_end_and_padding_is_no_text():
    words = build_word_vocabulary(CAPTIONS, min_count=1)
    assert words.decode([1, *words.encode(["a cat"])[0], 3, 2, 0]) == "a cat <unk>"


def test_targets_end_and_a_long_caption_is_cut_without_an_end():
    words = build_word_vocabulary(CAPTIONS, min_count=1)
    a, cat = words.encode(["a cat"])[0]
    labels = words.labels(["a cat", "cat", "", "a a a a"], max_tokens=3)
    expected = [[a, cat, 2], [cat, 2, -100], [2, -100, -100], [a, a, a]]
    assert labels.tolist() == expected


@pytest.mark.parametrize(
    "build",
    [lambda: build_word_vocabulary(CAPTIONS, 1), lambda: build_subword_vocabulary(CAPTIONS, 60)],
)
def test_a_saved_vocabulary_is_json_and_read_back_the_same(tmp_path, build):
    words = build()
    words.save(tmp_path)
    json.loads((tmp_path / "tokenizer.json").read_text())
    assert Tokenizer.from_file(str(tmp_path / "tokenizer.json")).get_vocab_size() == len(words)
    loaded = load_word_vocabulary(tmp_path)
    texts = [*CAPTIONS, "zebra in a house"]
    assert loaded.encode(texts) == words.encode(texts)
    assert loaded.sha256 == words.sha256
    assert loaded.decode(loaded.encode(["the dog's house"])[0]) == "the dog 's house"


def test_another_order_of_words_is_another_vocabulary():
    hashes = {build_word_vocabulary(c, 1).sha256 for c in (CAPTIONS, CAPTIONS[::-1])}
    assert len(hashes) == 2


def test_pieces_of_words_spell_words_that_were_never_seen():
    pieces = build_subword_vocabulary(CAPTIONS, size=60)
    ids = pieces.encode(["a dogs tree-house, a caterer"])[0]
    assert pieces.decode(ids) == "a dogs tree<unk>house a caterer"
    assert len(ids) > 6
    assert len({build_subword_vocabulary(CAPTIONS, 60).sha256 for _ in range(5)}) == 1


def test_a_gpt2_reads_captions_as_they_are():
    words = gpt2_vocabulary(gpt2_tokenizer())
    ids = words.encode(["a dog.\n it", "two"])
    assert [words.decode(row) for row in ids] == ["a dog. it", "two"]
    assert words.end_id == 0
    assert words.unknown_id is None
    assert words.labels(["it"], 20).tolist() == [[10, 21, 0]]


def test_without_a_frequent_word_there_is_no_vocabulary():
    with pytest.raises(InputError, match=r"--min_count 6: .* the most frequent: 'a' 3 times"):
        build_word_vocabulary(["a cat", "a dog and a car"])
    with pytest.raises(InputError, match="the most frequent: no word"):
        build_word_vocabulary([])


def test_no_tokenizer_and_another_ones_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"no tokenizer\.json"):
        load_word_vocabulary(tmp_path / "none")
    bert_tokenizer(tmp_path / "bert").save_pretrained(tmp_path / "bert")
    with pytest.raises(InputError, match="found one without <pad>, <start>, <end>, <unk>"):
        load_word_vocabulary(tmp_path / "bert")
