import json

import numpy as np
import pytest

from error_analysis.queries.protocol_galleries import galleries_of_models
from error_analysis.significance import main
from error_analysis.statistics.assessment import (
    Sampling,
    assess,
    significance_table,
    significance_to_json,
)
from error_analysis.statistics.bootstrap import METRICS, estimate_metrics, resample
from error_analysis.statistics.multiple_tests import holm
from error_analysis.statistics.paired_tests import PairedTests, outcomes, paired_tests
from information_retrieval.ranking.metrics import retrieval_metrics
from preprocess.captions.split_file import write_split
from tests.conftest import assert_one_clear_line
from tests.error_analysis.scored import make_model, make_split, save_rankings
from tests.error_analysis.small_folds import (
    N_FOLDS,
    N_IMAGES,
    folds_scores,
    folds_split,
    save_folds,
)

QUICK = Sampling(n_resamples=40, n_permutations=99, seed=3)


def all_tests(tests: PairedTests) -> list:
    return [*tests.recalls, tests.reciprocal_rank]


def two_models():
    split = folds_split(2)
    return [make_model(folds_scores(seed, 2), split, name) for seed, name in enumerate("ab")]


@pytest.fixture
def assessed(tmp_path, run_main):
    """Run the command on the files of a folder with few resamples."""

    def run(paths, *options: str) -> dict | str:
        files = ["--rankings", *paths, "--split_file", tmp_path / "test.json"]
        output = tmp_path / "significance.json"
        few = ["--n_resamples", "40", "--n_permutations", "99"]
        status = run_main(main, *files, "--output", output, *few, *options)
        return status if status != 0 else json.loads(output.read_text())

    return run


def test_models_and_pairs_are_assessed_as_alone():
    models = two_models()
    result = assess([models], QUICK)
    for model in models:
        alone = estimate_metrics([model], resample([model], np.random.default_rng(3), 40))
        assert result.estimates[model.name] == alone
    [pair] = result.pairs
    image = models[0].image_of_query("t2i")
    alone = [
        {
            "i2t": outcomes(model.query_ranks("i2t"), np.arange(N_IMAGES), N_IMAGES),
            "t2i": outcomes(model.query_ranks("t2i"), image, N_IMAGES),
        }
        for model in models
    ]
    assert [pair.tests] == paired_tests(alone, np.random.default_rng(3), 99)


def test_holms_correction_is_for_all_tests_by_image_of_all_pairs():
    models = [*two_models(), make_model(folds_scores(5, 2), folds_split(2), "c")]
    result = assess([models], QUICK)
    tests = [t for pair in result.pairs for d in ("i2t", "t2i") for t in all_tests(pair.tests[d])]
    assert len(tests) == 3 * 2 * 4
    expected = holm([test.by_image_p for test in tests])
    assert [test.holm_p for test in tests] == expected.tolist()
    two = assess([models[:2]], QUICK).pairs[0].tests["t2i"].recalls[0]
    assert two.holm_p <= result.pairs[0].tests["t2i"].recalls[0].holm_p


def test_differences_are_of_the_same_drawn_images():
    a, b = two_models()
    [pair] = assess([[a, b]], QUICK).pairs
    one, other = (resample([model], np.random.default_rng(3), 40).resampled for model in (a, b))
    expected = np.percentile(one - other, (2.5, 97.5), axis=1).T
    for found, ends in zip(pair.differences.values(), expected, strict=True):
        assert (found.low, found.high) == pytest.approx(tuple(ends))


def test_a_models_intervals_do_not_depend_on_the_others():
    a, b = two_models()
    assert assess([[a, b]], QUICK).estimates["b"] == assess([[b]], QUICK).estimates["b"]


def test_three_models_make_three_pairs_and_one_none():
    a, b = two_models()
    c = make_model(folds_scores(5, 2), folds_split(2), "c")
    pairs = [(pair.first, pair.second) for pair in assess([[a, b, c]], QUICK).pairs]
    assert pairs == [("a", "b"), ("a", "c"), ("b", "c")]
    assert assess([[a]], QUICK).pairs == ()


@pytest.mark.usefixtures("small_folds")
def test_over_folds_metrics_are_means_and_tests_are_of_all_queries():
    galleries = galleries_of_models(two_models(), "5fold")
    result = assess(galleries, QUICK)
    folds = [retrieval_metrics(models[0].rankings.ranks) for models in galleries]
    for name in METRICS:
        mean = np.mean([fold[name] for fold in folds])
        assert result.estimates["a"][name].value == pytest.approx(mean)
    alone = [assess([models], QUICK).pairs[0].tests["t2i"].recalls for models in galleries]
    for k, test in enumerate(result.pairs[0].tests["t2i"].recalls):
        assert test.first_only == sum(recalls[k].first_only for recalls in alone)
        assert test.second_only == sum(recalls[k].second_only for recalls in alone)


@pytest.mark.usefixtures("small_folds")
def test_the_command_assesses_every_protocol_that_the_rankings_hold(tmp_path, assessed, capsys):
    content = assessed(save_folds(tmp_path, "lxmert", "clip", protocol="5k"), "--seed", "3")
    assert list(content["protocols"]) == ["5k", "1k", "5fold"]
    assert content["metadata"]["seed"] == 3
    five = content["protocols"]["5fold"]
    assert len(five["folds"]) == N_FOLDS
    assert five["folds"][0]["models"] == content["protocols"]["1k"]["models"]
    assert list(five["models"]["clip"]) == list(METRICS)
    [pair] = five["pairs"]
    assert [test["k"] for test in pair["t2i"]["recalls"]] == [1, 5, 10]
    assert all(test["holm_p"] >= test["by_image_p"] for test in pair["t2i"]["recalls"])
    for name in METRICS:
        one, other = (five["models"][model][name]["value"] for model in ("lxmert", "clip"))
        found = pair["differences"][name]
        assert found["value"] == pytest.approx(one - other)
        assert found["low"] <= found["value"] <= found["high"]
    printed = capsys.readouterr().out
    for protocol in ("5k", "1k", "5fold"):
        assert f"protocol {protocol}: " in printed
    assert "lxmert against clip: lxmert's metric less clip's" in printed


@pytest.mark.usefixtures("small_folds")
def test_one_protocol_can_be_chosen(tmp_path, assessed):
    paths = save_folds(tmp_path, "clip", protocol="5k")
    assert list(assessed(paths, "--protocol", "1k")["protocols"]) == ["1k"]


@pytest.mark.usefixtures("small_folds")
def test_the_same_seed_writes_the_same_file(tmp_path, assessed):
    paths = save_folds(tmp_path, "lxmert", "clip")
    assert assessed(paths) == assessed(paths)
    assert assessed(paths)["protocols"] != assessed(paths, "--seed", "1")["protocols"]


def test_ties_are_told_in_the_table():
    split = make_split([1] * 6)
    models = [
        make_model(np.eye(6, dtype=np.float32), split, "sure"),
        make_model(np.zeros((6, 6), np.float32), split, "tied"),
    ]
    table = significance_table(assess([models], QUICK), "full", {"images": 6, "captions": 6})
    assert "sure: rsum does not depend on ties" in table
    # At worst all six have rank 5: only R@10 is left.
    assert "tied: rsum from 200.00 to 600.00 by how ties break" in table
    assert "100.00 [60.97, 100.00]" in table


def test_rankings_of_different_galleries_are_one_line(tmp_path, assessed):
    split = make_split([1] * 6)
    write_split(tmp_path / "test.json", split)
    paths = [
        save_rankings(
            tmp_path / str(n) / "test.npz",
            np.eye(n, dtype=np.float32),
            split.first(n),
            split_sha256=split.sha256,
        )
        for n in (6, 5)
    ]
    assert_one_clear_line(assessed(paths), paths[1], "expected the gallery of", "without image 105")


@pytest.mark.parametrize(("option", "least"), [("--n_resamples", 2), ("--n_permutations", 1)])
def test_too_few_resamples_or_permutations_are_one_line(tmp_path, assessed, option, least):
    status = assessed(["a.npz"], option, str(least - 1))
    assert_one_clear_line(status, f"{option}: expected at least {least}, found {least - 1}")
    assert not (tmp_path / "significance.json").exists()


def test_a_gallery_of_one_image_is_one_line(tmp_path, assessed):
    split = make_split([2])
    write_split(tmp_path / "test.json", split)
    path = save_rankings(tmp_path / "clip" / "test.npz", np.zeros((1, 2), np.float32), split)
    assert_one_clear_line(assessed([path]), path, "at least 2 images to resample, found 1")


def test_of_many_models_the_metrics_are_told_and_the_tests_are_in_the_file():
    split = folds_split(2)
    models = [make_model(folds_scores(i, 2), split, f"model{i}") for i in range(5)]
    result = assess([models], QUICK)
    table = significance_table(result, "full", {"images": 6, "captions": 6})
    assert "model4: rsum" in table
    assert "the tests of 10 pairs of models are in the file alone" in table
    assert "against" not in table
    assert len(significance_to_json(result)["pairs"]) == 10
