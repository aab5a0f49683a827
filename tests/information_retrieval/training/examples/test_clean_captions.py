"""Captions as X-VLM learns them."""

import warnings
from dataclasses import replace

import pytest

from information_retrieval.models.xvlm.captions import single_sequence_tokenizer
from information_retrieval.models.xvlm.configuration import XvlmConfig
from information_retrieval.training.examples.clean_captions import clean_captions
from preprocess.base.errors import InputError, InputWarning
from preprocess.captions.split_file import Split
from tests.conftest import bert_tokenizer, make_split


@pytest.fixture
def tokenizer(tmp_path):
    return single_sequence_tokenizer(bert_tokenizer(tmp_path))


def with_captions(*texts: str) -> Split:
    """A split of an image a caption."""
    split = make_split(len(texts)).first(len(texts), captions_per_image=1)
    images = tuple(
        replace(image, captions=(replace(image.captions[0], caption=text),))
        for image, text in zip(split.images, texts, strict=True)
    )
    return replace(split, images=images)


def test_captions_are_cleaned_and_tokenised_without_sep(tokenizer):
    captions = clean_captions(with_captions("A Red-Cat!", "the DOG."), tokenizer, XvlmConfig())
    assert captions.texts == ("a red cat", "the dog")
    assert captions.tokens.token_ids == [tokenizer(text)["input_ids"] for text in captions.texts]
    assert captions.tokens.token_ids[1][-1] == tokenizer.convert_tokens_to_ids("dog")


def test_captions_without_a_word_are_left_out_and_counted(tokenizer):
    split = with_captions("a cat", "!?", "a dog", '"...')
    with pytest.warns(InputWarning, match="of 2 of 4 captions nothing is left") as told:
        captions = clean_captions(split, tokenizer, XvlmConfig())
    assert str(split.caption_ids[3]) in str(told[0].message)
    assert captions.rows.tolist() == [0, 2]
    assert captions.image_index.tolist() == [0, 2]
    assert len(captions.tokens.token_ids) == len(captions.texts) == 2


def test_whole_captions_warn_of_nothing(tokenizer):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clean_captions(with_captions("a cat", "a dog"), tokenizer, XvlmConfig())


def test_a_split_without_words_is_refused(tokenizer):
    with pytest.raises(InputError, match="no caption has a word"):
        clean_captions(with_captions("!", "?"), tokenizer, XvlmConfig())


def test_long_captions_are_cut_or_refused(tokenizer):
    split, config = with_captions("a cat on the tree", "a dog"), XvlmConfig(max_words=3)
    captions = clean_captions(split, tokenizer, config)
    assert captions.texts == ("a cat on", "a dog")
    assert captions.tokens.cut == (split.caption_ids[0],)
    with pytest.raises(InputError, match="5 words"):
        clean_captions(split, tokenizer, config, "error")
