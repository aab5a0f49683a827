"""BEiT-2's weights by the names of HF's `BeitModel`, and the configuration that their shapes tell.

Names of three layouts are taken: those of the published files, which timm has as well; those of
`BeitModel`; and those that it had before transformers 5.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import BeitConfig

from preprocess.base.errors import InputError
from preprocess.encoders.towers import CLS, MEAN_OF_PATCHES

Kind = Literal["self_supervised", "fine_tuned"]
TABLE = "relative_position_bias_table"
SHARED_TABLE, FIRST_TABLE = (
    f"shared_position_bias.{TABLE}",
    f"layers.0.relative_position_bias.{TABLE}",
)
FINAL_NORM, POOLED_NORM = "layernorm.weight", "pooler.layernorm.weight"
LAYER_NORM_EPS = 1e-6  # HF's default is another, 1e-12
OUTER = re.compile(r"^(module\.|beit\.)+")  # of data-parallel training, of HF's models with a head
# Heads of pre-training and of other tasks, the token of masked patches, and what follows from the
# configuration.
IGNORED = re.compile(
    r"^(lm_head|cls_pt_layers|head|classifier|decode_head|auxiliary_head|fpn\d?)\."
    r"|(^|\.)(mask_token|relative_position_index)$"
)
RENAMED = (
    (r"^cls_token$", "embeddings.cls_token"),
    (r"^patch_embed\.proj\.", "embeddings.patch_embeddings.projection."),
    (r"^(rel_pos_bias|encoder\.relative_position_bias)\.", "shared_position_bias."),
    (r"^(blocks|encoder\.layer)\.", "layers."),
    (r"^norm\.", "layernorm."),
    (r"^fc_norm\.", "pooler.layernorm."),
    (r"\.gamma_(\d)$", r".lambda_\1"),
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
    (r"\.attn\.proj\.|\.attention\.output\.dense\.", ".attention.o_proj."),
    (r"\.attn\.(q|v)_bias$", r".attention.\1_proj.bias"),
    (r"\.attention\.attention\.(q|k|v)(uery|ey|alue)\.", r".attention.\1_proj."),
    (rf"\.attn\.{TABLE}$", f".relative_position_bias.{TABLE}"),
    (r"\.attention\.attention\.relative_position_bias\.", ".relative_position_bias."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"\.output\.dense\.", ".mlp.fc2."),
)
QKV = ".attn.qkv.weight"


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights that an encoder reads, by the names of `BeitModel`.

    The published query, key and value are one matrix, in that order of its rows.

    Raises:
        InputError: two weights would have one name.
    """
    weights: dict[str, Tensor] = {}
    for name, value in state.items():
        inner = OUTER.sub("", name)
        if IGNORED.search(inner):
            continue
        parts = {_renamed(inner): value}
        if inner.endswith(QKV):
            layer = _renamed(inner.removesuffix(QKV) + ".")
            rows = torch.tensor_split(value, 3)
            parts = {
                f"{layer}attention.{p}_proj.weight": r for p, r in zip("qkv", rows, strict=True)
            }
        if both := sorted(parts.keys() & weights.keys()):
            raise InputError(f"two weights of the file are {both[0]} of a BeitModel")
        weights |= parts
    return weights


def _renamed(name: str) -> str:
    for pattern, replacement in RENAMED:
        name = re.sub(pattern, replacement, name)
    return name


def kind_of(weights: Mapping[str, Tensor]) -> Kind:
    """Tell self-supervised weights from fine-tuned ones.

    The former have a final norm, which their [CLS] went through, and one table of positions for all
    blocks; the latter a table in each block, no final norm, and one for the mean of the patches.

    Args:
        weights: as `renamed` returns them.

    Raises:
        InputError: neither.
    """
    has_norm, has_shared = FINAL_NORM in weights, SHARED_TABLE in weights
    if has_norm and has_shared:
        return "self_supervised"
    if not has_norm and not has_shared and POOLED_NORM in weights and FIRST_TABLE in weights:
        return "fine_tuned"
    if has_shared and POOLED_NORM in weights:
        raise InputError(
            "self-supervised weights (one table of positions) without their final norm, as a "
            "BeitModel with use_mean_pooling saves them, which drops it; give the original file"
        )
    raise InputError(
        "expected weights of BEiT-2: a final norm and one table of relative positions "
        "(self-supervised), or a norm of the mean and a table in each block (fine-tuned); found "
        f"{_first(weights)}"
    )


def _first(names: Iterable[str]) -> str:
    found = sorted(names)
    return ", ".join(found[:5]) + ", ..." * bool(found[5:]) or "none"


def beit_config(weights: Mapping[str, Tensor], kind: Kind) -> BeitConfig:
    """Tell the configuration by the shapes of the weights.

    Its `image_vector` says what `pooler_output` is made of: the [CLS], or the mean of the patches.

    Args:
        weights: as `renamed` returns them.

    Raises:
        InputError: a weight that tells a size is missing or has another number of axes; a table of
            positions that belongs to no square of patches.
    """
    is_shared = kind == "self_supervised"
    table = SHARED_TABLE if is_shared else FIRST_TABLE
    rows, heads = _shape(weights, table, 2)
    hidden, channels, patch, _ = _shape(weights, "embeddings.patch_embeddings.projection.weight", 4)
    # (2 * grid - 1) ** 2 distances between patches, and 3 to and from the [CLS]
    grid = (math.isqrt(max(rows - 3, 0)) + 1) // 2
    if (2 * grid - 1) ** 2 + 3 != rows:
        raise InputError(f"{table} has {rows} rows, which belong to no square of patches")
    if hidden % max(heads, 1):
        raise InputError(f"{table} is for {heads} heads, which do not divide {hidden} numbers")
    layers = {int(name.split(".")[1]) for name in weights if re.match(r"layers\.\d+\.", name)}
    # Not a field of HF's, which saves it with its own.
    own: dict[str, Any] = {"image_vector": CLS if is_shared else MEAN_OF_PATCHES}
    return BeitConfig(
        hidden_size=hidden,
        num_hidden_layers=1 + max(layers, default=-1),
        num_attention_heads=heads,
        intermediate_size=_shape(weights, "layers.0.mlp.fc1.weight", 2)[0],
        num_channels=channels,
        patch_size=patch,
        image_size=grid * patch,
        layer_norm_eps=LAYER_NORM_EPS,
        use_shared_relative_position_bias=is_shared,
        use_relative_position_bias=not is_shared,
        use_absolute_position_embeddings=False,
        use_mean_pooling=not is_shared,
        drop_path_rate=0.0,
        **own,
    )


def _shape(weights: Mapping[str, Tensor], name: str, n_axes: int) -> tuple[int, ...]:
    if name not in weights:
        raise InputError(f"{name} is missing; expected weights of BEiT-2")
    shape = tuple(weights[name].shape)
    if len(shape) != n_axes:
        raise InputError(f"{name} is of shape {shape}, expected {n_axes} axes")
    return shape
