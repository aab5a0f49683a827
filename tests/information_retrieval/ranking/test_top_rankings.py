"""The file of top rankings: what it holds, and what is no such file."""

from dataclasses import replace

import numpy as np
import pytest

from information_retrieval.ranking.top_rankings import (
    TopRankings,
    read_top_rankings,
    write_top_rankings,
)
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split
from tests.conftest import make_split


def top_rankings(split: Split, k: int = 3, seed: int = 0) -> TopRankings:
    """Random top documents of every query of a split."""
    generator = np.random.default_rng(seed)
    n_images, n_captions = len(split.images), len(split.captions)
    captions = np.stack([generator.permutation(n_captions)[:k] for _ in range(n_images)])
    images = np.stack([generator.permutation(n_images)[:k] for _ in range(n_captions)])
    return TopRankings(
        captions=captions,
        images=images,
        caption_scores=generator.random(captions.shape, np.float32),
        image_scores=generator.random(images.shape, np.float32),
        image_ids=split.image_ids,
        caption_ids=split.caption_ids,
        metadata={"split_sha256": split.sha256, "top_k": k},
    )


def test_what_is_written_is_read(tmp_path):
    split = make_split(6)
    written = top_rankings(split)
    write_top_rankings(tmp_path / "top.npz", written)
    read = read_top_rankings(tmp_path / "top.npz", split)
    for name in ("captions", "images", "caption_scores", "image_scores", "image_ids"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    assert read.metadata == written.metadata


def test_rankings_of_another_split_are_refused(tmp_path):
    write_top_rankings(tmp_path / "top.npz", top_rankings(make_split(6)))
    with pytest.raises(InputError, match="belong to another split"):
        read_top_rankings(tmp_path / "top.npz", make_split(6, seed=1))


@pytest.mark.parametrize("size", [0, 10, 200, -1])
def test_a_truncated_file_is_refused(tmp_path, size):
    path, split = tmp_path / "top.npz", make_split(6)
    write_top_rankings(path, top_rankings(split))
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError, match=r"top\.npz: expected a \.npz of top rankings"):
        read_top_rankings(path, split)


def test_documents_that_are_no_positions_are_refused(tmp_path):
    path, split = tmp_path / "top.npz", make_split(6)
    good = top_rankings(split)
    for images in (good.images + 99, good.images[:-1], good.images.astype(np.float32)):
        write_top_rankings(path, replace(good, images=images))
        with pytest.raises(InputError, match="by position"):
            read_top_rankings(path, split)


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(InputError, match=r"no such file; .*rank_top"):
        read_top_rankings(tmp_path / "none.npz", make_split(3))
