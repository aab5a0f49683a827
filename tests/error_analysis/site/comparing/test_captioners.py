import json

import numpy as np
import pytest

from error_analysis.queries.model_rankings import read_model_rankings
from error_analysis.site.comparing.captioners import read_captioners
from information_retrieval.ranking.metrics import recall_at_k
from preprocess.base.errors import InputError
from tests.error_analysis.scored import make_split, save_rankings
from tests.error_analysis.site.sections.drawn import drawn, text_of


def interval(value: float) -> dict:
    return {"value": value, "low": value - 1, "high": value + 2}


@pytest.fixture
def models(tmp_path):
    """One checkpoint, which scores in two ways."""
    split = make_split([2] * 12)
    scores = np.random.default_rng(0).random((2, 12, 24), np.float32)
    paths = [
        save_rankings(tmp_path / name / "test.npz", of_one, split, weights="sha256:1")
        for of_one, name in zip(scores, ("matching", "contrastive"), strict=True)
    ]
    return read_model_rankings(paths, split)


@pytest.fixture
def written(tmp_path, models):
    """Write what captioning.self_retrieval finds of a model, or of one that is not here."""

    def write(asked=None, captions="lstm/test_captions.json", name="found.json", **changed):
        human = {"r1": 1.0, "r5": 2.0, "r10": 3.0}
        if asked is not None:
            ranks = models[asked].query_ranks("t2i")
            human = {f"r{k}": recall_at_k(ranks, k) for k in (1, 5, 10)}
        metrics = {
            "human": {name: interval(value) for name, value in human.items()},
            "generated": {"r1": interval(40.25), "r5": interval(50), "r10": interval(60)},
        }
        content = {
            "metadata": {
                "model": "hub/model",
                "weights": "sha256:1",
                "dataset": models[0].gallery.dataset,
                "split": models[0].gallery.split,
                "captioner": "lstm",
                "files": {str(tmp_path / captions): "sha256", "test.json": "sha256"},
            },
            "images": 12,
            "metrics": metrics,
            "captions": {"generated": {"distinct_share": 0.75}},
            **changed,
        }
        path = tmp_path / name
        path.write_text(json.dumps(content))
        return path

    return write


def test_two_captioners_of_one_name_are_called_by_their_files(written, models, tmp_path):
    one, same = written(0, "lstm/a.json"), written(1, "lstm/a.json", "same.json")
    assert [c.captioner for c in read_captioners([one, same], models)] == ["lstm", "lstm"]
    other = written(0, "lstm/b.json", "other.json")
    called = [c.captioner for c in read_captioners([one, other], models)]
    assert called == [str(tmp_path / "lstm/a.json"), str(tmp_path / "lstm/b.json")]


def test_a_captioner_is_called_by_its_folder_and_the_asked_model_as_in_the_report(written, models):
    for asked, name in enumerate(("matching", "contrastive")):
        [found] = read_captioners([written(asked)], models)
        assert (found.captioner, found.model, found.is_shown) == ("lstm", name, True)
        assert (found.distinct, found.generated["r1"].value) == (75, 40.25)


def test_a_model_that_the_report_has_not_is_called_by_its_checkpoint(written, models):
    [found] = read_captioners([written()], models)
    assert (found.model, found.is_shown) == ("hub/model", False)


def test_the_table_has_recalls_by_both_captions(written, models):
    html = drawn("captioners", read_captioners([written(0), written()], models), models)
    told = text_of(html)
    assert "lstm" in told
    assert "75.0" in told
    assert "40.3 39.3–42.3 1.0 0.0–3.0" in told
    assert "hub/model" in told


def test_captions_of_other_images_and_other_files_are_one_line(written, models, tmp_path):
    with pytest.raises(InputError, match=r"split test, 12 images\), found others .* 5 images\)"):
        read_captioners([written(images=5)], models)
    content = json.loads(written(0).read_text())
    metadata = {**content["metadata"], "split": "val"}
    with pytest.raises(InputError, match=r"found others \(.*, split val, 12 images\)"):
        read_captioners([written(0, metadata=metadata)], models)
    path = tmp_path / "other.json"
    path.write_text('{"metadata": {}}')
    with pytest.raises(InputError, match=r"found another \(KeyError: 'metrics'\)"):
        read_captioners([path], models)
