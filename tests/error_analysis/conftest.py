"""What tests of several files share: a browser, protocols of few images, the probe command."""

import pytest

from error_analysis.probe import main as probe_main
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


@pytest.fixture
def probe(data_dir, tmp_path, run_main):
    """Probe a checkpoint on the tiny test split; gives the status and the output path."""
    output = tmp_path / "probed" / "probe.json"

    def run(checkpoint, *options):
        arguments = ["--model_name_or_path", checkpoint, "--data_dir", data_dir]
        return run_main(probe_main, *arguments, "--output", output, *options), output

    return run
