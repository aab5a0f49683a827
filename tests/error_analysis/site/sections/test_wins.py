import pytest

from error_analysis.comparison import main
from error_analysis.queries.model_rankings import read_model_rankings
from error_analysis.site.sections.failures import find_failures
from error_analysis.site.sections.wins import find_wins, read_noise_floor
from error_analysis.statistics.win_counts import count_wins
from preprocess.base.errors import InputError
from preprocess.captions.split_file import read_split
from tests.error_analysis.site.sections.drawn import drawn, text_of
from tests.error_analysis.site.sections.written import other_scores, rewrite, write_rankings
from tests.error_analysis.small_folds import save_folds


@pytest.fixture
def written(tmp_path):
    return write_rankings(tmp_path)


@pytest.fixture
def comparison(written, run_main):
    return written.output_of(run_main, main, "--noise", *written.paths)


def test_the_noise_floor_stands_beside_the_wins(written, comparison):
    models = written.models()
    noise = read_noise_floor(comparison, models)
    assert noise.in_folds == ()
    assert [one.counts["i2t"] for one in noise.counted] == [1, 1]
    [expected, _] = count_wins([models])
    assert noise.counted[0].intervals == expected.intervals
    wins = find_wins(models, noise)
    text = text_of(drawn("failures", find_failures(models, 10, noise), models))
    assert wins.counted[0].counts["i2t"] == 1  # query 1, ranks 0 and 13
    assert "Noise floor: two runs of one model" in text
    assert f"{written.paths[0]} beats {written.paths[1]}" in text


def test_a_file_without_a_noise_floor_adds_nothing(written, run_main):
    assert read_noise_floor(written.output_of(run_main, main), written.models()) is None


def test_the_file_may_be_of_some_of_the_models(written, comparison):
    assert read_noise_floor(comparison, written.models("b")) is not None


@pytest.mark.usefixtures("small_folds")
def test_of_folds_the_models_are_counted_in_folds_too(tmp_path, run_main):
    paths = save_folds(tmp_path, "a", "b")
    options = ["--rankings", *paths, "--split_file", tmp_path / "test.json", "--noise", *paths]
    path = tmp_path / "comparison.json"
    assert run_main(main, *options, "--output", path) == 0
    models = read_model_rankings(paths, read_split(tmp_path / "test.json"))
    noise = read_noise_floor(path, models)
    assert [(one.better, one.worse) for one in noise.in_folds] == [("a", "b"), ("b", "a")]
    assert [one.counts for one in noise.in_folds] == [one.counts for one in noise.counted]
    text = text_of(drawn("failures", find_failures(models, 10, noise), models))
    assert "in five folds of the gallery" in text


def test_a_file_of_other_rankings_is_refused(written, comparison):
    other_scores(written)
    with pytest.raises(InputError, match=r"a/test.npz, named a, found other rankings"):
        read_noise_floor(comparison, written.models())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c["metadata"].pop("counts"), "not a file of `python -m error_analysis.compari"),
        (lambda c: c["metadata"]["counts"][0].update(wins_interval=[1, 2]), "not a file of"),
        (lambda c: c.clear(), "not a file of"),
        (lambda c: c["metadata"].update(rule="x < y"), "without --max_rank and --margin"),
        (lambda c: c["metadata"]["models"][0]["gallery"].update(images=7), "found other rankings"),
        (lambda c: c["metadata"]["models"].clear(), r"other rankings, or a part .*\(no model\)"),
        (lambda c: c["metadata"]["counts"][0].update(i2t=9), "found other rankings"),
    ],
)
def test_a_file_that_is_none_is_one_line(written, comparison, change, told):
    with pytest.raises(InputError, match=told) as error:
        read_noise_floor(rewrite(comparison, change), written.models())
    assert str(error.value).startswith(str(comparison))
    assert "\n" not in str(error.value)
