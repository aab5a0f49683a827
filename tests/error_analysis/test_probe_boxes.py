"""The probe command on an X-VLM: where it sees what a hard caption says."""

import json
from pathlib import Path

import numpy as np
import pytest

from information_retrieval.models.checkpoint import weights_revision
from preprocess.captions.split_file import read_split
from tests.conftest import assert_one_clear_line, write_images_of
from tests.error_analysis.scored import save_rankings
from tests.information_retrieval.models.xvlm.tiny import save_xvlm


@pytest.fixture
def xvlm(data_dir, tmp_path) -> Path:
    write_images_of(data_dir, "test")
    return save_xvlm(tmp_path / "xvlm")


def xvlm_rankings(
    path: Path, data_dir: Path, checkpoint: Path, **metadata
) -> tuple[Path, np.ndarray]:
    """Rankings by chance that an X-VLM is said to have made."""
    split = read_split(data_dir / "test.json")
    shape = (len(split.images), len(split.captions))
    scores = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    weights = weights_revision(str(checkpoint))
    save_rankings(path, scores, split, weights=weights, **metadata)
    return path, scores


def test_hard_captions_get_boxes_in_their_own_image_and_in_the_first_wrong_one(
    probe, xvlm, data_dir, tmp_path, capsys
):
    path, scores = xvlm_rankings(tmp_path / "runs" / "test.npz", data_dir, xvlm)
    status, output = probe(xvlm, "--predict_boxes", "--rankings", path, "--hard_rank", 2)
    assert status == 0
    content = json.loads(output.read_text())
    split, ranks = read_split(data_dir / "test.json"), np.load(path)["t2i_ranks"]
    told = {query["caption_id"]: query for query in content["boxes"]}
    assert sorted(told) == split.caption_ids[ranks >= 2].tolist()
    assert [query["rank"] for query in content["boxes"]] == sorted(ranks[ranks >= 2])[::-1]
    for column in np.flatnonzero(ranks >= 2):
        query = told[split.caption_ids[column]]
        assert query["own"]["image_id"] == split.image_ids[split.caption_image_index[column]]
        # Hard: what stands first is wrong.
        assert query["wrong"]["image_id"] == split.image_ids[scores[:, column].argmax()]
        x1, y1, x2, y2 = query["own"]["box"]
        assert 0 <= x1 < x2 <= 1
        assert 0 <= y1 < y2 <= 1
    assert (content["hard_rank"], content["metadata"]["split_sha256"]) == (2, split.sha256)
    assert (
        f"boxes of {len(told)} captions of rank 2 or worse; the median box"
        in capsys.readouterr().out
    )


def test_without_rankings_an_xvlm_scores_the_gallery_first(probe, xvlm, data_dir):
    status, output = probe(xvlm, "--predict_boxes", "--hard_rank", 0)
    assert status == 0
    n_captions = len(read_split(data_dir / "test.json").captions)
    assert len(json.loads(output.read_text())["boxes"]) == n_captions


def test_a_model_without_a_box_head_or_rankings_of_another_are_one_clear_line(
    probe, xvlm, data_dir, tmp_path
):
    fine_tuned = save_xvlm(tmp_path / "fine_tuned", has_box_head=False)
    status, output = probe(fine_tuned, "--predict_boxes")
    assert_one_clear_line(status, fine_tuned, "has no box head", "give a pre-trained X-VLM")
    other = save_xvlm(tmp_path / "other", seed=1)
    path, _ = xvlm_rankings(tmp_path / "runs" / "test.npz", data_dir, other)
    status, output = probe(xvlm, "--predict_boxes", "--rankings", path)
    assert_one_clear_line(status, path, "rankings of another model")
    assert not output.exists()


def test_cosines_tell_which_captions_get_boxes_and_are_no_scores_to_probe_by(
    probe, xvlm, data_dir, tmp_path
):
    path, _ = xvlm_rankings(tmp_path / "runs" / "test.npz", data_dir, xvlm, score="itc")
    status, _ = probe(xvlm, "--negative_images", "--rankings", path)
    assert_one_clear_line(status, path, "made by cosines", "--score itm")
    assert probe(xvlm, "--predict_boxes", "--rankings", path)[0] == 0
