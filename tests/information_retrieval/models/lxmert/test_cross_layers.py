"""Compiled and rounded cross layers against those that are neither."""

import shutil

import numpy as np
import pytest
import torch
from torch._dynamo.utils import counters

from information_retrieval.models.lxmert.cross_layers import BlockOptions, with_cross_layers
from information_retrieval.models.lxmert.encoded_gallery import (
    EncodedGallery,
    encode_captions,
    encode_images,
)
from information_retrieval.scoring.all_pairs import score_all
from tests.conftest import FEATURE_DIM, N_REGIONS, make_lxmert

TOLERANCE = 1e-5
LENGTHS = (3, 3, 5, 5, 5, 7, 36, 9, 9)
N_IMAGES = 5
# Of the states after attention, of the inside of a feed-forward, and of its end.
GRAPHS = 3


@pytest.fixture
def compiler():
    """Skips where torch cannot compile; forgets what was compiled before."""
    if shutil.which("g++") is None:
        pytest.skip("needs a C++ compiler: there is no g++")
    torch._dynamo.reset()
    counters.clear()


def scores(model, dtype=torch.float32, **options) -> np.ndarray:
    """(N_IMAGES, captions of `LENGTHS`) scores of random regions and captions."""
    generator = torch.Generator().manual_seed(0)
    token_ids = [torch.randint(5, 30, (n,), generator=generator).tolist() for n in LENGTHS]
    feats = torch.randn(N_IMAGES, N_REGIONS, FEATURE_DIM, generator=generator)
    regions = feats, torch.rand(N_IMAGES, N_REGIONS, 4, generator=generator)
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        vision, groups = encode_images(model, [regions]), encode_captions(model, token_ids, 4)
    gallery = EncodedGallery(model, vision, groups, dtype, BlockOptions(**options))
    return score_all(gallery, gallery.column_blocks, N_IMAGES, len(LENGTHS), show_progress=False)


@pytest.mark.long
def test_compiled_scores_are_those_of_the_eager_layers_and_no_length_compiles_again(compiler):
    model = make_lxmert(x_layers=3)
    expected = scores(model)
    assert expected.std() > 0.05
    with torch._dynamo.config.patch(error_on_recompile=True):
        found = scores(model, compile=True)
    assert 0 < np.abs(found - expected).max() < TOLERANCE
    assert counters["stats"]["unique_graphs"] == GRAPHS


def test_hidden_states_kept_rounded_cost_twice_the_error_at_most(compiler):
    model = make_lxmert()
    exact = scores(model)
    error = np.abs(scores(model, torch.bfloat16) - exact).max()
    kept = scores(model, torch.bfloat16, keep_rounded=True)
    assert error < np.abs(kept - exact).max() < 4 * error
    on_grid = torch.from_numpy(kept).bfloat16().float().numpy() == kept
    assert on_grid.mean() < 0.2, "the head computes in float32"
    assert np.abs(scores(model, torch.float16, keep_rounded=True) - exact).max() < error


def test_a_float32_model_kept_rounded_has_the_same_scores():
    model = make_lxmert()
    np.testing.assert_array_equal(scores(model, keep_rounded=True), scores(model))


@pytest.mark.parametrize(("images", "pairs"), [(1, 1), (3, 64), (None, 7)])
def test_the_size_of_a_block_does_not_change_the_scores(images, pairs):
    model = make_lxmert()
    found = scores(model, images=images, pairs=pairs)
    np.testing.assert_allclose(found, scores(model), atol=TOLERANCE)


def test_the_model_stays_as_it_is_and_shares_all_but_its_cross_layers():
    model = make_lxmert()
    own = {name for name, _ in model.named_parameters() if ".x_layers." in name}
    before = {name: id(parameter) for name, parameter in model.named_parameters()}
    rounded = with_cross_layers(model, torch.bfloat16, BlockOptions(keep_rounded=True))
    for name, parameter in rounded.named_parameters():
        assert (id(parameter) == before[name]) == (name not in own), name
        assert parameter.dtype == (torch.bfloat16 if name in own else torch.float32), name
    assert {name: id(p) for name, p in model.named_parameters()} == before
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert with_cross_layers(model, torch.bfloat16, BlockOptions()) is model
