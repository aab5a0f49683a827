"""What photographic negatives do to ranks."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from error_analysis.probing.negative_images import (
    changes_to_json,
    changes_to_text,
    query_changes,
    recall_drops,
    score_gallery,
)
from error_analysis.probing.probed_captions import ScoringModel
from error_analysis.queries.model_rankings import ModelRankings
from information_retrieval.models.gallery_images import photographic_negative
from information_retrieval.models.loading import EncoderOptions, GalleryFiles
from information_retrieval.ranking import protocols
from preprocess.base.errors import InputError
from preprocess.captions.split_file import read_split
from preprocess.storage.images_file import ImagesFile, write_images_file
from tests.conftest import save_clip, save_lxmert, write_images_of
from tests.error_analysis.scored import make_model, make_split, model_of_ranks, scores_with_ranks

BEFORE, AFTER = [0, 3, 12, 9, 0, 10, *[0] * 8], [11, 3, 0, 9.5, 5, 13, *[0] * 8]


def test_the_changes_are_those_counted_by_hand():
    images, negatives = model_of_ranks(BEFORE), model_of_ranks(AFTER)
    change = query_changes(images, negatives)["i2t"]
    assert change.before.tolist() == BEFORE
    assert change.after.tolist() == AFTER
    assert change.counts() == {
        "queries": 14,
        "hard": 2,
        "hard_on_negatives": 2,
        "became_hard": 1,
        "no_longer_hard": 1,
        "median_ranks_lost": 0,
    }
    content = changes_to_json(images, negatives)
    lost = content["points_lost"]
    assert lost["i2t_r1"] == pytest.approx(100 * (10 - 9) / 14)
    assert lost == recall_drops(images.metrics(), negatives.metrics())
    first, *_, last = content["queries"]["i2t"]
    assert first == {"image_id": 100, "rank": 0, "rank_on_negatives": 11}
    assert last == {"image_id": 102, "rank": 12, "rank_on_negatives": 0}
    assert content["queries"]["t2i"][0]["query"].startswith("caption ")
    assert "i2t: of 14 queries 2 are hard, 2 on negatives (1 became hard" in changes_to_text(
        images, negatives
    )


def test_under_5fold_ranks_are_counted_in_each_fold(monkeypatch):
    monkeypatch.setattr(protocols, "FOLD_IMAGES", 2)
    monkeypatch.setattr(protocols, "GALLERY_IMAGES", {"1k": 2, "5fold": 10, "5k": 10})
    scores = scores_with_ranks([9] * 10)
    model = make_model(scores, make_split([1] * 10))
    model.rankings.metadata["protocol"] = "5fold"
    assert query_changes(model, model)["i2t"].before.tolist() == [1] * 10


def scoring_model(checkpoint, data_dir) -> ScoringModel:
    files = GalleryFiles(data_dir / "test_features.h5", data_dir / "test_images.h5")
    options = EncoderOptions(torch.float32, 4, 0, show_progress=False)
    return ScoringModel(str(checkpoint), files, torch.device("cpu"), options)


def test_the_scores_on_negatives_are_those_of_images_that_were_negated_beforehand(
    data_dir, tmp_path
):

    write_images_of(data_dir, "test")
    gallery = read_split(data_dir / "test.json")
    model = scoring_model(save_clip(tmp_path / "clip"), data_dir)
    negatives = score_gallery(gallery, model, negatives=True)
    images = ImagesFile(data_dir / "test_images.h5")
    encoded = []
    for image_id in gallery.image_ids.tolist():
        file = io.BytesIO()
        Image.fromarray(photographic_negative(images.read(image_id))).save(file, "PNG")
        encoded.append(file.getvalue())
    (data_dir / "test_images.h5").unlink()
    write_images_file(data_dir / "test_images.h5", gallery.image_ids, encoded)
    negated = score_gallery(gallery, model, negatives=False)
    np.testing.assert_allclose(negatives.scores, negated.scores, atol=1e-5)
    assert negatives.metadata["negative_images"] == "True"
    assert isinstance(ModelRankings("m", tmp_path, gallery, negated).metrics(), dict)


def test_a_model_that_reads_no_images_is_refused(data_dir, tmp_path):
    model = scoring_model(save_lxmert(tmp_path / "lxmert"), data_dir)
    with pytest.raises(InputError, match="is an LXMERT, which reads features, not images"):
        score_gallery(read_split(data_dir / "test.json"), model, negatives=True)
