"""Top rankings of a split: those of its full score matrix, which is never kept."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from information_retrieval.evaluate import main as evaluate_main
from information_retrieval.rank_top import main
from information_retrieval.ranking.rankings import read_rankings
from information_retrieval.ranking.top_rankings import read_top_rankings
from preprocess.captions.split_file import read_split
from preprocess.storage.images_file import write_images_file
from tests.conftest import assert_one_clear_line, save_clip, save_lxmert, write_images_of
from tests.information_retrieval.models.sx3hre.tiny import save_sx3hre
from tests.information_retrieval.models.xvlm.tiny import save_xvlm


@pytest.fixture
def clip(tmp_path, data_dir):
    write_images_of(data_dir, "train")
    return save_clip(tmp_path / "clip")


@pytest.fixture
def rank_top(data_dir, tmp_path, run_main):
    """Rank the tiny training split with a checkpoint; gives the status and the output path."""
    output = tmp_path / "runs" / "top.npz"

    def run(checkpoint, *options):
        arguments = ["--model_name_or_path", checkpoint, "--data_dir", data_dir]
        return run_main(main, *arguments, "--device", "cpu", "--output", output, *options), output

    return run


def full_scores(checkpoint, data_dir, tmp_path, run_main) -> np.ndarray:
    """What the evaluation command scores, (n_images, n_captions)."""
    output = tmp_path / "evaluation" / "train.npz"
    arguments = ["--model_name_or_path", checkpoint, "--data_dir", data_dir, "--split", "train"]
    arguments += ["--protocol", "full", "--output", output]
    assert run_main(evaluate_main, *arguments) == 0
    return read_rankings(output, read_split(data_dir / "train.json")).scores


def best_first(scores: np.ndarray, k: int) -> np.ndarray:
    """The slow truth: of each row, ties by position."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize("kind", ["clip", "lxmert", "xvlm", "sx3hre"])
@pytest.mark.parametrize("k", [3, 1000])
def test_the_top_documents_are_those_of_the_full_matrix(
    rank_top, clip, data_dir, tmp_path, run_main, kind, k
):
    makers = {"clip": lambda _: clip, "lxmert": save_lxmert, "xvlm": save_xvlm}
    makers["sx3hre"] = save_sx3hre
    checkpoint = makers[kind](tmp_path / kind)
    status, output = rank_top(checkpoint, "--top_k", k)
    assert status == 0
    split = read_split(data_dir / "train.json")
    top = read_top_rankings(output, split)
    scores = full_scores(checkpoint, data_dir, tmp_path, run_main)
    # A k beyond the gallery keeps all of it.
    assert top.captions.shape == (len(split.images), min(k, len(split.captions)))
    assert top.images.shape == (len(split.captions), min(k, len(split.images)))
    np.testing.assert_array_equal(top.captions, best_first(scores, k))
    np.testing.assert_array_equal(top.images, best_first(scores.T, k))
    found = np.take_along_axis(scores, top.captions, axis=1)
    np.testing.assert_allclose(top.caption_scores, found, rtol=1e-6)
    assert top.metadata["top_k"] == k
    assert top.metadata["model"] == str(checkpoint)


def test_an_xvlm_ranks_by_its_cosines_where_that_is_asked(rank_top, clip, data_dir, tmp_path):
    checkpoint = save_xvlm(tmp_path / "xvlm")
    status, output = rank_top(checkpoint, "--top_k", 4, "--score", "itc")
    assert status == 0
    top = read_top_rankings(output, read_split(data_dir / "train.json"))
    assert top.metadata["score"] == "itc"
    assert np.abs(top.caption_scores).max() <= 1 + 1e-6
    status, _ = rank_top(clip, "--score", "itc")
    assert_one_clear_line(status, "--score itc: for an X-VLM", "is a clip model")


def test_equal_scores_are_ranked_by_position(rank_top, clip, data_dir):
    split = read_split(data_dir / "train.json")
    (data_dir / "train_images.h5").unlink()
    same = (data_dir / "images" / split.images[0].file_name).read_bytes()
    write_images_file(data_dir / "train_images.h5", split.image_ids, [same] * len(split.images))
    status, output = rank_top(clip, "--top_k", 5)
    assert status == 0
    top = read_top_rankings(output, split)
    # On several threads the scores of equal images may differ in their last bits.
    assert (np.diff(top.image_scores) == 0).any()
    for images, scores in zip(top.images, top.image_scores, strict=True):
        assert np.lexsort((images, -scores)).tolist() == list(range(5))


def test_the_file_of_another_command_is_kept(rank_top, clip, tmp_path):
    output = tmp_path / "runs" / "top.npz"
    output.parent.mkdir()
    np.savez(output, labels=np.arange(3))
    before = output.read_bytes()
    status, _ = rank_top(clip)
    assert_one_clear_line(status, output, "another command wrote it")
    assert output.read_bytes() == before


def test_its_own_file_is_written_anew(rank_top, clip, data_dir):
    assert rank_top(clip, "--top_k", 2)[0] == 0
    status, output = rank_top(clip, "--top_k", 4)
    assert status == 0
    assert read_top_rankings(output, read_split(data_dir / "train.json")).captions.shape[1] == 4


def test_scores_that_are_nan_are_one_line(rank_top, clip):
    weights = load_file(clip / "model.safetensors")
    weights["visual_projection.weight"].fill_(torch.nan)
    save_file(weights, clip / "model.safetensors", metadata={"format": "pt"})
    status, output = rank_top(clip)
    assert_one_clear_line(status, "nan")
    assert not output.exists()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--top_k", 0], "--top_k: expected at least 1, found 0"),
        (["--batch_size", 0], "--batch_size: expected at least 1, found 0"),
        (["--output", "top.json"], "ends in .npz"),
        (["--split", "none"], "none.json"),
    ],
)
def test_impossible_options_are_one_line(rank_top, clip, options, line):
    status, output = rank_top(clip, *options)
    assert_one_clear_line(status, line)
    assert not output.exists()
