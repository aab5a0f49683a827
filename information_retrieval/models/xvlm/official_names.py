"""An official X-VLM state dict: its configuration, told by the shapes, and its names as HF's."""

import re

import numpy as np
import torch
from torch import Tensor

from information_retrieval.models.xvlm.configuration import XvlmConfig
from information_retrieval.models.xvlm.position_tables import resize_table
from preprocess.base.errors import InputError

DERIVED = re.compile(r"(relative_position_index|attn_mask|position_ids)$")
TABLE = "relative_position_bias_table"
TOKEN_PIXELS = 32  # of a side: patches of 4, halved three times
CROSS_ATTENTION = r"encoder\.layer\.(\d+)\.crossattention\."
HEAD_SIZE = 64  # of BERT, which shapes do not tell
# What stands in the names of models that this one is not.
OTHERS = {
    "vision_encoder.class_embedding": "CLIP's ViT as image encoder",
    "vision_encoder.cls_token": "DeiT as image encoder",
    "text_encoder.roberta.": "RoBERTa as text encoder",
    "text_decoder.": "a text decoder (VQA or captioning)",
    "cls_head.": "a classifier (NLVR2 or VQA)",
}
RENAMED = (
    (r"^temp$", "temperature"),
    (r"^bbox_head\.", "box_head."),
    (r"^text_encoder\.bert\.", "text_encoder."),
    (r"^text_encoder\.cls\.", "mlm_head."),
    (r"^text_encoder\.encoder\.layer\.", "text_encoder.layers."),
    (
        r"^vision_encoder\.patch_embed\.proj\.",
        "vision_encoder.embeddings.patch_embeddings.projection.",
    ),
    (r"^vision_encoder\.patch_embed\.", "vision_encoder.embeddings."),
    (r"^vision_encoder\.norm\.", "vision_encoder.layernorm."),
    (r"^vision_encoder\.layers\.", "vision_encoder.encoder.layers."),
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
    (r"\.attn\.proj\.", ".attention.o_proj."),
    (rf"\.attn\.{TABLE}$", f".attention.relative_position_bias.{TABLE}"),
)


def official_config(
    state: dict[str, Tensor], image_size: int | None = None, head_size: int = HEAD_SIZE
) -> XvlmConfig:
    """Tell the configuration of an official checkpoint by the shapes of its weights.

    Args:
        state: by official names.
        image_size: pixels of a side of the images to read; None for that of the checkpoint.
        head_size: numbers a head of the text encoder.

    Raises:
        InputError: a model of another kind, or an image size that the windows do not fit.
    """
    check_kind(state)
    text, tables = _text_prefix(state), _first_tables(state)
    depths = [
        1 + max(_numbers(state, rf"vision_encoder\.layers\.{stage}\.blocks\.(\d+)\."))
        for stage in range(len(tables))
    ]
    window = (round(len(state[tables[0]]) ** 0.5) + 1) // 2
    if image_size is not None:
        if image_size <= 0 or image_size % TOKEN_PIXELS:
            raise InputError(
                f"--image_size {image_size}: expected a multiple of {TOKEN_PIXELS}, such as 384"
            )
        window = image_size // TOKEN_PIXELS
    words, hidden = state[f"{text}embeddings.word_embeddings.weight"].shape
    return XvlmConfig(
        vision_config={
            "image_size": window * TOKEN_PIXELS,
            "window_size": window,
            "embed_dim": len(state["vision_encoder.patch_embed.proj.weight"]),
            "depths": depths,
            "num_heads": [state[table].shape[1] for table in tables],
        },
        text_config={
            "vocab_size": words,
            "hidden_size": hidden,
            "num_hidden_layers": 1
            + max(_numbers(state, rf"{re.escape(text)}encoder\.layer\.(\d+)\.")),
            "num_attention_heads": hidden // head_size,
            "intermediate_size": len(state[f"{text}encoder.layer.0.intermediate.dense.weight"]),
            "max_position_embeddings": len(state[f"{text}embeddings.position_embeddings.weight"]),
        },
        n_text_layers=min(_numbers(state, CROSS_ATTENTION)),
        embedding_dim=len(state["vision_proj.weight"]),
        has_box_head=any(name.startswith("bbox_head.") for name in state),
        has_mlm_head=any(name.startswith("text_encoder.cls.") for name in state),
    )


def check_kind(state: dict[str, Tensor]) -> None:
    """Raise InputError, by name, for official models that are not X-VLM's for retrieval.

    So for those that lack what the configuration is told by.
    """
    for mark, what in OTHERS.items():
        if any(name.startswith(mark) for name in state):
            raise InputError(
                f"a checkpoint with {what} ({mark}...): not supported; expected X-VLM with Swin "
                "and BERT, pre-trained or fine-tuned for retrieval"
            )
    no_projections = "no projections, as of one fine-tuned for grounding"
    text = _text_prefix(state)
    for needed, why in (
        ("vision_encoder.patch_embed.proj.weight", "no Swin"),
        ("text_proj.weight", no_projections),
        ("vision_proj.weight", no_projections),
        ("itm_head.0.weight", "no matching head"),
        *((table, "no positions in windows of Swin") for table in _first_tables(state)),
        (f"{text}embeddings.word_embeddings.weight", "no words"),
        (f"{text}embeddings.position_embeddings.weight", "no positions of words"),
        (f"{text}encoder.layer.0.intermediate.dense.weight", "no first layer of BERT"),
    ):
        if needed not in state:
            raise _lacking(needed, why)
    if _numbers(state, CROSS_ATTENTION) == [-1]:
        raise _lacking(f"{text}encoder.layer.*.crossattention", "no layers that fuse")


def _lacking(needed: str, why: str) -> InputError:
    return InputError(
        f"{needed} is missing ({why}); expected X-VLM with Swin and BERT, pre-trained or "
        "fine-tuned for retrieval"
    )


def _text_prefix(state: dict[str, Tensor]) -> str:
    """Return how the names of BERT's weights begin, which pre-trained files hold with its head."""
    has_head = any(name.startswith("text_encoder.bert.") for name in state)
    return "text_encoder.bert." if has_head else "text_encoder."


def _first_tables(state: dict[str, Tensor]) -> list[str]:
    """Return the name of the first position table of each stage of Swin, of at least one stage."""
    stages = 1 + max(_numbers(state, r"vision_encoder\.layers\.(\d+)\."))
    return [
        f"vision_encoder.layers.{stage}.blocks.0.attn.{TABLE}" for stage in range(max(stages, 1))
    ]


def renamed(state: dict[str, Tensor], window: int) -> dict[str, Tensor]:
    """Return the weights by the names of `XvlmModel`, position tables resized to a window."""
    weights = {}
    for name, value in state.items():
        if DERIVED.search(name):
            continue
        new = name
        for pattern, replacement in RENAMED:
            new = re.sub(pattern, replacement, new)
        new = new.replace(".attn.qkv.", ".attention.qkv.")
        if ".attention.qkv." in new:
            for part, rows in zip(("q_proj", "k_proj", "v_proj"), value.chunk(3), strict=True):
                weights[new.replace("qkv", part)] = rows.contiguous()
        elif new.endswith(TABLE):
            weights[new] = torch.from_numpy(resize_table(np.asarray(value), window))
        else:
            weights[new] = value
    return weights


def _numbers(state: dict[str, Tensor], pattern: str) -> list[int]:
    """Return what the pattern's group matches in the names; [-1] where none does."""
    found = (re.search(pattern, name) for name in state)
    return [int(match[1]) for match in found if match] or [-1]
