"""The small vocabularies: words are tokens, typos fall to pieces, nothing is unknown."""

import pytest
from transformers import BertTokenizer, CLIPTokenizer, LxmertTokenizer

from demo.training.vocabularies import make_bert_tokenizer, make_clip_tokenizer, save_slow_files

CAPTIONS = ["A run-down house, a red giraffe and a boat.", "The boat is red."] * 30


@pytest.fixture(scope="module")
def clip():
    return make_clip_tokenizer(CAPTIONS, max_length=256)


@pytest.fixture(scope="module")
def bert():
    return make_bert_tokenizer(CAPTIONS, max_length=256)


def test_a_known_word_is_one_token(clip, bert):
    assert clip.tokenize("A red giraffe.") == ["a</w>", "red</w>", "giraffe</w>", ".</w>"]
    assert bert.tokenize("A run-down giraffe.") == ["a", "run", "-", "down", "giraffe", "."]


def test_a_misspelt_word_falls_to_pieces_that_are_known(clip, bert):
    assert len(clip.tokenize("giarffs")) > 1
    assert bert.tokenize("giarffs") == ["g", "##i", "##a", "##r", "##f", "##f", "##s"]


def test_any_text_has_tokens_and_ends_with_the_only_end_token(clip):
    ids = clip('Zoë\'s 7 "quick" 猫; naïve & 100% — ok!')["input_ids"]
    assert ids[0] == clip.bos_token_id
    assert ids.index(clip.eos_token_id) == len(ids) - 1


@pytest.mark.parametrize("tokenizer_class", [BertTokenizer, LxmertTokenizer])
def test_a_saved_word_piece_vocabulary_is_read_from_vocab_txt(bert, tokenizer_class, tmp_path):
    save_slow_files(bert, tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    read = tokenizer_class.from_pretrained(tmp_path)
    text = "A red gjraffe, 2 boats."
    assert read(text)["input_ids"] == bert(text)["input_ids"]
    assert read.unk_token_id not in read(text)["input_ids"]


def test_a_saved_clip_vocabulary_is_read_from_vocab_json_and_merges(clip, tmp_path):
    save_slow_files(clip, tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    read = CLIPTokenizer.from_pretrained(tmp_path)
    text = "A red gjraffe, 2 boats."
    assert read(text)["input_ids"] == clip(text)["input_ids"]
