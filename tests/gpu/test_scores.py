"""Scores on a GPU are those of the CPU, for each kind of model."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from information_retrieval.models.loaded_gallery import EncoderOptions, GalleryFiles
from information_retrieval.models.loading import load_gallery
from information_retrieval.scoring.all_pairs import score_all
from tests.conftest import make_split, save_clip, save_lxmert, write_features
from tests.image_readers import save_image_reader, write_images_of_sizes

pytestmark = pytest.mark.gpu

TOLERANCE = 1e-4  # of a score, relative to the deviation of scores; float32, without TF32
KINDS = ("lxmert", "clip", "vilt", "blip", "xvlm")
SPLIT = make_split(6, "test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A checkpoint of each kind, and what they read."""
    folder = tmp_path_factory.mktemp("scores")
    write_features(folder / "features.h5", SPLIT)
    write_images_of_sizes(folder, SPLIT)
    save_lxmert(folder / "lxmert", x_layers=3)
    save_clip(folder / "clip")
    for kind in ("vilt", "blip", "xvlm"):
        save_image_reader(folder / kind, kind)
    return folder


def scores(folder: Path, kind: str, device: torch.device, dtype=torch.float32, **options):
    """(n_images, n_captions) scores as evaluation computes them."""
    files = GalleryFiles(folder / "features.h5", folder / "images.h5")
    encoder = EncoderOptions(dtype, batch_size=4, num_workers=0, show_progress=False, **options)
    loaded = load_gallery(str(folder / kind), SPLIT, files, device, encoder)
    n_images, n_captions = len(SPLIT.images), len(SPLIT.captions)
    scorer = loaded.encode(np.arange(n_images))
    return score_all(scorer, loaded.column_blocks, n_images, n_captions, show_progress=False)


@pytest.fixture
def exact(folder):
    return lambda kind: scores(folder, kind, torch.device("cpu"))


@pytest.mark.parametrize("kind", KINDS)
def test_float32_scores_are_those_of_the_cpu(card, folder, exact, kind):
    expected = exact(kind)
    assert expected.std() > 0.003
    found = scores(folder, kind, card)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * expected.std())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("dtype", "most"), [(torch.bfloat16, 0.5), (torch.float16, 0.1)], ids=["bfloat16", "float16"]
)
def test_half_precision_is_near_and_ties_nothing(card, folder, exact, kind, dtype, most):
    expected, found = exact(kind), scores(folder, kind, card, dtype)
    assert np.abs(found - expected).max() < most * expected.std()
    on_grid = torch.from_numpy(found).to(dtype).float().numpy() == found
    assert on_grid.mean() < 0.3


def test_compiled_scores_are_the_eager_ones(card, folder, exact):
    if shutil.which("g++") is None:
        pytest.skip("needs a C++ compiler: there is no g++")
    torch._dynamo.reset()
    expected = exact("lxmert")
    with torch._dynamo.config.patch(error_on_recompile=True):
        found = scores(folder, "lxmert", card, compile=True)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * expected.std())
