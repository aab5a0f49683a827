"""Captions to token ids."""

import pytest

from information_retrieval.tokenization import caption_positions, tokenize_captions
from preprocess.errors import InputError
from tests.conftest import bert_tokenizer, make_lxmert, make_split


def test_a_caption_longer_than_the_position_table_is_named(tmp_path):
    split = make_split(4)
    with pytest.raises(InputError, match=r"caption \d+ has \d+ tokens, the model has 4 positions"):
        tokenize_captions(split, bert_tokenizer(tmp_path), max_length=4)


def test_lxmert_has_as_many_tokens_as_its_table_has_entries():
    assert caption_positions(make_lxmert(max_position_embeddings=80)) == 80
