"""Training pairs: their rates, what they may be, and what they depend on."""

import numpy as np
import pytest

from information_retrieval.training.examples.pairs import Pair, PairSampler
from preprocess.base.errors import InputError
from tests.conftest import make_split


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
