"""Recalls of cascades with intervals, against metrics.json and those of a model of all ranks."""

import numpy as np
import pytest

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.statistics.assessment import Sampling
from error_analysis.statistics.bootstrap import estimate_metrics, resample
from error_analysis.statistics.cascades import CascadeRecalls, estimate_cascades, read_cascades
from information_retrieval.ranking.query_ranks import DIRECTIONS
from preprocess.base.errors import InputError
from tests.error_analysis.scored import make_model, make_split
from tests.information_retrieval.combining.saved_cascade import first_and_second, save_cascade

SPLIT = make_split([1, 5, 2, 3] * 8)  # captions weigh unevenly
FIRST, SECOND = first_and_second(SPLIT)
SAMPLING = Sampling(n_resamples=200)


def model(scores: np.ndarray = SECOND) -> ModelRankings:
    return make_model(scores, SPLIT)


def recalls(path, k, **metadata) -> tuple[CascadeRecalls, dict]:
    written = save_cascade(path, FIRST, SECOND, SPLIT, k, **metadata)
    [found] = estimate_cascades(read_cascades([path], model()), model(), SAMPLING)
    return found, written


def test_the_recalls_are_those_of_the_metrics_file_and_lie_in_their_intervals(tmp_path):
    found, written = recalls(tmp_path / "fast" / "test.npz", 12)
    assert (found.name, found.first, found.second) == ("fast", "the first", "the second")
    assert (found.shortlist, found.pairs_scored, found.pairs) == (
        12, written["pairs_scored"], written["pairs"],
    )  # fmt: skip
    assert len(found.estimates) == 8
    for name, estimate in found.estimates.items():
        assert estimate.value == pytest.approx(written["metrics"][name], abs=1e-9)
        assert estimate.optimistic == pytest.approx(written["bounds"]["optimistic"][name])
        assert estimate.pessimistic == pytest.approx(written["bounds"]["pessimistic"][name])
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 100
        assert estimate.low < estimate.high
    ceiling = 100 * np.mean(model(FIRST).query_ranks("t2i").found(12))
    assert found.estimates["t2i_r10"].value <= ceiling
    assert found.estimates["t2i_ceiling"].value == pytest.approx(ceiling, abs=1)  # but for ties


def test_a_cascade_of_all_pairs_has_the_seconds_own_estimates(tmp_path):
    found, _ = recalls(tmp_path / "all" / "test.npz", 10_000)
    alone = estimate_metrics(
        [model()], resample([model()], SAMPLING.generator(), SAMPLING.n_resamples)
    )
    for direction in DIRECTIONS:
        for k in (1, 5, 10):
            one, other = (of[f"{direction}_r{k}"] for of in (found.estimates, alone))
            for number in ("value", "low", "high", "optimistic", "pessimistic"):
                assert getattr(one, number) == pytest.approx(getattr(other, number))
        assert found.estimates[f"{direction}_ceiling"].value == 100


def test_a_cutoff_above_the_shortlist_is_not_known(tmp_path):
    found, written = recalls(tmp_path / "short" / "test.npz", 5)
    known = {f"{d}_{what}" for d in DIRECTIONS for what in ("r1", "r5", "ceiling")}
    assert found.estimates.keys() == known
    for direction in DIRECTIONS:
        ceiling = written["metrics"][f"{direction}_ceiling"]
        assert found.estimates[f"{direction}_r5"].value == pytest.approx(ceiling)


def test_a_first_model_without_a_checkpoint_is_called_by_its_name_or_file(tmp_path):
    for first, expected in (
        ({"path": "x.npz", "name": "TF-IDF"}, "TF-IDF"),
        ({"path": "x.npz"}, "x.npz"),
        ({}, None),
    ):
        found, _ = recalls(tmp_path / "one" / "test.npz", 12, first_stage=first)
        assert found.first == expected


def test_two_cascades_in_folders_of_one_name_are_told_apart_by_their_paths(tmp_path):
    paths = [tmp_path / place / "test.npz" for place in ("a/cascade", "b/cascade", "other")]
    for path in paths:
        save_cascade(path, FIRST, SECOND, SPLIT, 12)
    names = [one.name for one in read_cascades(paths, model())]
    assert names == [*map(str, paths[:2]), "other"]


def test_a_cascade_over_another_gallery_is_refused(tmp_path):
    other = make_split([2] * 15)
    save_cascade(tmp_path / "test.npz", *first_and_second(other), other, 12)
    with pytest.raises(InputError, match="expected the gallery of"):
        read_cascades([tmp_path / "test.npz"], model())
