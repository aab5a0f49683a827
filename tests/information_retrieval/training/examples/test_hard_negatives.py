"""Unaligned pairs drawn from another model's top documents."""

import numpy as np
import pytest

from information_retrieval.ranking.top_rankings import write_top_rankings
from information_retrieval.training.examples.hard_negatives import (
    HardNegatives,
    read_hard_negatives,
)
from information_retrieval.training.examples.pairs import PairSampler
from preprocess.base.errors import InputError
from tests.conftest import make_split
from tests.information_retrieval.ranking.test_top_rankings import top_rankings


def hard_negatives(split, k: int = 3) -> HardNegatives:
    top = top_rankings(split, k)
    return HardNegatives(top.captions, top.images, sha256="")


def unaligned(sampler: PairSampler, n_captions: int, epochs: int) -> list[tuple]:
    pairs = [(c, sampler.draw(c, epoch)) for epoch in range(epochs) for c in range(n_captions)]
    return [(c, pair) for c, pair in pairs if not pair.aligned]


def test_with_a_share_of_one_every_unaligned_pair_is_a_wrong_document_ranked_high():
    split = make_split(12)
    hard = hard_negatives(split)
    sampler = PairSampler(split, 0.9, 0, hard, hard_share=1.0)
    image_of = split.caption_image_index
    for caption, pair in unaligned(sampler, len(image_of), epochs=40):
        assert image_of[pair.caption] != pair.image
        if pair.caption == caption:
            assert pair.image in hard.images[caption]
        else:
            assert pair.image == image_of[caption]
            assert pair.caption in hard.captions[pair.image]


def test_the_asked_share_of_the_unaligned_pairs_is_hard():
    split = make_split(40)
    hard = hard_negatives(split, k=2)
    sampler = PairSampler(split, 0.5, 0, hard, hard_share=0.4)
    pairs = unaligned(sampler, len(split.captions), epochs=200)
    by_caption = [pair for c, pair in pairs if pair.caption != c]
    n_hard = sum(pair.image in hard.images[c] for c, pair in pairs if pair.caption == c)
    n_hard += sum(pair.caption in hard.captions[pair.image] for pair in by_caption)
    # The others hit one of two documents of 39 or more by chance, 5 % of the time at most.
    assert 0.37 < n_hard / len(pairs) < 0.48


def test_the_rate_of_unaligned_pairs_stays_as_asked():
    split = make_split(30)
    sampler = PairSampler(split, 0.3, 0, hard_negatives(split), hard_share=0.5)
    n = len(split.captions) * 200
    share = len(unaligned(sampler, len(split.captions), epochs=200)) / n
    assert share == pytest.approx(0.3, abs=4 * (0.21 / n) ** 0.5)


def test_a_query_whose_top_documents_are_all_right_gets_any_wrong_one():
    split = make_split(6)
    own = split.caption_image_index[:, None]
    captions = np.array([[np.flatnonzero(own == image)[0]] for image in range(6)])
    sampler = PairSampler(split, 0.9, 0, HardNegatives(captions, own, ""), hard_share=1.0)
    drawn = {(c, p.image, p.caption) for c, p in unaligned(sampler, len(own), epochs=60)}
    assert len({image for c, image, caption in drawn if caption == c == 0}) == 5


def test_rankings_of_another_split_are_refused(tmp_path):
    split, path = make_split(6), tmp_path / "top.npz"
    top = top_rankings(split)
    write_top_rankings(path, top)
    assert np.array_equal(read_hard_negatives(path, split).images, top.images)
    with pytest.raises(InputError, match="belong to another split"):
        read_hard_negatives(path, make_split(7))


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_zero_to_one_is_refused(share):
    with pytest.raises(InputError, match="hard_share"):
        PairSampler(make_split(4), 0.3, 0, hard_share=share)
