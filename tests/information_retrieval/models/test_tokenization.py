"""Captions to token ids, and those that a model has no places for."""

import pytest
from transformers import BertTokenizer, CLIPTokenizer

from information_retrieval.models.tokenization import caption_positions, tokenize_captions
from preprocess.base.errors import InputError
from preprocess.captions.split_file import read_split
from tests.conftest import bert_tokenizer, make_lxmert, make_split


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
