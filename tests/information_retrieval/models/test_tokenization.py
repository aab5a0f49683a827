"""Captions to token ids, and those that a model has no places for."""

import pytest
from transformers import BertTokenizer, CLIPTokenizer

from information_retrieval.models.tokenization import (
    caption_positions,
    max_words,
    tokenize_captions,
)
from information_retrieval.models.xvlm.captions import single_sequence_tokenizer
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Caption, CaptionedImage, Split, read_split
from tests.conftest import bert_tokenizer, make_lxmert, make_split
from tests.information_retrieval.models.xvlm.tiny import make_xvlm


def test_a_caption_longer_than_the_position_table_is_cut_as_the_tokenizer_truncates(tmp_path):
    split, tokenizer = make_split(6), bert_tokenizer(tmp_path)
    found = tokenize_captions(split, tokenizer, max_length=7)
    captions = list(split.captions)
    expected = tokenizer(captions, truncation=True, max_length=7)["input_ids"]
    assert found.token_ids == expected
    long = [len(ids) > 7 for ids in tokenizer(captions)["input_ids"]]
    assert 0 < sum(long) < len(long)
    assert found.cut == tuple(split.caption_ids[long].tolist())
    assert {ids[-1] for ids in found.token_ids} == {tokenizer.sep_token_id}
    assert found.to_json() == {"captions_cut": {"tokens": 7, "caption_ids": list(found.cut)}}
    [line] = found.warnings()
    assert f"{sum(long)} of {len(long)} captions" in line
    assert str(found.cut[0]) in line


def test_long_captions_are_an_error_where_that_is_asked(tmp_path):
    with pytest.raises(InputError, match=r"caption \d+ has \d+ tokens, the model has 4 positions"):
        tokenize_captions(make_split(4), bert_tokenizer(tmp_path), 4, long_captions="error")


def test_captions_that_fit_are_left_as_they_are_and_nothing_is_said(tmp_path):
    split, tokenizer = make_split(4), bert_tokenizer(tmp_path)
    found = tokenize_captions(split, tokenizer, max_length=80, long_captions="error")
    assert found.token_ids == tokenizer(list(split.captions))["input_ids"]
    assert (found.cut, found.warnings(), found.to_json()) == ((), [], {})


def test_padded_captions_are_cut_too(tmp_path):
    split, tokenizer = make_split(6), bert_tokenizer(tmp_path)
    found = tokenize_captions(split, tokenizer, max_length=7, pad=True)
    assert {len(ids) for ids in found.token_ids} == {7}
    assert found.cut


def test_lxmert_has_as_many_tokens_as_its_table_has_entries():
    assert caption_positions(make_lxmert(max_position_embeddings=80)) == 80


def test_of_cocos_test_captions_12_are_too_long_for_vilt_and_none_for_lxmert(shared_data):
    split = read_split(shared_data / "coco5k" / "test.json")
    tokenizer = BertTokenizer(str(shared_data / "tokenizers" / "bert-base-uncased" / "vocab.txt"))
    assert len(tokenize_captions(split, tokenizer, max_length=40).cut) == 12
    assert len(tokenize_captions(split.first(1000), tokenizer, max_length=40).cut) == 3
    assert tokenize_captions(split, tokenizer, max_length=512).cut == ()


def test_of_flickr30ks_test_captions_one_is_too_long_for_clip(shared_data):
    split = read_split(shared_data / "flickr30k" / "test.json")
    folder = shared_data / "tokenizers" / "clip"
    tokenizer = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    found = tokenize_captions(split, tokenizer, max_length=77)
    assert len(found.cut) == 1
    row = split.caption_ids.tolist().index(found.cut[0])
    assert len(tokenizer(split.captions[row])["input_ids"]) == 86
    assert len(found.token_ids[row]) == 77
    assert found.token_ids[row][-1] == tokenizer.eos_token_id


def test_of_flickr30ks_test_captions_26_are_too_long_for_vilt(shared_data):
    split = read_split(shared_data / "flickr30k" / "test.json")
    tokenizer = BertTokenizer(str(shared_data / "tokenizers" / "bert-base-uncased" / "vocab.txt"))
    cut = [len(tokenize_captions(split, tokenizer, n).cut) for n in (30, 40, 64, 512)]
    assert cut == [134, 26, 1, 0]


def of_captions(*captions: str) -> Split:
    entries = tuple(Caption(7 + number, text) for number, text in enumerate(captions))
    return Split("tiny", "test", "a test", (CaptionedImage(1, "1.jpg", entries),))


def test_cleaned_captions_lose_words_before_tokens_and_both_are_counted(tmp_path):
    tokenizer = single_sequence_tokenizer(bert_tokenizer(tmp_path))
    split = of_captions(
        "The RED cat.",
        "a dog, a cat, a car",  # six words
        "two/small, dogs!",
        "a-dog",
    )
    found = tokenize_captions(split, tokenizer, max_length=5, words=4)
    whole = tokenizer(["the red cat", "a dog a cat", "two small dogs", "a dog"])["input_ids"]
    assert found.token_ids == whole
    assert (found.cut, found.empty) == ((8,), ())
    found = tokenize_captions(split, tokenizer, max_length=3, words=4)
    assert found.token_ids == [ids[:3] for ids in whole]
    assert found.cut == (7, 8, 9)
    told = {"tokens": 3, "words": 4, "caption_ids": [7, 8, 9]}
    assert found.to_json() == {"captions_cut": told}
    [line] = found.warnings()
    assert "3 of 4 captions have more than the model's 4 words or 3 tokens" in line


def test_too_many_words_are_an_error_where_that_is_asked(tmp_path):
    tokenizer, split = (
        single_sequence_tokenizer(bert_tokenizer(tmp_path)),
        of_captions("a a", "a b c"),
    )
    with pytest.raises(InputError, match="caption 8 has 3 words, the model reads 2, and so it is"):
        tokenize_captions(split, tokenizer, 40, long_captions="error", words=2)
    tokenize_captions(split, tokenizer, 40, long_captions="error", words=3)


def test_a_caption_that_is_empty_once_cleaned_is_cls_alone_and_is_named(tmp_path):
    tokenizer = single_sequence_tokenizer(bert_tokenizer(tmp_path))
    found = tokenize_captions(of_captions("a cat", "...", "?!"), tokenizer, 40, words=30)
    assert found.token_ids[1:] == [[tokenizer.cls_token_id]] * 2
    assert found.empty == (8, 9)
    assert found.to_json() == {"captions_empty": {"caption_ids": [8, 9]}}
    [line] = found.warnings()
    assert line == (
        "warning: of 2 of 3 captions nothing is left once they are cleaned, and they are scored as "
        "no text: 8, 9"
    )


def test_an_xvlm_reads_so_many_words_and_tokens_and_others_clean_nothing():
    model = make_xvlm(40, max_words=7, max_tokens=9)
    assert (caption_positions(model), max_words(model.config)) == (9, 7)
    assert max_words(make_lxmert().config) is None


def test_of_cocos_and_flickr30ks_test_captions_few_have_more_words_than_xvlm_reads(shared_data):
    bert = BertTokenizer.from_pretrained(shared_data / "tokenizers" / "bert-base-uncased")
    tokenizer = single_sequence_tokenizer(bert)
    for name, n_cut, longest in (("coco5k", 18, 36), ("flickr30k", 47, 35)):
        split = read_split(shared_data / name / "test.json")
        found = tokenize_captions(split, tokenizer, 40, words=30)
        assert (len(found.cut), found.empty) == (n_cut, ())
        assert max(map(len, found.token_ids)) == longest
