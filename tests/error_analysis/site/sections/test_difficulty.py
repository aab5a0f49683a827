import pytest

from error_analysis.difficulty import main
from error_analysis.site.sections.difficulty import Prediction, read_difficulty
from preprocess.base.errors import InputError
from tests.error_analysis.site.sections.drawn import drawn, text_of
from tests.error_analysis.site.sections.written import other_scores, rewrite, write_rankings

N = 8


def spread(mean, deviation=0.01):
    return {"mean": mean, "deviation": deviation, "folds": [mean]}


def learnt(hard: int, queries: int = 14) -> dict:
    weights = [
        {"feature": f"f<{i}>", "coefficient": spread(-1 + i / 4), "importance": spread(0.1 / 2**i)}
        for i in range(N)
    ]
    auc = {"logistic_regression": spread(0.8125), "boosted_trees": spread(0.7, 0.1)}
    return {"queries": queries, "hard": hard, "images": 14, "auc": auc, "weights": weights}


@pytest.fixture
def written(tmp_path):
    return write_rankings(tmp_path)


@pytest.fixture
def path(written, run_main):
    """The command's own file, in which so few queries teach nothing."""
    return written.output_of(run_main, main, "--no_rules")


def with_learnt(path, hard=2):
    """The same as if something had been learnt of the image queries of a, of which 2 are hard."""
    told = {"difficulty": learnt(hard), "too_few": None}
    return rewrite(path, lambda content: content["models"]["a"].update(i2t=told))


def test_too_few_hard_queries_are_said_to_be(written, path):
    models = written.models()
    found = read_difficulty(path, models)
    assert "2 of 14 queries, of 2 images, are hard: too few" in found.found["a"]["i2t"]
    assert "a, image queries 2 of 14 queries, of 2" in text_of(drawn("difficulty", found, models))


def test_the_most_important_features_are_shown_with_their_weights(written, path):
    models = written.models()
    difficulty = read_difficulty(with_learnt(path), models)
    found = difficulty.found["a"]["i2t"]
    assert isinstance(found, Prediction)
    assert [feature.name for feature in found.features] == [f"f<{i}>" for i in range(6)]
    assert (found.n_features, found.reach("coefficient"), found.reach("importance")) == (8, 1, 0.1)
    html = drawn("difficulty", difficulty, models)
    text = text_of(html)
    assert "a, image queries: AUC 0.81 ± 0.01 (logistic regression), 0.70 ± 0.10 (trees)" in text
    assert "2 of 14 hard; the 6 most important of 8 features" in text
    assert "f<1> -0.75 ± 0.01 0.050 ± 0.010" in text
    assert "f<4> 0.00 ± 0.01" in text
    # A coefficient of -1 fills the left half of its track, one of 0.25 an eighth right of it.
    assert "--start:0.000;--end:0.500" in html
    assert "--start:0.500;--end:0.625" in html


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c.pop("models"), "not a file of `python -m error_analysis.difficulty`"),
        (lambda c: c["metadata"]["rules"].update(hard="all"), "not a file of"),
        (lambda c: c["models"]["a"].update(i2t={"difficulty": learnt(3)}), "other rankings"),
        (lambda c: c["models"]["a"].update(i2t={"difficulty": learnt(2, 15)}), "other rankings"),
        (lambda c: c["metadata"]["models"][1].update(protocol="1k"), "other rankings"),
    ],
)
def test_a_file_of_others_or_none_is_one_line(written, path, change, told):
    with pytest.raises(InputError, match=told):
        read_difficulty(rewrite(path, change), written.models())


def test_rankings_that_were_made_anew_are_noticed(written, path):
    with_learnt(path)
    other_scores(written)
    with pytest.raises(InputError, match=r"a/test.npz, named a, found other rankings"):
        read_difficulty(path, written.models())
