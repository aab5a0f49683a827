"""What tests of several rooms share: a browser, and protocols of few images."""

import pytest

from information_retrieval.ranking import protocols
from tests.error_analysis.browser import open_browser
from tests.error_analysis.small_folds import FOLD, N_IMAGES


@pytest.fixture
def small_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    """1k takes 12 images, and 5fold and 5k take 60."""
    monkeypatch.setattr(protocols, "FOLD_IMAGES", FOLD)
    for name, n_images in (("1k", FOLD), ("5fold", N_IMAGES), ("5k", N_IMAGES)):
        monkeypatch.setitem(protocols.GALLERY_IMAGES, name, n_images)


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium, one for all tests of a file."""
    with open_browser() as browser:
        yield browser
