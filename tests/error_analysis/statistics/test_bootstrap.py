from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy import stats

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.statistics.bootstrap import METRICS, estimate_metrics, resample, weighted_median
from information_retrieval.ranking.metrics import retrieval_metrics
from information_retrieval.ranking.query_ranks import QueryRanks, Ranks
from preprocess.base.errors import InputError
from tests.error_analysis.scored import make_model, make_split, untied

SMALL = [1, 5, 2, 3, 4, 1, 2]


def random_model(captions_per_image: list[int], seed: int = 0, strength: float = 1.0):
    """Scores in which ground truths are somewhat higher, rounded so that some are tied."""
    split = make_split(captions_per_image)
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=(len(split.images), len(split.captions)))
    scores[split.caption_image_index, np.arange(len(split.captions))] += strength
    return make_model(np.round(scores, 1).astype(np.float32), split)


def model_with_caption_ranks(ranks: list[list[int]]) -> ModelRankings:
    """Only the ranks of caption queries mean anything, and the scores nothing at all."""
    model = random_model([len(of_image) for of_image in ranks])
    whole = Ranks(model.rankings.ranks.i2t, untied(np.concatenate(ranks)))
    return replace(model, rankings=replace(model.rankings, ranks=whole))


def slow_metrics(model: ModelRankings, drawn: np.ndarray) -> list[float]:
    """The metrics when the queries of these images are written out one by one."""
    image = {"i2t": np.arange(len(drawn)), "t2i": model.rankings.caption_image_index}
    repeated = {}
    for direction, of_query in image.items():
        queries = model.query_ranks(direction)
        rows = np.concatenate([np.flatnonzero(of_query == i) for i in drawn])
        repeated[direction] = queries.subset(rows)
    metrics = retrieval_metrics(Ranks(**repeated))
    return [metrics[name] for name in METRICS]


def test_values_and_tie_bounds_are_those_of_the_metrics():
    model = random_model(SMALL)
    estimates = estimate_metrics([model], np.random.default_rng(0), 20)
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
    found = resample(model, np.random.default_rng(3), n)
    assert found.shape == (len(METRICS), n)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


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
    model = random_model([1] * 40)
    expected = stats.bootstrap(
        (values_of(model.query_ranks(direction)),),
        function,
        n_resamples=300,
        method="percentile",
        rng=np.random.default_rng(5),
    ).confidence_interval
    estimate = estimate_metrics([model], np.random.default_rng(5), 300)[f"{direction}_{name}"]
    assert (estimate.low, estimate.high) == pytest.approx(tuple(expected), rel=1e-12)


def test_five_copies_of_each_caption_do_not_make_an_interval_narrower():
    ranks = np.random.default_rng(0).integers(0, 30, 50).tolist()
    once = model_with_caption_ranks([[rank] for rank in ranks])
    copied = model_with_caption_ranks([[rank] * 5 for rank in ranks])
    of = partial(estimate_metrics, n_resamples=200)
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
        interval = estimate_metrics([model], generator, 200)["t2i_r1"]
        covered += interval.low <= 60 <= interval.high
    assert 132 <= covered <= 150


def test_the_same_seed_gives_the_same_intervals_and_another_seed_others():
    model = random_model(SMALL)
    first, same, other = (
        estimate_metrics([model], np.random.default_rng(seed), 50) for seed in (0, 0, 1)
    )
    assert first == same
    assert first["rsum"].value == other["rsum"].value
    assert (first["rsum"].low, first["rsum"].high) != (other["rsum"].low, other["rsum"].high)


def test_rsum_is_resampled_as_the_sum_of_the_recalls_of_the_same_images():
    found = dict(zip(METRICS, resample(random_model(SMALL), np.random.default_rng(0)), strict=True))
    recalls = [values for name, values in found.items() if "_r1" in name or "_r5" in name]
    assert len(recalls) == 6
    np.testing.assert_allclose(found["rsum"], sum(recalls))


def test_folds_are_resampled_apart_and_averaged():
    folds = [random_model(SMALL, seed) for seed in (1, 2)]
    estimate = estimate_metrics(folds, np.random.default_rng(0), 80)["t2i_mean_rank"]
    generator = np.random.default_rng(0)
    resampled = [resample(fold, generator, 80)[METRICS.index("t2i_mean_rank")] for fold in folds]
    low, high = np.percentile(np.mean(resampled, axis=0), (2.5, 97.5))
    assert (estimate.low, estimate.high) == pytest.approx((low, high))
    means = [fold.query_ranks("t2i").ranks().mean() for fold in folds]
    assert estimate.value == pytest.approx(np.mean(means))


def test_a_metric_that_is_the_same_for_every_image_has_an_interval_of_one_point():
    model = make_model(np.eye(12, dtype=np.float32), make_split([1] * 12))
    estimates = estimate_metrics([model], np.random.default_rng(0), 30)
    assert (estimates["rsum"].low, estimates["rsum"].high) == (600, 600)
    assert (estimates["i2t_median_rank"].low, estimates["i2t_median_rank"].high) == (0, 0)


def test_one_image_cannot_be_resampled():
    model = make_model(np.zeros((1, 2), np.float32), make_split([2]))
    with pytest.raises(InputError, match="at least 2 images to resample, found 1"):
        estimate_metrics([model], np.random.default_rng(0))


@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_a_weighted_median_is_numpys_of_the_values_written_out(n):
    generator = np.random.default_rng(n)
    ascending = np.sort(generator.integers(0, 9, n) / 2)
    weights = generator.integers(0, 4, (50, n))
    weights[:, 0] += weights.sum(axis=1) == 0
    expected = [np.median(np.repeat(ascending, times)) for times in weights]
    assert weighted_median(ascending, weights).tolist() == expected
