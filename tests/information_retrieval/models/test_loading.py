"""A gallery made ready for a model: by its name, or for one that is loaded and being trained."""

from pathlib import Path

import numpy as np
import pytest
import torch

from information_retrieval.models import loading as scoring
from information_retrieval.models.checkpoint import load_model
from information_retrieval.models.loading import (
    EncoderOptions,
    GalleryFiles,
    gallery_for,
    load_gallery,
)
from information_retrieval.scoring.all_pairs import score_all
from preprocess.base.errors import InputError
from tests.conftest import make_split, save_clip, save_lxmert, write_features
from tests.image_readers import perturb, save_image_reader, write_images_of_sizes

SPLIT = make_split(5, "test")
CPU = torch.device("cpu")
KINDS = ["lxmert", "clip", "siglip", "vilt", "blip", "xvlm", "sx3hre"]


@pytest.fixture
def files(tmp_path):
    write_features(tmp_path / "features.h5", SPLIT)
    write_images_of_sizes(tmp_path, SPLIT)
    return GalleryFiles(tmp_path / "features.h5", tmp_path / "images.h5")


def saved(folder: Path, kind: str) -> str:
    makers = {"lxmert": save_lxmert, "clip": save_clip}
    make = makers.get(kind, lambda folder: save_image_reader(folder, kind))
    return str(make(folder / kind))


def options(**changes) -> EncoderOptions:
    return EncoderOptions(
        **{
            "dtype": torch.float32,
            "batch_size": 2,
            "num_workers": 0,
            "show_progress": False,
            **changes,
        }
    )


def scores(loaded, rows=None) -> np.ndarray:
    rows = np.arange(5) if rows is None else np.array(rows)
    shape = len(rows), len(SPLIT.captions)
    return score_all(loaded.encode(rows), loaded.column_blocks, *shape, show_progress=False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_model_is_scored_with_the_weights_that_it_has_then(tmp_path, files, kind):
    name = saved(tmp_path, kind)
    by_name = load_gallery(name, SPLIT, files, CPU, options())
    model = load_model(name)
    loaded = gallery_for(name, model, SPLIT, files, options())
    before = scores(loaded)
    np.testing.assert_array_equal(before, scores(by_name))
    torch.manual_seed(3)
    perturb(model)
    assert np.abs(scores(loaded) - before).max() > 1e-3
    np.testing.assert_array_equal(scores(by_name), before)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_loaded_by_name_is_identified_by_its_weights(tmp_path, files, kind):
    name = saved(tmp_path, kind)
    by_name = load_gallery(name, SPLIT, files, CPU, options()).identity
    loaded = gallery_for(name, load_model(name), SPLIT, files, options()).identity
    assert set(by_name) - set(loaded) == {"weights", "config_sha256"}
    assert loaded == {key: by_name[key] for key in loaded}
    assert loaded["gallery_sha256"] == SPLIT.sha256


@pytest.mark.parametrize("kind", KINDS)
def test_bands_of_images_are_scored_alone_as_with_others_to_the_last_bit(tmp_path, files, kind):
    loaded = load_gallery(saved(tmp_path, kind), SPLIT, files, CPU, options())
    scorer, band = loaded.encode(np.arange(5)), loaded.encode(np.array([2, 3]))
    for columns in loaded.column_blocks:
        np.testing.assert_array_equal(
            band.score(slice(0, 2), columns), scorer.score(slice(2, 4), columns)
        )


@pytest.mark.parametrize("kind", ["lxmert", "vilt", "blip", "xvlm"])
def test_the_blocks_of_cross_encoders_have_every_caption_once(tmp_path, files, kind):
    loaded = load_gallery(saved(tmp_path, kind), SPLIT, files, CPU, options())
    columns = np.concatenate(loaded.column_blocks)
    assert sorted(columns.tolist()) == list(range(len(SPLIT.captions)))


class Product:
    """Scores row * 100 + column."""

    def score(self, rows, columns):
        return np.add.outer(100.0 * np.arange(rows.start, rows.stop), columns).astype(np.float32)


def test_score_all_fills_the_whole_matrix_whatever_the_blocks(capsys):
    blocks = [np.array([4, 0]), np.array([1]), np.array([2, 3])]
    found = score_all(Product(), blocks, n_images=130, n_captions=5, show_progress=True)
    expected = np.add.outer(100.0 * np.arange(130), np.arange(5))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
    assert "650/650" in capsys.readouterr().err


def test_score_all_shows_nothing_unless_asked(capsys):
    score_all(Product(), iter([np.arange(3)]), 2, 3, show_progress=False)
    assert capsys.readouterr() == ("", "")


def test_compiled_scores_are_identified_and_the_eager_ones_as_before(tmp_path, files, monkeypatch):
    monkeypatch.setattr(scoring, "check_compiler", lambda device: None)
    name = saved(tmp_path, "lxmert")
    eager, compiled = (
        load_gallery(name, SPLIT, files, CPU, options(compile=choice)).identity
        for choice in (False, True)
    )
    assert compiled == {**eager, "compile": "True"}
    assert "compile" not in eager


@pytest.mark.parametrize("kind", ["clip", "vilt"])
def test_only_an_lxmert_is_compiled(tmp_path, files, kind):
    name = saved(tmp_path, kind)
    with pytest.raises(InputError, match=f"--compile: for an LXMERT; .* is a {kind} model"):
        load_gallery(name, SPLIT, files, CPU, options(compile=True))


def test_an_xvlm_compares_or_matches_as_it_is_asked_and_says_which(tmp_path, files):
    name = saved(tmp_path, "xvlm")
    itm, default, itc = (
        load_gallery(name, SPLIT, files, CPU, options(score=score))
        for score in ("itm", None, "itc")
    )
    assert (itm.identity["score"], itc.identity["score"]) == ("itm", "itc")
    assert default.identity == itm.identity
    cosines = scores(itc)
    assert np.abs(cosines).max() <= 1 + 1e-6
    assert np.abs(scores(default) - cosines).max() > 0.1
    assert len(itc.column_blocks) == 1


@pytest.mark.parametrize("kind", ["lxmert", "clip", "vilt", "blip"])
@pytest.mark.parametrize("score", ["itm", "itc"])
def test_a_model_of_one_kind_of_score_is_not_asked_for_another(tmp_path, files, kind, score):
    name = saved(tmp_path, kind)
    line = f"--score {score}: for an X-VLM, .* is a {kind} model: leave it out"
    with pytest.raises(InputError, match=line):
        load_gallery(name, SPLIT, files, CPU, options(score=score))
