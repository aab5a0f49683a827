import numpy as np

from error_analysis.queries.protocol_galleries import galleries_of_models
from error_analysis.site.sections.differences import find_differences
from error_analysis.statistics.assessment import Sampling, assess
from tests.error_analysis.scored import make_model, make_split, scores_with_ranks

SPLIT = make_split([1] * 60)
SAMPLING = Sampling(n_resamples=200, n_permutations=999)


def models_of(*ranks: list[int]):
    scores = [scores_with_ranks(one) for one in ranks]
    return [make_model(s, SPLIT, name) for s, name in zip(scores, "abc", strict=False)]


def found(models):
    return find_differences(assess(galleries_of_models(models), SAMPLING), models)


def test_a_model_that_finds_far_more_is_surely_ahead_where_it_does():
    better, worse = [0] * 60, [7] * 40 + [0] * 20  # in the top 10, and not in the top 5
    verdict = found(models_of(better, worse)).verdicts[0]
    assert (verdict.direction, verdict.first_ahead, verdict.second_ahead) == ("i2t", (1, 5), ())
    verdict = found(models_of(worse, better)).verdicts[0]
    assert (verdict.first_ahead, verdict.second_ahead) == ((), (1, 5))


def test_of_the_same_models_nothing_is_sure():
    ranks = list(np.random.default_rng(0).integers(0, 20, 60))
    for verdict in found(models_of(ranks, ranks)).verdicts:
        assert (verdict.first_ahead, verdict.second_ahead) == ((), ())


def test_pairs_with_a_caption_oracle_come_last():
    models = models_of([0] * 60, [3] * 60, [2] * 60)
    models[0].rankings.metadata["oracle"] = "TF-IDF"
    pairs = [(pair.first, pair.second) for pair in found(models).pairs]
    assert pairs == [("b", "c"), ("a", "b"), ("a", "c")]


def test_one_model_differs_from_none():
    assert found(models_of([0] * 60)) is None
