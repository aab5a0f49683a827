"""Captions with varied views of their images."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from information_retrieval.models.xvlm.captions import single_sequence_tokenizer
from information_retrieval.models.xvlm.configuration import XvlmConfig
from information_retrieval.training.examples.augmentation import (
    PixelFormat,
    names_a_side,
    random_view,
)
from information_retrieval.training.examples.clean_captions import clean_captions
from information_retrieval.training.examples.varied_pairs import LEAST_AREA, VariedPairs
from preprocess.base.errors import InputError
from preprocess.captions.split_file import read_split
from preprocess.storage.images_file import ImagesFile
from tests.conftest import bert_tokenizer, make_split, write_images_of

PIXELS = PixelFormat(32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.fixture
def pairs(data_dir, tmp_path) -> VariedPairs:
    write_images_of(data_dir, "train")
    tokenizer = single_sequence_tokenizer(bert_tokenizer(tmp_path))
    captions = clean_captions(read_split(data_dir / "train.json"), tokenizer, XvlmConfig())
    return VariedPairs(captions, ImagesFile(data_dir / "train_images.h5"), PIXELS, seed=7)


def test_an_item_is_a_caption_and_a_view_of_its_own_image(pairs):
    assert len(pairs) == len(pairs.split.captions)
    pairs.start_epoch(2)
    for row, image in enumerate(pairs.split.caption_image_index):
        item = pairs[row]
        assert item.token_ids == pairs.captions.tokens.token_ids[row]
        assert (item.image_index, item.aligned) == (image, True)
        generator = np.random.default_rng((7, 2, row))
        decoded = pairs.images.read(pairs.split.image_ids[image])
        texts = [caption.caption for caption in pairs.split.images[image].captions]
        expected = random_view(decoded, texts, PIXELS, LEAST_AREA, generator)
        assert torch.equal(item.image["pixel_values"], expected)


def test_a_side_that_any_caption_of_the_image_names_keeps_it_from_being_flipped(pairs, monkeypatch):
    """The other caption, in the batch too, is a right answer to this view."""
    drawn = []
    monkeypatch.setattr(
        "information_retrieval.training.examples.varied_pairs.random_view",
        lambda image, texts, *_: drawn.append(names_a_side(texts)),
    )
    with_two = next(i for i, image in enumerate(pairs.split.images) if len(image.captions) > 1)
    image = pairs.split.images[with_two]
    *others, last = image.captions
    last = replace(last, caption="A dog to the Left of a man")
    images = list(pairs.split.images)
    images[with_two] = replace(image, captions=(*others, last))
    pairs.split = replace(pairs.split, images=tuple(images))
    for row in range(len(pairs)):
        pairs[row]
    assert drawn == (pairs.split.caption_image_index == with_two).tolist()


def test_views_change_with_the_epoch_and_not_with_what_was_read_before(pairs):
    first = pairs[3].image["pixel_values"]
    pairs[0]
    assert torch.equal(pairs[3].image["pixel_values"], first)
    pairs.start_epoch(1)
    assert not torch.equal(pairs[3].image["pixel_values"], first)


def test_an_image_that_is_not_in_the_file_is_refused(pairs, tmp_path):
    tokenizer = single_sequence_tokenizer(bert_tokenizer(tmp_path))
    other = clean_captions(make_split(2, first_id=1), tokenizer, XvlmConfig())
    with pytest.raises(InputError, match="image 1"):
        VariedPairs(other, pairs.images, PIXELS, seed=0)
