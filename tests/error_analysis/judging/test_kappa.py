"""Cohen's kappa, by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from error_analysis.judging.kappa import Kappa, kappa_of, kappas_of_sums
from error_analysis.statistics.proportions import wilson_interval


def votes(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Of so many queries, in this order."""
    yes = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [both, first, second, neither], axis=0)
    return yes[:, 0].astype(bool), yes[:, 1].astype(bool)


def test_kappa_by_hand():
    # The example of many textbooks: 20 both, 5 one, 10 the other, 15 neither. They agree on 35 of
    # 50; by chance on 0.5 * 0.6 + 0.5 * 0.4 = 0.5: (0.7 - 0.5) / (1 - 0.5).
    found = kappa_of(*votes(20, 5, 10, 15), range(50))
    assert found.kappa == pytest.approx(0.4)
    assert 0.05 < found.low < 0.25
    assert 0.55 < found.high < 0.75
    assert found.why is None
    assert found.told.startswith("0.40 [0.")


def test_the_kappas_of_sums_are_scikit_learn_s():
    generator = np.random.default_rng(0)
    rows, expected = [], []
    for _ in range(50):
        first, second = generator.random((2, 12)) < generator.random()
        if not (first | second).any() or (first & second).all():
            continue
        rows.append([12, first.sum(), second.sum(), (first & second).sum()])
        expected.append(cohen_kappa_score(first, second))
    np.testing.assert_allclose(kappas_of_sums(np.array(rows, float)), expected, atol=1e-12)
    assert np.isnan(kappas_of_sums(np.array([[5, 0, 0, 0], [5, 5, 5, 5]], float))).all()


def test_where_chance_always_agrees_there_is_no_kappa_and_why_is_said():
    assert kappa_of(*votes(0, 0, 0, 20), range(20)) == Kappa(None, why="neither gave it")
    assert kappa_of(*votes(20, 0, 0, 0), range(20)) == Kappa(None, why="both gave it to all")
    assert Kappa(None, why="neither gave it").told == "none (neither gave it)"


def test_one_gives_it_to_all_and_the_other_to_none_is_as_by_chance():
    assert kappa_of(*votes(0, 20, 0, 0), range(20)).kappa == 0


def test_few_images_or_few_with_the_tag_have_no_interval():
    few = kappa_of(*votes(3, 1, 1, 4), range(9))
    assert (few.kappa, few.low) == (pytest.approx(0.55), None)
    assert few.why == "fewer than 10 images"
    assert kappa_of(*votes(3, 1, 0, 40), range(44)).why == "fewer than 5 images have it"
    assert kappa_of(*votes(40, 2, 1, 1), range(44)).why == "fewer than 5 images lack it"
    # Two captions of an image are one image.
    assert kappa_of(*votes(5, 0, 1, 8), np.arange(14) // 2).why == "fewer than 10 images"


def test_always_agreeing_is_not_certain():
    found = kappa_of(*votes(10, 0, 0, 30), range(40))
    assert (found.kappa, found.high) == (1, 1)
    # As many images could hide this share of differences; chance would give 2 * 1/4 * 3/4.
    assert found.low == pytest.approx(1 - wilson_interval(0, 40)[1] / 0.375)


def test_captions_that_go_together_make_a_wider_interval():
    yes = votes(6, 2, 2, 10)
    apart = kappa_of(*(np.repeat(one, 5) for one in yes), range(100))
    together = kappa_of(*(np.repeat(one, 5) for one in yes), np.repeat(np.arange(20), 5))
    assert together.kappa == pytest.approx(apart.kappa)
    assert together.high - together.low > 1.7 * (apart.high - apart.low)
