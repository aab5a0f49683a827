"""Training pairs: their rates, what they may be, and what they depend on."""

import numpy as np
import pytest
from torch.utils.data import DataLoader

from information_retrieval.dataset import (
    MatchingCollator,
    MatchingDataset,
    Pair,
    PairSampler,
)
from information_retrieval.tokenization import pad_tokens, tokenize_captions
from preprocess.errors import InputError
from preprocess.features_file import FeaturesFile
from tests.conftest import bert_tokenizer, make_split, write_features


def draws(sampler: PairSampler, n_captions: int, epochs: int) -> list[tuple[int, Pair]]:
    return [(c, sampler.draw(c, epoch)) for epoch in range(epochs) for c in range(n_captions)]


def test_three_in_ten_pairs_are_unaligned_half_by_image_and_half_by_caption():
    split = make_split(10)
    pairs = draws(PairSampler(split, 0.3, seed=0), len(split.captions), epochs=1000)
    unaligned = [(c, p) for c, p in pairs if not p.aligned]
    by_image = sum(p.caption == c for c, p in unaligned)
    # Four standard deviations of a binomial count.
    assert len(unaligned) / len(pairs) == pytest.approx(0.3, abs=4 * (0.21 / len(pairs)) ** 0.5)
    assert by_image / len(unaligned) == pytest.approx(0.5, abs=4 * 0.5 / len(unaligned) ** 0.5)


def test_the_labels_tell_whether_the_caption_belongs_to_the_image():
    split = make_split(5)
    for caption, pair in draws(PairSampler(split, 0.6, seed=0), len(split.captions), epochs=50):
        assert pair.aligned == (split.caption_image_index[pair.caption] == pair.image)
        if pair.aligned:
            assert pair.caption == caption
        else:
            assert pair.caption == caption or pair.image == split.caption_image_index[caption]


def test_every_other_image_and_caption_is_drawn_equally_often():
    split = make_split(4)
    sampler = PairSampler(split, 0.999, seed=1)
    pairs = [sampler.draw(0, epoch) for epoch in range(20000)]
    pairs = [pair for pair in pairs if not pair.aligned]
    images = np.bincount([pair.image for pair in pairs if pair.caption == 0], minlength=4)
    captions = np.bincount([p.caption for p in pairs if p.image == 0 and p.caption != 0])
    own = int((split.caption_image_index == 0).sum())
    assert images[0] == 0
    assert captions[:own].sum() == 0
    for counts in (images[1:], captions[own:]):
        assert counts.min() > 0.85 * counts.mean()
        assert counts.max() < 1.15 * counts.mean()


def test_a_draw_depends_on_seed_epoch_and_caption_only():
    split = make_split(6)
    first, second = (PairSampler(split, 0.5, seed=3) for _ in range(2))
    second.draw(2, 8)
    assert first.draw(4, 7) == second.draw(4, 7)
    per_epoch = [[first.draw(c, epoch) for c in range(9)] for epoch in range(3)]
    assert per_epoch[0] != per_epoch[1] != per_epoch[2]
    assert per_epoch[0] != [PairSampler(split, 0.5, seed=4).draw(c, 0) for c in range(9)]


@pytest.mark.parametrize("value", [-0.1, 1.0, 1.5, float("nan")])
def test_a_probability_outside_zero_to_one_is_refused(value):
    with pytest.raises(InputError, match="prob_unaligned"):
        PairSampler(make_split(4), value, seed=0)


def test_one_image_has_no_unaligned_pair():
    with pytest.raises(InputError, match="at least two images"):
        PairSampler(make_split(1), 0.3, seed=0)


def test_an_epoch_visits_every_caption_once_with_its_own_features(tmp_path):
    split = make_split(5)
    write_features(tmp_path / "f.h5", split)
    features = FeaturesFile(tmp_path / "f.h5")
    token_ids = tokenize_captions(split, bert_tokenizer(tmp_path), max_length=80)
    dataset = MatchingDataset(split, token_ids, features, PairSampler(split, 0.0, seed=0))
    assert len(dataset) == len(split.captions)
    for caption, image in enumerate(split.caption_image_index):
        item = dataset[caption]
        assert item["token_ids"] == token_ids[caption]
        assert item["label"] == 1
        expected = features.read(split.image_ids[image])["visual_feats"]
        np.testing.assert_array_equal(item["visual_feats"], expected)


@pytest.mark.parametrize("persistent", [False, True])
def test_workers_draw_the_pairs_of_the_epoch_that_began(tmp_path, persistent):
    split = make_split(8)
    write_features(tmp_path / "f.h5", split)
    token_ids = tokenize_captions(split, bert_tokenizer(tmp_path), max_length=80)
    sampler = PairSampler(split, 0.5, seed=0)
    dataset = MatchingDataset(split, token_ids, FeaturesFile(tmp_path / "f.h5"), sampler)
    loader = DataLoader(dataset, batch_size=None, num_workers=1, persistent_workers=persistent)
    for epoch in range(3):
        dataset.start_epoch(epoch)
        labels = [item["label"] for item in loader]
        assert labels == [sampler.draw(c, epoch).aligned for c in range(len(dataset))]


def test_features_that_miss_an_image_are_refused(tmp_path):
    write_features(tmp_path / "f.h5", make_split(4))
    split = make_split(5)
    with pytest.raises(InputError, match="image 104 is not in the file"):
        MatchingDataset(
            split, [[]], FeaturesFile(tmp_path / "f.h5"), PairSampler(split, 0.3, seed=0)
        )


def test_a_batch_is_padded_to_its_longest_caption():
    padded = pad_tokens([[1, 2, 3], [4]], pad_id=9)
    assert padded["input_ids"].tolist() == [[1, 2, 3], [4, 9, 9]]
    assert padded["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    item = {
        "token_ids": [1],
        "visual_feats": np.zeros((2, 3), np.float16),
        "visual_pos": np.zeros((2, 4), np.float32),
        "label": 1.0,
    }
    batch = MatchingCollator(pad_id=0)([item, item])
    assert batch["visual_feats"].shape == (2, 2, 3)
    assert {key: str(value.dtype) for key, value in batch.items()} == {
        "input_ids": "torch.int64",
        "attention_mask": "torch.int64",
        "visual_feats": "torch.float32",
        "visual_pos": "torch.float32",
        "labels": "torch.float32",
    }


def test_a_caption_longer_than_the_position_table_is_named(tmp_path):
    split = make_split(4)
    with pytest.raises(InputError, match=r"caption \d+ has \d+ tokens, the model has 4 positions"):
        tokenize_captions(split, bert_tokenizer(tmp_path), max_length=4)
