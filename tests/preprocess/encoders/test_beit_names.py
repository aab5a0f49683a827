"""BEiT-2's names in three layouts, what its shapes tell, and what is no BEiT-2."""

import pytest
import torch

from preprocess.base.errors import InputError
from preprocess.encoders.beit_names import beit_config, kind_of, renamed
from tests.preprocess.encoders.tiny_beit import published_shapes, published_state

OLD_HF = {  # of BeitModel before transformers 5, by its names of today
    ".relative_position_bias.relative": ".attention.attention.relative_position_bias.relative",
    "layers.": "encoder.layer.",
    "shared_position_bias.": "encoder.relative_position_bias.",
    "attention.o_proj.": "attention.output.dense.",
    "attention.q_proj.": "attention.attention.query.",
    "attention.k_proj.": "attention.attention.key.",
    "attention.v_proj.": "attention.attention.value.",
    "mlp.fc1.": "intermediate.dense.",
    "mlp.fc2.": "output.dense.",
}


def old_name(name: str) -> str:
    for new, old in OLD_HF.items():
        name = name.replace(new, old)
    return name


@pytest.mark.parametrize("fine_tuned", [False, True])
def test_names_of_all_three_layouts_are_those_of_a_beit_model(fine_tuned):
    published = renamed(published_state(fine_tuned=fine_tuned))
    again = renamed(published)
    old = renamed({f"beit.{old_name(name)}": value for name, value in published.items()})
    assert published.keys() == again.keys() == old.keys()
    for name, value in published.items():
        assert torch.equal(value, old[name])


def test_what_only_pretraining_or_classification_needs_is_left_out():
    state = published_state() | {"head.weight": torch.ones(2)}
    left = {
        name for name in state if not name.startswith(("blocks.", "norm", "cls_token", "patch"))
    }
    assert {name.partition(".")[0] for name in left} == {
        "mask_token",
        "rel_pos_bias",
        "lm_head",
        "cls_pt_layers",
        "head",
    }
    kept = {name: value for name, value in state.items() if name not in left}
    kept["rel_pos_bias.relative_position_bias_table"] = torch.zeros(28, 3)
    assert renamed(state).keys() == renamed(kept).keys()


def test_query_key_and_value_are_the_rows_in_this_order():
    state = published_state()
    weights = renamed(state)
    qkv = state["blocks.1.attn.qkv.weight"]
    for number, part in enumerate("qkv"):
        rows = qkv[24 * number : 24 * (number + 1)]
        assert torch.equal(weights[f"layers.1.attention.{part}_proj.weight"], rows)
    assert torch.equal(weights["layers.1.attention.q_proj.bias"], state["blocks.1.attn.q_bias"])
    assert "layers.1.attention.k_proj.bias" not in weights


def test_two_weights_of_one_name_are_refused():
    state = published_state() | {"module.norm.weight": torch.ones(24)}
    with pytest.raises(InputError, match=r"two weights of the file are layernorm\.weight"):
        renamed(state)


@pytest.mark.parametrize("fine_tuned", [False, True])
def test_the_shapes_tell_the_configuration_and_the_defaults_that_bite_are_not_left(fine_tuned):
    weights = renamed(published_state(fine_tuned=fine_tuned))
    kind = kind_of(weights)
    assert kind == ("fine_tuned" if fine_tuned else "self_supervised")
    config = beit_config(weights, kind)
    assert (config.hidden_size, config.num_attention_heads, config.num_hidden_layers) == (24, 3, 2)
    assert (config.intermediate_size, config.patch_size, config.image_size) == (96, 8, 24)
    assert (config.layer_norm_eps, config.drop_path_rate) == (1e-6, 0)
    assert config.use_mean_pooling == config.use_relative_position_bias == fine_tuned
    assert config.use_shared_relative_position_bias == (not fine_tuned)
    assert not config.use_absolute_position_embeddings
    assert config.image_vector == ("mean_of_patches" if fine_tuned else "cls")


def test_the_published_size_is_told_by_its_shapes():
    shapes = published_shapes(width=768, heads=12, blocks=12, patch=16, grid=14)
    assert shapes["rel_pos_bias.relative_position_bias_table"] == (732, 12)
    weights = renamed({name: torch.empty(shape, device="meta") for name, shape in shapes.items()})
    config = beit_config(weights, kind_of(weights))
    assert (config.image_size, config.num_hidden_layers, config.intermediate_size) == (
        224,
        12,
        3072,
    )


def without(state: dict, *beginnings: str) -> dict:
    return {name: value for name, value in state.items() if not name.startswith(beginnings)}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (without(published_state(), "norm."), "expected weights of BEiT-2"),
        (without(published_state(), "rel_pos_bias."), "expected weights of BEiT-2"),
        ({"conv1.weight": torch.ones(3)}, r"found conv1\.weight"),
        ({}, "found none"),
        (
            without(published_state(), "norm.") | {"fc_norm.weight": torch.ones(24)},
            "without their final norm",
        ),
    ],
)
def test_what_is_neither_kind_is_refused(state, said):
    with pytest.raises(InputError, match=said):
        kind_of(renamed(state))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rel_pos_bias.relative_position_bias_table": torch.zeros(30, 3)}, "no square of patches"),
        ({"rel_pos_bias.relative_position_bias_table": torch.zeros(28, 5)}, "5 heads"),
        ({"rel_pos_bias.relative_position_bias_table": torch.zeros(28)}, "expected 2 axes"),
        ({"blocks.0.mlp.fc1.weight": None}, r"layers\.0\.mlp\.fc1\.weight is missing"),
    ],
)
def test_shapes_that_tell_no_configuration_are_refused(changed, said):
    state = published_state() | changed
    weights = renamed({name: value for name, value in state.items() if value is not None})
    with pytest.raises(InputError, match=said):
        beit_config(weights, "self_supervised")
