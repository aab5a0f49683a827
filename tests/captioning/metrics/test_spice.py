"""SPICE asked of a program that stands in for it; each thing that may be missing is told."""

import json

import pytest

from captioning.metrics.java import NotComputedError
from captioning.metrics.spice import MODELS, spice_scores

SYSTEMS = [[["a", "dog"], ["two", "cats"]], [["a", "cat"], ["cats"]]]
REFERENCES = [[["a", "brown", "dog"]], [["cats"], ["two", "cats"]]]


@pytest.fixture
def corenlp(tmp_path):
    folder = tmp_path / "corenlp"
    folder.mkdir()
    (folder / MODELS).touch()
    return folder


def test_no_folder_named_is_told_with_the_option():
    with pytest.raises(NotComputedError, match="not downloaded here; name its folder by --corenlp"):
        spice_scores(SYSTEMS, REFERENCES, None)


def test_a_folder_without_the_models_is_told(tmp_path):
    with pytest.raises(NotComputedError, match=rf"--corenlp .*: found no {MODELS}"):
        spice_scores(SYSTEMS, REFERENCES, tmp_path)


def test_java_17_is_too_new(corenlp, make_java):
    with pytest.raises(NotComputedError, match=r"is Java 17, .* 8 to 11; name another by --java"):
        spice_scores(SYSTEMS, REFERENCES, corenlp, make_java("17.0.15"))


def test_scores_are_told_apart_by_system_and_image(corenlp, wheel, make_java, tmp_path):
    # In another order than asked.
    values = {"1/1": 0.4, "0/0": 0.1, "1/0": 0.3, "0/1": 0.2}
    told = [{"image_id": k, "scores": {"All": {"f": v}}} for k, v in values.items()]
    (tmp_path / "told.json").write_text(json.dumps(told))
    does = f'cp captions.json {tmp_path}/asked.json; cp {tmp_path}/told.json scores.json; echo "$@"'
    scores = spice_scores(SYSTEMS, REFERENCES, corenlp, make_java(does=does))
    assert [one.tolist() for one in scores] == [[0.1, 0.2], [0.3, 0.4]]
    asked = json.loads((tmp_path / "asked.json").read_text())
    assert asked[1] == {"image_id": "0/1", "test": "two cats", "refs": ["cats", "two cats"]}


def test_a_program_that_writes_nothing_is_told(corenlp, wheel, make_java):
    with pytest.raises(NotComputedError, match="wrote no scores"):
        spice_scores(SYSTEMS, REFERENCES, corenlp, make_java())


def test_a_program_that_leaves_an_image_out_is_told(corenlp, wheel, make_java):
    with pytest.raises(NotComputedError, match="did not score each image"):
        spice_scores(SYSTEMS, REFERENCES, corenlp, make_java(does="echo '[]' > scores.json"))
