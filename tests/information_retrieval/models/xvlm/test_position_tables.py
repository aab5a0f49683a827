"""Tables of relative positions, resized as the published code resizes them."""

import numpy as np
import pytest

from information_retrieval.models.xvlm.position_tables import resize_table
from preprocess.base.errors import InputError


@pytest.mark.parametrize(("old", "new"), [(7, 12), (7, 15), (12, 15), (12, 7)])
def test_tables_of_the_official_sizes_are_the_official_ones(reference, old, new):
    table = reference.seeded.uniform(f"table.{old}.{new}", ((2 * old - 1) ** 2, 4), 0.6)
    found = resize_table(table, new)
    np.testing.assert_array_equal(found, reference.arrays[f"table_{old}_to_{new}"])


def test_every_table_of_the_fine_tuned_model_is_the_official_one(reference, fine_tuned):
    weights = fine_tuned.state_dict()
    recorded = [name for name in reference.arrays.files if name.startswith("table_192::")]
    assert len(recorded) == 8
    for name in recorded:
        _, _, stage, _, block, *_ = name.split(".")
        ours = (
            f"vision_encoder.encoder.layers.{stage}.blocks.{block}.attention."
            "relative_position_bias.relative_position_bias_table"
        )
        np.testing.assert_allclose(weights[ours].numpy(), reference.arrays[name], atol=1e-6)


def test_a_table_of_the_same_window_stays():
    table = np.random.default_rng(0).normal(size=(49, 3)).astype(np.float32)
    np.testing.assert_array_equal(resize_table(table, 4), table)


def test_the_middle_stays_and_near_positions_keep_their_places():
    table = np.random.default_rng(0).normal(size=(169, 2)).astype(np.float32)
    old, new = table.reshape(13, 13, 2), resize_table(table, 12).reshape(23, 23, 2)
    np.testing.assert_allclose(new[11, 11], old[6, 6], atol=1e-6)
    np.testing.assert_allclose(new[10:13, 11], old[5:8, 6], atol=1e-6)


def test_each_head_is_resized_for_itself():
    table = np.random.default_rng(0).normal(size=(49, 3)).astype(np.float32)
    swapped = resize_table(table[:, [2, 0, 1]], 6)
    np.testing.assert_array_equal(swapped, resize_table(table, 6)[:, [2, 0, 1]])


@pytest.mark.parametrize("old", [1, 2])
def test_windows_of_one_or_two_tokens_are_too_small_to_be_resized(old):
    table = np.ones(((2 * old - 1) ** 2, 3), np.float32)
    with pytest.raises(InputError, match=f"windows of {old} x {old} tokens, .* to 4 x 4"):
        resize_table(table, 4)
    np.testing.assert_array_equal(resize_table(table, old), table)


@pytest.mark.parametrize("new", [1, 2])
def test_windows_of_three_tokens_or_more_are_resized_to_fewer(new):
    assert resize_table(np.ones((25, 3), np.float32), new).shape == ((2 * new - 1) ** 2, 3)
