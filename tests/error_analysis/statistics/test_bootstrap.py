from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy import stats

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.statistics.bootstrap import (
    METRICS,
    Estimate,
    estimate_differences,
    estimate_metrics,
    mean_of_runs,
    resample,
    weighted_median,
)
from error_analysis.statistics.proportions import wilson_interval
from information_retrieval.ranking.metrics import retrieval_metrics
from information_retrieval.ranking.query_ranks import DIRECTIONS, QueryRanks, Ranks
from preprocess.base.errors import InputError
from tests.error_analysis.scored import make_model, make_split, random_model, untied

SMALL = [1, 5, 2, 3, 4, 1, 2]


def model_with_caption_ranks(ranks: list[list[int]]) -> ModelRankings:
    """Only the ranks of caption queries mean anything, and the scores nothing at all."""
    model = random_model([len(of_image) for of_image in ranks])
    whole = Ranks(model.rankings.ranks.i2t, untied(np.concatenate(ranks)))
    return replace(model, rankings=replace(model.rankings, ranks=whole))


def estimates_of(
    galleries: list[ModelRankings], generator: np.random.Generator, n_resamples: int = 1000
) -> dict[str, Estimate]:
    return estimate_metrics(galleries, resample(galleries, generator, n_resamples))


def slow_metrics(model: ModelRankings, drawn: np.ndarray) -> list[float]:
    """The metrics when the queries of these images are written out one by one."""
    repeated = {}
    for direction in DIRECTIONS:
        queries, of_query = model.query_ranks(direction), model.image_of_query(direction)
        rows = np.concatenate([np.flatnonzero(of_query == i) for i in drawn])
        repeated[direction] = queries.subset(rows)
    metrics = retrieval_metrics(Ranks(**repeated))
    return [metrics[name] for name in METRICS]


def test_values_and_tie_bounds_are_those_of_the_metrics():
    model = random_model(SMALL)
    estimates = estimates_of([model], np.random.default_rng(0), 20)
    assert tuple(estimates) == METRICS
    fields = {"expected": "value", "optimistic": "optimistic", "pessimistic": "pessimistic"}
    for rule, field in fields.items():
        metrics = retrieval_metrics(model.rankings.ranks, rule)
        for name, estimate in estimates.items():
            assert getattr(estimate, field) == pytest.approx(metrics[name]), (rule, name)
    assert estimates["rsum"].pessimistic < estimates["rsum"].optimistic


def test_resamples_are_those_of_images_drawn_one_by_one_with_all_their_captions():
    model, n = random_model(SMALL), 60
    drawn = np.random.default_rng(3).integers(0, len(SMALL), (n, len(SMALL)))
    expected = np.array([slow_metrics(model, images) for images in drawn]).T  # (n_metrics, n)
    found = resample([model], np.random.default_rng(3), n)
    assert found.resampled.shape == (len(METRICS), n)
    np.testing.assert_allclose(found.resampled, expected, rtol=1e-12)
    np.testing.assert_allclose(found.values, slow_metrics(model, np.arange(len(SMALL))))


def test_pulls_are_those_of_metrics_without_each_image_but_for_medians():
    model, n = random_model(SMALL), len(SMALL)
    without = np.array([slow_metrics(model, np.delete(np.arange(n), i)) for i in range(n)]).T
    expected = (without.mean(axis=1, keepdims=True) - without) * (n - 1) / n
    expected[[METRICS.index(f"{direction}_median_rank") for direction in ("i2t", "t2i")]] = 0
    found = resample([model], np.random.default_rng(0), 2).pulls
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_difference_is_that_of_both_models_metrics_of_the_same_drawn_images():
    models, n = [random_model(SMALL, seed, seed) for seed in (1, 2)], 60
    drawn = np.random.default_rng(3).integers(0, len(SMALL), (n, len(SMALL)))
    one, other = (np.array([slow_metrics(m, images) for images in drawn]).T for m in models)
    differences = estimate_differences(
        *(resample([model], np.random.default_rng(3), n) for model in models)
    )
    assert tuple(differences) == METRICS
    whole = np.subtract(*(slow_metrics(m, np.arange(len(SMALL))) for m in models))
    for found, value, values in zip(differences.values(), whole, one - other, strict=True):
        assert found.value == pytest.approx(value)
        if np.ptp(values):
            ends = np.percentile(values, (2.5, 97.5))
            assert (found.low, found.high) == pytest.approx(tuple(ends))


@pytest.mark.parametrize("name", ["t2i_r1", "t2i_mean_rank"])
def test_the_interval_of_a_difference_is_scipys_of_paired_images(name):
    models = [random_model([1] * 40, seed) for seed in (1, 2)]
    column = (lambda queries: 100 * queries.found(1)) if name == "t2i_r1" else QueryRanks.ranks
    ranks = [column(model.query_ranks("t2i")) for model in models]
    expected = stats.bootstrap(
        (ranks[0], ranks[1]),
        lambda one, other, axis: np.mean(one, axis) - np.mean(other, axis),
        paired=True,
        n_resamples=300,
        method="percentile",
        rng=np.random.default_rng(5),
    ).confidence_interval
    resampled = [resample([model], np.random.default_rng(5), 300) for model in models]
    found = estimate_differences(*resampled)[name]
    assert (found.low, found.high) == pytest.approx(tuple(expected), rel=1e-9)


def test_swapping_the_models_turns_the_interval_of_their_difference_round():
    models = [random_model(SMALL, seed) for seed in (1, 2)]
    one, other = (resample([model], np.random.default_rng(0), 99) for model in models)
    turned = estimate_differences(other, one)
    for name, found in estimate_differences(one, other).items():
        ends = (-turned[name].value, -turned[name].high, -turned[name].low)
        assert (found.value, found.low, found.high) == pytest.approx(ends), name


def test_a_model_less_itself_is_0_within_what_the_number_of_images_can_tell():
    found = resample([random_model(SMALL)], np.random.default_rng(0), 30)
    differences = estimate_differences(found, found)
    reach = 100 * wilson_interval(0, len(SMALL))[1]
    r1, rsum, mean = (differences[name] for name in ("t2i_r1", "rsum", "t2i_mean_rank"))
    assert (r1.value, r1.low, r1.high) == pytest.approx((0, -reach, reach))
    assert (rsum.low, rsum.high) == pytest.approx((-6 * reach, 6 * reach))
    assert (mean.low, mean.high) == (0, 0)


def test_what_is_hard_for_both_models_drops_out_of_their_difference():
    hard = np.random.default_rng(0).integers(0, 200, 60)
    easier = np.maximum(hard - 2, 0)
    models = [model_with_caption_ranks(ranks[:, None].tolist()) for ranks in (hard, easier)]
    resampled = [resample([model], np.random.default_rng(0), 200) for model in models]
    alone = estimate_metrics([models[0]], resampled[0])["t2i_mean_rank"]
    difference = estimate_differences(*resampled)["t2i_mean_rank"]
    assert difference.low > 0
    assert difference.high - difference.low < 0.02 * (alone.high - alone.low)


@pytest.mark.parametrize(
    ("name", "values_of", "function"),
    [
        ("r1", lambda queries: 100 * queries.found(1), np.mean),
        ("r5", lambda queries: 100 * queries.found(5), np.mean),
        ("r10", lambda queries: 100 * queries.found(10), np.mean),
        ("median_rank", QueryRanks.ranks, np.median),
        ("mean_rank", QueryRanks.ranks, np.mean),
    ],
)
@pytest.mark.parametrize("direction", ["i2t", "t2i"])
def test_intervals_of_one_caption_an_image_are_scipys(direction, name, values_of, function):
    # Without ties: scipy tells equal means apart where their floats differ in the last place.
    model = random_model([1] * 40, decimals=5)
    method = "percentile" if name == "median_rank" else "BCa"
    expected = stats.bootstrap(
        (values_of(model.query_ranks(direction)),),
        function,
        n_resamples=300,
        method=method,
        rng=np.random.default_rng(5),
    ).confidence_interval
    estimate = estimates_of([model], np.random.default_rng(5), 300)[f"{direction}_{name}"]
    assert (estimate.low, estimate.high) == pytest.approx(tuple(expected), rel=1e-9)


def test_five_copies_of_each_caption_do_not_make_an_interval_narrower():
    ranks = np.random.default_rng(0).integers(0, 30, 50).tolist()
    once = model_with_caption_ranks([[rank] for rank in ranks])
    copied = model_with_caption_ranks([[rank] * 5 for rank in ranks])
    of = partial(estimates_of, n_resamples=200)
    for name in ("t2i_r1", "t2i_r10", "t2i_median_rank", "t2i_mean_rank"):
        narrow, wide = (of([m], np.random.default_rng(1))[name] for m in (copied, once))
        assert (narrow.low, narrow.high) == pytest.approx((wide.low, wide.high))
    # Captions drawn one by one would give an interval that is too narrow.
    alone = stats.bootstrap(
        (np.repeat(ranks, 5),), np.mean, n_resamples=200, method="percentile", rng=1
    ).confidence_interval
    assert alone.high - alone.low < 0.7 * (narrow.high - narrow.low)


def test_the_interval_has_the_true_recall_about_95_times_in_100():
    generator, covered = np.random.default_rng(0), 0
    for _ in range(150):
        # An image's three captions are found together, or not: 60 of 100 are.
        ranks = np.repeat(np.where(generator.random(40) < 0.6, 0, 20), 3).reshape(40, 3)
        model = model_with_caption_ranks(ranks.tolist())
        interval = estimates_of([model], generator, 200)["t2i_r1"]
        covered += interval.low <= 60 <= interval.high
    assert 132 <= covered <= 150


def test_the_same_seed_gives_the_same_intervals_and_another_seed_others():
    model = random_model(SMALL)
    first, same, other = (
        estimates_of([model], np.random.default_rng(seed), 50) for seed in (0, 0, 1)
    )
    assert first == same
    assert first["rsum"].value == other["rsum"].value
    assert (first["rsum"].low, first["rsum"].high) != (other["rsum"].low, other["rsum"].high)


def test_rsum_is_resampled_as_the_sum_of_the_recalls_of_the_same_images():
    resampled = resample([random_model(SMALL)], np.random.default_rng(0)).resampled
    found = dict(zip(METRICS, resampled, strict=True))
    recalls = [values for name, values in found.items() if "_r1" in name or "_r5" in name]
    assert len(recalls) == 6
    np.testing.assert_allclose(found["rsum"], sum(recalls))


def test_folds_are_resampled_apart_and_averaged():
    folds = [random_model(SMALL, seed) for seed in (1, 2)]
    found = resample(folds, np.random.default_rng(0), 80)
    generator = np.random.default_rng(0)
    alone = [resample([fold], generator, 80) for fold in folds]
    np.testing.assert_allclose(found.resampled, np.mean([a.resampled for a in alone], axis=0))
    assert found.pulls.shape == (len(METRICS), 2 * len(SMALL))
    estimate = estimate_metrics(folds, found)["t2i_mean_rank"]
    means = [fold.query_ranks("t2i").ranks().mean() for fold in folds]
    assert estimate.value == pytest.approx(np.mean(means))


def test_the_interval_over_folds_is_scipys_of_two_samples():
    folds = [random_model([1] * 30, seed) for seed in (1, 2)]
    generator = np.random.default_rng(7)
    draws = [generator.integers(0, 30, (40, 30)) for _ in folds]

    class Drawn(np.random.Generator):
        """Gives the two folds the draws that `resample` makes."""

        def integers(self, *args, **kwargs):
            return draws.pop(0)

    expected = stats.bootstrap(
        [fold.query_ranks("t2i").ranks() for fold in folds],
        lambda one, other, axis: (one.mean(axis) + other.mean(axis)) / 2,
        n_resamples=40,
        vectorized=True,
        method="BCa",
        rng=Drawn(np.random.PCG64()),
    ).confidence_interval
    estimate = estimates_of(folds, np.random.default_rng(7), 40)["t2i_mean_rank"]
    assert (estimate.low, estimate.high) == pytest.approx(tuple(expected))


def test_a_recall_of_100_or_0_has_wilsons_interval_of_the_number_of_images():
    perfect = make_model(np.eye(12, dtype=np.float32).repeat(5, axis=1), make_split([5] * 12))
    estimates = estimates_of([perfect], np.random.default_rng(0), 30)
    low, high = wilson_interval(12, 12)
    for direction in ("i2t", "t2i"):  # 60 captions are no more independent than 12 images
        r1 = estimates[f"{direction}_r1"]
        assert (r1.value, r1.low, r1.high) == pytest.approx((100, 100 * low, 100 * high))
    assert (estimates["rsum"].low, estimates["rsum"].high) == pytest.approx((600 * low, 600))
    never = model_with_caption_ranks([[20, 30]] * 12)
    r1 = estimates_of([never], np.random.default_rng(0), 30)["t2i_r1"]
    assert (r1.low, r1.high) == pytest.approx((0, 100 * wilson_interval(0, 12)[1]))


def test_ranks_that_are_the_same_for_every_image_have_an_interval_of_one_point():
    model = make_model(np.eye(12, dtype=np.float32), make_split([1] * 12))
    estimates = estimates_of([model], np.random.default_rng(0), 30)
    for name in ("i2t_median_rank", "t2i_mean_rank"):
        assert (estimates[name].low, estimates[name].high) == (0, 0)


def test_the_mean_of_runs_is_that_of_one_run_where_they_are_the_same():
    model, other = random_model(SMALL, 1), random_model(SMALL, 2)
    one, two = (resample([m], np.random.default_rng(3), 30) for m in (model, other))
    same, mean = mean_of_runs([one, one]), mean_of_runs([one, two])
    assert np.allclose(same.resampled, one.resampled)
    assert np.allclose(mean.values, (one.values + two.values) / 2)
    assert np.allclose(mean.resampled, (one.resampled + two.resampled) / 2)
    assert np.allclose(mean.pulls, (one.pulls + two.pulls) / 2)
    difference = estimate_differences(mean, same)["rsum"]
    assert difference.value == pytest.approx((two.values[-1] - one.values[-1]) / 2)


def test_one_image_cannot_be_resampled():
    model = make_model(np.zeros((1, 2), np.float32), make_split([2]))
    with pytest.raises(InputError, match="at least 2 images to resample, found 1"):
        resample([model], np.random.default_rng(0))


@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_a_weighted_median_is_numpys_of_the_values_written_out(n):
    generator = np.random.default_rng(n)
    ascending = np.sort(generator.integers(0, 9, n) / 2)
    weights = generator.integers(0, 4, (50, n))
    weights[:, 0] += weights.sum(axis=1) == 0
    expected = [np.median(np.repeat(ascending, times)) for times in weights]
    assert weighted_median(ascending, weights).tolist() == expected
