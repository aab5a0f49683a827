from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats

from error_analysis.statistics.multiple_tests import holm
from error_analysis.statistics.paired_tests import (
    PairedTests,
    mcnemar_p,
    outcomes,
    paired_tests,
    sign_flip_p,
    sign_flip_ps,
)
from information_retrieval.ranking.query_ranks import QueryRanks
from tests.error_analysis.scored import untied


def exact_p(differences: np.ndarray) -> float:
    """The share of all sign patterns whose sum is as far from 0 as the one found."""
    signs = np.array(list(product((-1, 1), repeat=len(differences))))
    sums = np.abs(signs @ differences)
    return float(np.mean(sums >= abs(differences.sum()) - 1e-9))


def compare_two(
    first: QueryRanks, second: QueryRanks, image, generator=None, n_permutations: int = 9999
) -> PairedTests:
    """Test two models on the queries of one direction."""
    models = [{"t2i": outcomes(ranks, image, image.max() + 1)} for ranks in (first, second)]
    [tests] = paired_tests(models, generator or np.random.default_rng(0), n_permutations)
    return tests["t2i"]


def test_mcnemar_by_hand():
    # 6 coins, 1 or fewer and 5 or more heads: 2 * (1 + 6) / 64.
    assert mcnemar_p(1, 5) == pytest.approx(14 / 64)
    assert mcnemar_p(5, 1) == mcnemar_p(1, 5)
    assert mcnemar_p(0, 10) == pytest.approx(2 / 1024)


@pytest.mark.parametrize("counts", [(3, 3), (0, 1), (12, 40), (200, 150)])
def test_mcnemar_is_scipys_binomial_test(counts):
    assert mcnemar_p(*counts) == pytest.approx(stats.binomtest(counts[0], sum(counts)).pvalue)


def test_mcnemar_of_expected_counts_lies_between_those_of_whole_ones():
    assert mcnemar_p(1, 6) < mcnemar_p(1.5, 6) < mcnemar_p(2, 6)


def test_models_that_find_the_same_queries_do_not_differ():
    assert mcnemar_p(0, 0) == 1
    ranks = untied([0, 3, 20, 7])
    tests = compare_two(ranks, ranks, np.arange(4))
    assert {test.by_image_p for test in tests.recalls} == {1.0}
    assert tests.reciprocal_rank.by_image_p == 1
    assert tests.reciprocal_rank.first == tests.reciprocal_rank.second


def test_models_that_rank_the_captions_of_each_image_alike_in_another_order_do_not_differ():
    generator, image = np.random.default_rng(0), np.repeat(np.arange(10), 5)
    for _ in range(20):
        ranks = generator.integers(0, 30, (10, 5))
        others = generator.permuted(ranks, axis=1)
        tests = compare_two(untied(ranks.ravel()), untied(others.ravel()), image, None, 99)
        assert tests.reciprocal_rank.by_image_p == 1


def test_discordant_queries_are_counted_at_each_cutoff():
    first = np.array([0, 0, 4, 9, 9, 50, 0])
    second = np.array([0, 1, 5, 10, 10, 0, 0])
    tests = compare_two(untied(first), untied(second), np.arange(7))
    assert [(t.k, t.first_only, t.second_only) for t in tests.recalls] == [
        (1, 1, 1),
        (5, 1, 1),
        (10, 2, 1),
    ]
    assert tests.reciprocal_rank.first == pytest.approx(np.mean(1 / (first + 1)))
    assert tests.reciprocal_rank.second == pytest.approx(np.mean(1 / (second + 1)))


def test_where_ties_decide_a_query_counts_by_its_probability():
    # Found at 1 by the first model in half of the orders, and by the second in a quarter.
    first = QueryRanks(np.array([0]), np.array([1]), np.array([1]))
    second = QueryRanks(np.array([0]), np.array([3]), np.array([1]))
    [at_1, at_5, _] = compare_two(first, second, np.zeros(1, int)).recalls
    assert at_1.first_only == pytest.approx(1 / 2 * 3 / 4)
    assert at_1.second_only == pytest.approx(1 / 4 * 1 / 2)
    assert (at_5.first_only, at_5.second_only) == (0, 0)


@pytest.mark.parametrize("seed", range(4))
def test_sign_flips_agree_with_all_patterns_and_with_scipys_permutations(seed):
    differences = np.random.default_rng(seed).normal(0.4, 1, 10)
    found = sign_flip_p(differences, np.random.default_rng(0), 20_000)
    scipys = stats.permutation_test(
        (differences,),
        lambda values, axis: values.sum(axis),
        permutation_type="samples",
        n_resamples=np.inf,
        vectorized=True,
    ).pvalue
    assert scipys == pytest.approx(exact_p(differences))
    assert found == pytest.approx(scipys, abs=0.012)


def test_sign_flips_agree_with_scipys_random_permutations_of_many_images():
    differences = np.random.default_rng(0).integers(-3, 4, 300) + 0.15
    scipys = stats.permutation_test(
        (differences,),
        lambda values, axis: values.sum(axis),
        permutation_type="samples",
        n_resamples=5000,
        batch=500,
        vectorized=True,
        rng=1,
    ).pvalue
    assert sign_flip_p(differences, np.random.default_rng(2)) == pytest.approx(scipys, abs=0.025)


def test_many_sums_are_tested_as_each_alone_and_by_the_same_signs():
    differences = np.random.default_rng(0).normal([[0.1], [0.3], [0.0]], 1, (3, 90))
    differences = np.concatenate([differences, 7 * differences[1:2], np.zeros((1, 90))])
    together = sign_flip_ps(differences, np.random.default_rng(0), 1200)
    alone = [sign_flip_p(of_one, np.random.default_rng(0), 1200) for of_one in differences]
    assert together.tolist() == alone
    assert together[3] == together[1]
    assert together[4] == 1


def test_each_two_models_are_tested_in_turn_and_corrected_together():
    ranks, image = np.random.default_rng(0).integers(0, 15, (3, 60)), np.repeat(np.arange(12), 5)
    models = [{"t2i": outcomes(untied(of_model), image, 12)} for of_model in ranks]
    found = [tests["t2i"] for tests in paired_tests(models, np.random.default_rng(0), 500)]
    for tests, pair in zip(found, ((0, 1), (0, 2), (1, 2)), strict=True):
        alone = compare_two(*(untied(ranks[i]) for i in pair), image, n_permutations=500)
        for one, other in zip(tests.recalls, alone.recalls, strict=True):
            assert replace(one, holm_p=0) == replace(other, holm_p=0)
    everything = [test for tests in found for test in (*tests.recalls, tests.reciprocal_rank)]
    expected = holm([test.by_image_p for test in everything])
    assert [test.holm_p for test in everything] == expected.tolist()
    assert paired_tests(models[:1], np.random.default_rng(0)) == []


def test_images_without_a_difference_change_nothing():
    differences = np.array([1.0, 1.0, -1.0, 2.0])
    padded = np.concatenate([differences, np.zeros(500)])
    p = [sign_flip_p(d, np.random.default_rng(0), 999) for d in (differences, padded)]
    assert p[0] == p[1]


def test_a_p_value_is_never_0():
    assert sign_flip_p(np.ones(60), np.random.default_rng(0), 999) == pytest.approx(1 / 1000)


def test_a_test_depends_on_the_seed_alone():
    differences = np.random.default_rng(0).normal(0.1, 1, 50)
    p = [sign_flip_p(differences, np.random.default_rng(seed), 499) for seed in (0, 0, 1)]
    assert p[0] == p[1] != p[2]


def test_swapping_the_models_swaps_the_counts_and_keeps_the_p_values():
    generator = np.random.default_rng(0)
    ranks, image = generator.integers(0, 15, (2, 90)), np.repeat(np.arange(30), 3)
    one, other = (compare_two(*map(untied, pair), image) for pair in (ranks, ranks[::-1]))
    for a, b in zip(one.recalls, other.recalls, strict=True):
        assert (a.first_only, a.second_only) == (b.second_only, b.first_only)
        assert a.mcnemar_p == pytest.approx(b.mcnemar_p)
        assert a.by_image_p == pytest.approx(b.by_image_p)


def test_copies_of_a_caption_mislead_mcnemar_and_not_the_test_by_image():
    generator = np.random.default_rng(1)
    ranks = np.where(generator.random((2, 30)) < [[0.6], [0.4]], 0, 20)
    images = np.arange(30)
    copies = map(untied, ranks.repeat(5, axis=1))
    once = compare_two(*map(untied, ranks), images).recalls[0]
    copied = compare_two(*copies, images.repeat(5)).recalls[0]
    assert copied.first_only == 5 * once.first_only
    assert copied.mcnemar_p < 0.1 * once.mcnemar_p
    assert copied.by_image_p == once.by_image_p
    assert once.by_image_p == pytest.approx(once.mcnemar_p, rel=0.2)


def test_equal_models_differ_at_5_percent_in_about_5_of_100_galleries():
    generator, rejected = np.random.default_rng(0), {"mcnemar_p": 0, "by_image_p": 0}
    image = np.repeat(np.arange(40), 5)
    for _ in range(200):
        # Both find half of the images, whose five captions mostly agree.
        ranks = np.where(generator.random((2, 40)) < 0.5, 0, 20).repeat(5, axis=1)
        ranks = np.where(generator.random((2, 200)) < 0.1, 20 - ranks, ranks)
        test = compare_two(*map(untied, ranks), image, generator, 199).recalls[0]
        for name in rejected:
            rejected[name] += getattr(test, name) < 0.05
    assert rejected["by_image_p"] <= 20
    assert rejected["mcnemar_p"] > 40
