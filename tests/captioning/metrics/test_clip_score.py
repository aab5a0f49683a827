"""CLIPScore and RefCLIPScore of toy embeddings."""

import numpy as np
import pytest

from captioning.metrics.clip_score import clip_scores, ref_clip_scores, reference_similarities


def test_cosines_below_zero_are_zero_and_others_stretched():
    images = np.array([[1, 0], [2, 0], [3, 0]])
    captions = np.array([[5, 0], [1, 1], [-1, 0.1]])
    np.testing.assert_allclose(clip_scores(images, captions), [2.5, 2.5 / 2**0.5, 0], rtol=1e-6)


def test_the_nearest_reference_counts_and_is_not_stretched():
    captions = np.array([[3.0, 0], [0, 1]])
    references = [np.array([[0, 1], [2, 0.0]]), np.array([[0, -4.0]])]
    np.testing.assert_allclose(reference_similarities(captions, references), [1, 0], atol=1e-6)


def test_the_harmonic_mean_of_nothing_is_nothing(recwarn):
    found = ref_clip_scores(np.array([1.5, 0, 0]), np.array([0.5, 0, 1]))
    assert found.tolist() == [0.75, 0, 0]
    assert not recwarn


def test_half_precision_is_normalised_in_single():
    embedding = np.full((1, 512), 60.0, np.float16)  # whose square is above what half can hold
    assert clip_scores(embedding, embedding) == pytest.approx([2.5], abs=1e-6)


def test_recorded_embeddings_have_the_recorded_scores(shared_data):
    recorded = np.load(shared_data / "captioning_reference" / "captioning_reference.npz")
    scores = clip_scores(recorded["clip_images"], recorded["clip_candidates"])
    near = reference_similarities(recorded["clip_candidates"], list(recorded["clip_references"]))
    np.testing.assert_allclose(scores, recorded["clipscore"], atol=1e-6)
    np.testing.assert_allclose(near, recorded["clip_reference_similarity"], atol=1e-6)
    np.testing.assert_allclose(ref_clip_scores(scores, near), recorded["refclipscore"], atol=1e-6)
