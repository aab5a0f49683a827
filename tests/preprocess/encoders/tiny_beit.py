"""A tiny BEiT-2 by the names of its published files, and the slow truth of what it computes."""

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d, gelu, layer_norm

from preprocess.encoders.beit_conversion import convert, make_processor

WIDTH, HEADS, BLOCKS, PATCH, GRID = 24, 3, 2, 8, 3
SIDE = PATCH * GRID


def published_shapes(
    fine_tuned: bool = False,
    width: int = WIDTH,
    heads: int = HEADS,
    blocks: int = BLOCKS,
    patch: int = PATCH,
    grid: int = GRID,
) -> dict[str, tuple[int, ...]]:
    """The names and shapes of a published file, with those parts that are to be ignored."""
    table = {"relative_position_bias_table": ((2 * grid - 1) ** 2 + 3, heads)}
    norm = {"weight": (width,), "bias": (width,)}

    def named(prefix: str, shapes: dict) -> dict:
        return {prefix + name: shape for name, shape in shapes.items()}

    block = {
        "gamma_1": (width,),
        "gamma_2": (width,),
        **named("norm1.", norm),
        "attn.q_bias": (width,),
        "attn.v_bias": (width,),
        **(named("attn.", table) if fine_tuned else {}),
        "attn.qkv.weight": (3 * width, width),
        "attn.proj.weight": (width, width),
        "attn.proj.bias": (width,),
        **named("norm2.", norm),
        "mlp.fc1.weight": (4 * width, width),
        "mlp.fc1.bias": (4 * width,),
        "mlp.fc2.weight": (width, 4 * width),
        "mlp.fc2.bias": (width,),
    }
    shapes = {
        "cls_token": (1, 1, width),
        "patch_embed.proj.weight": (width, 3, patch, patch),
        "patch_embed.proj.bias": (width,),
    }
    for number in range(blocks):
        shapes |= named(f"blocks.{number}.", block)
    if fine_tuned:
        return shapes | named("fc_norm.", norm) | {"head.weight": (5, width), "head.bias": (5,)}
    index = (grid * grid + 1,) * 2
    return {
        **shapes,
        "mask_token": (1, 1, width),
        **named("rel_pos_bias.", table),
        "rel_pos_bias.relative_position_index": index,
        **named("norm.", norm),
        "lm_head.weight": (11, width),
        "lm_head.bias": (11,),
        **named("cls_pt_layers.0.", block),
    }


def published_state(seed: int = 0, **sizes) -> dict[str, Tensor]:
    """Random weights, of a size by which each moves the output."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in published_shapes(**sizes).items():
        value = torch.randn(shape, generator=generator)
        if len(shape) > 1 and name.endswith(".weight"):
            value /= math.sqrt(math.prod(shape[1:]))
        elif "norm" in name and name.endswith("weight"):
            value = 1 + 0.2 * value
        state[name] = 0.4 + 0.1 * value if "gamma" in name else value
    return state


def random_pixels(n_images: int = 4, side: int = SIDE, seed: int = 1) -> Tensor:
    """(n_images, 3, side, side) float32 as after normalisation."""
    return torch.randn(n_images, 3, side, side, generator=torch.Generator().manual_seed(seed))


def position_rows(grid: int) -> np.ndarray:
    """Rows of the table of relative positions, by query and key: the [CLS], then the patches."""
    n = grid * grid
    rows = np.empty((n + 1, n + 1), np.int64)
    last = (2 * grid - 1) ** 2
    for query in range(n):
        for key in range(n):
            dy, dx = query // grid - key // grid, query % grid - key % grid
            rows[query + 1, key + 1] = (dy + grid - 1) * (2 * grid - 1) + dx + grid - 1
    rows[0, :], rows[:, 0], rows[0, 0] = last, last + 1, last + 2
    return rows


def slow_tokens(state: dict[str, Tensor], pixels: Tensor) -> Tensor:
    """The tokens of plain float64 arithmetic: after the final norm, or of a fine-tuned file's last
    block. (n_images, 1 + patches, width)."""
    weights = {name: value.double() for name, value in state.items()}
    width, patch = weights["cls_token"].shape[-1], weights["patch_embed.proj.weight"].shape[-1]

    def norm(name: str, x: Tensor) -> Tensor:
        return layer_norm(x, (width,), weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-6)

    def linear(name: str, x: Tensor) -> Tensor:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    grid = pixels.shape[-1] // patch
    patches = conv2d(
        pixels.double(), weights["patch_embed.proj.weight"], weights["patch_embed.proj.bias"], patch
    )
    x = torch.stack([patches[:, :, y, x] for y in range(grid) for x in range(grid)], dim=1)
    x = torch.cat([weights["cls_token"].expand(len(x), 1, width), x], dim=1)
    rows = torch.from_numpy(position_rows(grid))
    block = 0
    while f"blocks.{block}.gamma_1" in state:
        name = f"blocks.{block}"
        table = weights.get(
            f"{name}.attn.relative_position_bias_table",
            weights.get("rel_pos_bias.relative_position_bias_table"),
        )
        y = norm(f"{name}.norm1", x) @ weights[f"{name}.attn.qkv.weight"].T
        q = y[..., :width] + weights[f"{name}.attn.q_bias"]
        k = y[..., width : 2 * width]
        v = y[..., 2 * width :] + weights[f"{name}.attn.v_bias"]
        per_head, heads = width // table.shape[1], []
        for head in range(table.shape[1]):
            part = slice(head * per_head, (head + 1) * per_head)
            scores = q[..., part] @ k[..., part].transpose(1, 2) / math.sqrt(per_head)
            heads.append((scores + table[rows, head]).softmax(-1) @ v[..., part])
        x = x + weights[f"{name}.gamma_1"] * linear(f"{name}.attn.proj", torch.cat(heads, -1))
        hidden = gelu(linear(f"{name}.mlp.fc1", norm(f"{name}.norm2", x)))
        x = x + weights[f"{name}.gamma_2"] * linear(f"{name}.mlp.fc2", hidden)
        block += 1
    return norm("norm", x) if "norm.weight" in state else x


def slow_pooled(state: dict[str, Tensor], pixels: Tensor) -> Tensor:
    """The vector of a fine-tuned file: the norm of the mean of the patches, (n_images, width)."""
    mean = slow_tokens(state, pixels)[:, 1:].mean(dim=1)
    weight, bias = (state[f"fc_norm.{name}"].double() for name in ("weight", "bias"))
    return layer_norm(mean, (mean.shape[-1],), weight, bias, 1e-6)


def save_beit(
    folder: Path, state: dict[str, Tensor] | None = None, fine_tuned: bool = False
) -> Path:
    """A converted folder, model and image processor."""
    model = convert(published_state() if state is None else state, fine_tuned)
    model.save_pretrained(folder)
    make_processor(model.config.image_size).save_pretrained(folder)
    return folder
