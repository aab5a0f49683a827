"""Embeddings by a small CLIP, each at the image and the sentence it is of."""

import numpy as np
import pytest
import torch

from captioning.metrics.clip_embeddings import embed
from captioning.metrics.clip_score import clip_scores, ref_clip_scores, reference_similarities
from information_retrieval.models.loaded_gallery import EncoderOptions
from preprocess.base.errors import InputError
from preprocess.captions.split_file import read_split
from tests.conftest import save_clip, save_lxmert, write_images_of

SYSTEMS = [["a cat", "a dog on a house", ""], ["two", "the tree", "red"]]
REFERENCES = [["cat", "a big cat"], ["dog"], ["a", "b", "c d"]]
CPU = torch.device("cpu")


@pytest.fixture
def images(data_dir):
    write_images_of(data_dir, "test")
    return data_dir / "test_images.h5", read_split(data_dir / "test.json").image_ids[[4, 0, 2]]


def test_each_sentence_is_encoded_with_the_prefix_and_at_its_place(tmp_path, images):
    name = str(save_clip(tmp_path / "clip"))
    found = embed(name, *images, SYSTEMS, REFERENCES, EncoderOptions(batch_size=2), CPU)
    assert [len(own) for own in found.references] == [2, 1, 3]
    # The same one by one.
    for row in range(3):
        path, ids = images
        alone = embed(
            name,
            path,
            ids[[row]],
            [[own[row]] for own in SYSTEMS],
            REFERENCES[row : row + 1],
            EncoderOptions(),
            CPU,
        )
        np.testing.assert_allclose(found.images[row], alone.images[0], atol=1e-5)
        np.testing.assert_allclose(found.references[row], alone.references[0], atol=1e-5)
        for own, one in zip(found.systems, alone.systems, strict=True):
            np.testing.assert_allclose(own[row], one[0], atol=1e-5)
    scores = found.scores(1)
    own = clip_scores(found.images, found.systems[1])
    near = reference_similarities(found.systems[1], found.references)
    np.testing.assert_allclose(scores["CLIPScore"], own)
    np.testing.assert_allclose(scores["RefCLIPScore"], ref_clip_scores(own, near))
    assert found.warnings == []


def test_long_captions_are_cut_and_told(tmp_path, images):
    name = str(save_clip(tmp_path / "clip"))
    long = [["a " * 18_000, "b", "c"]]
    found = embed(name, *images, long, REFERENCES, EncoderOptions(), CPU)
    assert "1 of 9 captions have more than the model's 77 tokens" in found.warnings[0]


def test_a_cross_encoder_is_refused_in_a_line(tmp_path, images):
    name = str(save_lxmert(tmp_path / "lxmert"))
    with pytest.raises(InputError, match=r"expected a dual encoder.*found a model of type lxmert"):
        embed(name, *images, SYSTEMS, REFERENCES, EncoderOptions(), CPU)
