"""Protocols of 12 images a fold in place of 1,000, so that a test can have five of them."""

import pytest

from information_retrieval.ranking import protocols
from tests.error_analysis.small_folds import FOLD, N_IMAGES


@pytest.fixture
def small_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    """1k takes 12 images, and 5fold and 5k take 60."""
    monkeypatch.setattr(protocols, "FOLD_IMAGES", FOLD)
    for name, n_images in (("1k", FOLD), ("5fold", N_IMAGES), ("5k", N_IMAGES)):
        monkeypatch.setitem(protocols.GALLERY_IMAGES, name, n_images)
