"""X-VLM's texts, as the published code cleaned and tokenised them."""

import json

import pytest
from transformers import AutoTokenizer, BertTokenizer, BlipImageProcessor, BlipProcessor

from information_retrieval.models.xvlm.captions import clean_caption, single_sequence_tokenizer
from tests.conftest import bert_tokenizer


@pytest.fixture(scope="module")
def recorded(shared_data) -> dict:
    return json.loads((shared_data / "xvlm_reference" / "data_vectors.json").read_text())


@pytest.mark.parametrize("max_words", [3, 30, 40])
def test_captions_are_cleaned_as_recorded(recorded, max_words):
    for case in recorded["cleaning"]:
        assert clean_caption(case["in"], max_words) == case[f"out_{max_words}"]


def test_of_what_the_published_code_refuses_nothing_is_left(recorded):
    for text in recorded["cleaning_errors"]:
        assert clean_caption(text, 30) == ""


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Don't STOP - a skate-board, left/right!", "dont stop a skate board left right"),
        ("<person> & <Person>;", "person & person"),
        ("two  \t blanks,\ta tab", "two blanks\ta tab"),
        ("a break \nand one at the end\n", "a break and one at the end"),
        ("\nstays at the start", "\nstays at the start"),
        ("one two three four", "one two three"),
        (" . ", ""),
    ],
)
def test_marks_go_and_runs_of_blanks_become_one(text, cleaned):
    assert clean_caption(text, 30 if "four" not in text else 3) == cleaned


def test_the_recorded_texts_have_the_recorded_tokens(recorded, shared_data, tmp_path):
    folder = shared_data / "tokenizers" / "bert-base-uncased"
    single_sequence_tokenizer(BertTokenizer.from_pretrained(folder)).save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    for words, ids in ((30, "ids_finetune"), (40, "ids_pretrain")):
        texts = [clean_caption(case["in"], words) for case in recorded["cleaning"]]
        found = tokenizer(texts, truncation=True, max_length=40)["input_ids"]
        assert found == [case[ids] for case in recorded["cleaning"]]


def test_a_saved_tokenizer_ends_no_text_and_the_given_one_stays_as_it_was(tmp_path):
    given = bert_tokenizer(tmp_path)
    before = given("a red cat")["input_ids"]
    processor = BlipProcessor(BlipImageProcessor(), single_sequence_tokenizer(given))
    processor.save_pretrained(tmp_path / "model")
    loaded = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert loaded("a red cat")["input_ids"] == before[:-1]
    assert before[-1] == given.sep_token_id
    assert given("a red cat")["input_ids"] == before
    # [CLS] alone counts as the tokenizer's own.
    cut = loaded("a red cat", truncation=True, max_length=3)["input_ids"]
    assert cut == before[:3]
    padded = loaded(["a red cat", "a"], padding=True)
    assert padded["input_ids"][1] == [*before[:2], given.pad_token_id, given.pad_token_id]
    assert padded.keys() == {"input_ids", "attention_mask"}
