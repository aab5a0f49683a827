"""Captions with a view of their images, a number to draw by and the teacher's vector."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from information_retrieval.models.gallery_images import preprocess_image
from information_retrieval.models.sx3hre.initialisation import processor_of
from information_retrieval.models.tokenization import TokenizedCaptions, tokenize_captions
from information_retrieval.training.examples.augmentation import PixelFormat
from information_retrieval.training.examples.distilled_pairs import DistilledPairs
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split, read_split
from preprocess.storage.encodings_file import EncodingsFile, EncodingsWriter
from preprocess.storage.images_file import ImagesFile
from tests.conftest import bert_tokenizer, make_split, write_images_of
from tests.information_retrieval.models.sx3hre.tiny import SIDE

WIDTH = 5


def write_targets(path, image_ids: np.ndarray) -> EncodingsFile:
    """Of each image a vector of its id."""
    attributes = {"encoder": "made by a test", "weights_sha256": "", "images_sha256": ""}
    attributes["settings"] = "{}"
    with EncodingsWriter(path, image_ids, WIDTH, "float16", attributes) as writer:
        for row, image_id in enumerate(image_ids):
            writer.write(row, encodings=np.full(WIDTH, image_id, np.float16))
        writer.finish()
    return EncodingsFile(path)


@pytest.fixture
def make(data_dir, tmp_path):
    """Make the pairs of the training split, or of another."""
    write_images_of(data_dir, "train")
    own = read_split(data_dir / "train.json")
    images = ImagesFile(data_dir / "train_images.h5")
    tokenizer = bert_tokenizer(tmp_path)
    image_processor = processor_of(tokenizer, SIDE).image_processor
    pixels = PixelFormat(SIDE, tuple(image_processor.image_mean), tuple(image_processor.image_std))

    def made(view="random", targets=None, seed=7, split: Split = own) -> DistilledPairs:
        tokens: TokenizedCaptions = tokenize_captions(split, tokenizer, 64)
        return DistilledPairs(split, tokens, images, image_processor, pixels, view, targets, seed)

    return made


def test_an_item_is_a_caption_and_the_fixed_view_of_its_own_image(make, tmp_path):
    image_ids = make().split.image_ids
    pairs = make("fixed", write_targets(tmp_path / "targets.h5", image_ids[::-1].copy()))
    assert len(pairs) == len(pairs.split.captions)
    for row, image in enumerate(pairs.split.caption_image_index):
        item = pairs[row]
        assert item.token_ids == pairs.token_ids[row]
        assert (item.image_index, item.aligned) == (image, True)
        decoded = pairs.fixed.images.read(image_ids[image])
        expected = preprocess_image(decoded, pairs.fixed.image_processor)["pixel_values"]
        assert torch.equal(item.image["pixel_values"], expected)
        assert item.image["targets"].tolist() == [np.float16(image_ids[image])] * WIDTH
        assert item.image["targets"].dtype == torch.float32


def test_without_cached_targets_there_are_none(make):
    assert set(make()[0].image) == {"draws", "pixel_values"}


def test_an_item_depends_on_seed_epoch_and_caption_alone(make):
    pairs, other_seed = make(), make(seed=8)
    first = pairs[3].image
    pairs[0]
    assert same(pairs[3].image, first)
    assert not same(other_seed[3].image, first)
    assert not same(pairs[4].image, first)
    pairs.start_epoch(1)
    assert not same(pairs[3].image, first)
    pairs.start_epoch(0)
    assert same(pairs[3].image, first)


def same(one: dict, other: dict) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_the_numbers_to_draw_by_are_those_of_any_view(make):
    random, fixed = make("random"), make("fixed")
    drawn = []
    for epoch in range(40):
        for pairs in (random, fixed):
            pairs.start_epoch(epoch)
        for row in range(len(random)):
            number = random[row].image["draws"]
            assert number.dtype == torch.float32
            assert torch.equal(number, fixed[row].image["draws"])
            drawn.append(number.item())
    assert 0 <= min(drawn) <= max(drawn) < 1
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.05)


def test_random_views_are_nearly_whole_images_and_half_of_them_flipped(make):
    random, fixed = make("random"), make("fixed")
    n_flipped, views = 0, 0
    for epoch in range(20):
        random.start_epoch(epoch)
        for row in range(len(random)):
            view, whole = random[row].image["pixel_values"], fixed[row].image["pixel_values"]
            assert view.shape == whole.shape == (3, SIDE, SIDE)
            flipped, plain = (((x - whole) ** 2).mean() for x in (view.flip(-1), view))
            n_flipped += int(flipped < plain)
            views += 1
            assert min(flipped, plain) < 0.5 * max(flipped, plain)
    assert n_flipped / views == pytest.approx(0.5, abs=4 * 0.5 / views**0.5)


def test_a_side_that_any_caption_names_keeps_the_image_from_being_flipped(make, monkeypatch):
    pairs = make()
    with_two = next(i for i, image in enumerate(pairs.split.images) if len(image.captions) > 1)
    image = pairs.split.images[with_two]
    named = replace(image.captions[1], caption="a dog on the left")
    images = list(pairs.split.images)
    images[with_two] = replace(image, captions=(image.captions[0], named, *image.captions[2:]))
    told = []
    monkeypatch.setattr(
        "information_retrieval.training.examples.distilled_pairs.draw_flip",
        lambda texts, generator: told.append([*texts]) or False,
    )
    pairs = make(split=replace(pairs.split, images=tuple(images)))
    first = int(np.flatnonzero(pairs.split.caption_image_index == with_two)[0])
    pairs[first]
    assert "a dog on the left" in told[0]


def test_images_that_are_not_in_a_file_are_refused(make, tmp_path):
    ids = make().split.image_ids
    with pytest.raises(InputError, match=rf"targets.h5.*image {ids[-1]}"):
        make("fixed", write_targets(tmp_path / "targets.h5", ids[:-1]))
    with pytest.raises(InputError, match=r"train_images.h5.*image 5"):
        make(split=make_split(2, first_id=5))
