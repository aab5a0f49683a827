"""Training pairs as items and batches."""

from functools import partial

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from information_retrieval.models.lxmert.region_features import GalleryFeatures
from information_retrieval.models.tokenization import pad_tokens, tokenize_captions
from information_retrieval.training.examples.dataset import Collator, Item, TrainingPairs
from information_retrieval.training.examples.pairs import PairSampler
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split
from preprocess.storage.features_file import FeaturesFile
from tests.conftest import bert_tokenizer, make_split, write_features


def training_pairs(folder, split: Split, prob_unaligned: float) -> TrainingPairs:
    write_features(folder / "f.h5", split)
    token_ids = tokenize_captions(split, bert_tokenizer(folder), max_length=80).token_ids
    images = GalleryFeatures(FeaturesFile(folder / "f.h5"), split.image_ids)
    return TrainingPairs(split, token_ids, images, PairSampler(split, prob_unaligned, seed=0))


def test_an_epoch_visits_every_caption_once_with_its_own_features(tmp_path):
    split = make_split(5)
    pairs = training_pairs(tmp_path, split, 0.0)
    features = FeaturesFile(tmp_path / "f.h5")
    assert len(pairs) == len(split.captions)
    for caption, image in enumerate(split.caption_image_index):
        item = pairs[caption]
        assert item.token_ids == pairs.token_ids[caption]
        assert item.aligned
        assert item.image_index == image
        expected = features.read(split.image_ids[image])["visual_feats"]
        np.testing.assert_array_equal(item.image[0], expected)


@pytest.mark.parametrize("persistent", [False, True])
def test_workers_draw_the_pairs_of_the_epoch_that_began(tmp_path, persistent):
    pairs = training_pairs(tmp_path, make_split(8), 0.5)
    loader = DataLoader(pairs, batch_size=None, num_workers=1, persistent_workers=persistent)
    for epoch in range(3):
        pairs.start_epoch(epoch)
        found = [item.aligned for item in loader]
        assert found == [pairs.sampler.draw(c, epoch).aligned for c in range(len(pairs))]


def test_features_that_miss_an_image_are_refused(tmp_path):
    write_features(tmp_path / "f.h5", make_split(4))
    with pytest.raises(InputError, match="image 104 is not in the file"):
        GalleryFeatures(FeaturesFile(tmp_path / "f.h5"), make_split(5).image_ids)


def test_a_batch_is_padded_to_its_longest_caption():
    padded = pad_tokens([[1, 2, 3], [4]], pad_id=9)
    assert padded["input_ids"].tolist() == [[1, 2, 3], [4, 9, 9]]
    assert padded["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]


def test_the_target_is_the_label_or_the_image():
    items = [Item([1], np.zeros(2), 7, True), Item([1, 2], np.ones(2), 3, False)]
    for target, expected in (("labels", [1.0, 0.0]), ("image_index", [7, 3])):
        collator = Collator(
            pad=partial(pad_tokens, pad_id=0),
            stack=lambda images: {"pixels": torch.from_numpy(np.stack(images))},
            target=target,
        )
        batch = collator(items)
        assert batch.keys() == {"input_ids", "attention_mask", "pixels", target}
        assert batch[target].tolist() == expected
        assert batch["pixels"].tolist() == [[0, 0], [1, 1]]
