"""Checkpoints of faster-rcnn.pytorch, such as the paper's extractor `faster_rcnn_res101_vg.pth`.

A checkpoint is a dictionary of training's state, whose `model` is a state dict: names, the order of
classes and what the proposal head predicts are other than ours and are translated here; how the
detector computes is in `PUBLISHED`. Source: github.com/jwyang/faster-rcnn.pytorch, and Visual
Genome's weights and settings by shilrley6.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeGuard

import torch
from torch import Tensor

from preprocess.base.errors import InputError
from preprocess.base.pickles import load_pickle
from preprocess.detector.config import DetectorConfig
from preprocess.detector.faster_rcnn import make_cell_anchors

PUBLISHED = DetectorConfig(
    resize="opencv",
    pooling="roi_align",
    roi_size=7,
    res5_stride=2,
    res5_dilation=1,
    inclusive_boxes=True,
    clamp_growth=False,
    pad_proposals=True,
    n_attributes=0,
    selection="each_class",
    nms_thresholds=(0.3,),
    min_score=0.2,
)
EXPECTED = "expected a checkpoint of faster-rcnn.pytorch, a dictionary with `model`"
POOLING_MODES = {"align": "roi_align", "pool": "roi_pool"}
OBJECTNESS = "proposal_generator.rpn_head.objectness_logits."
CLASSES = "roi_heads.box_predictor.cls_score."
BOXES = "roi_heads.box_predictor.bbox_pred."
PREFIXES = {  # the first that a name of ours starts with
    "backbone.stem.conv1.norm.": "RCNN_base.1.",
    "backbone.stem.conv1.": "RCNN_base.0.",
    "backbone.res2.": "RCNN_base.4.",
    "backbone.res3.": "RCNN_base.5.",
    "backbone.res4.": "RCNN_base.6.",
    "roi_heads.res5.": "RCNN_top.0.",
    "proposal_generator.rpn_head.conv.": "RCNN_rpn.RPN_Conv.",
    OBJECTNESS: "RCNN_rpn.RPN_cls_score.",
    "proposal_generator.rpn_head.anchor_deltas.": "RCNN_rpn.RPN_bbox_pred.",
    CLASSES: "RCNN_cls_score.",
    BOXES: "RCNN_bbox_pred.",
}
ANCHORS = "proposal_generator.anchor_generator.cell_anchors.0"  # not stored in a checkpoint
COUNTER = ".num_batches_tracked"  # of batch norm; checkpoints of PyTorch before 0.4.1 have none


def read_checkpoint(path: Path, **settings) -> tuple[dict[str, Tensor], DetectorConfig]:
    """Read the state dict of a checkpoint, as it is, and the configuration of its detector.

    Args:
        settings: fields of `DetectorConfig` to change.

    Raises:
        InputError: the file is missing, damaged or another; a detector that is not supported.
    """
    checkpoint = load_pickle(path, "a checkpoint of faster-rcnn.pytorch")
    model = checkpoint.get("model") if isinstance(checkpoint, dict) else None
    if not is_state_dict(model):
        raise InputError(f"{path}: {EXPECTED}, found {_describe(checkpoint)}")
    if not any(name.startswith("RCNN_") for name in model):
        raise InputError(f"{path}: {EXPECTED} of the names RCNN_*, found {_describe(model)}")
    if checkpoint.get("class_agnostic"):
        raise InputError(
            f"{path}: a detector with one box for all classes (class_agnostic); expected one that "
            "refines a box for each class"
        )
    # The code base lets the checkpoint's mode override the configuration file's, which is align.
    mode = checkpoint.get("pooling_mode", "align")
    if mode not in POOLING_MODES:
        raise InputError(
            f"{path}: pooling_mode {mode!r} is not supported, expected {' or '.join(POOLING_MODES)}"
        )
    return model, replace(PUBLISHED, **{"pooling": POOLING_MODES[mode], **settings})


def is_state_dict(content: Any) -> TypeGuard[dict[str, Tensor]]:
    """Tell whether an object is a dictionary of tensors with names."""
    return isinstance(content, dict) and all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in content.items()
    )


def _describe(content: Any) -> str:
    """Say what was found instead of a checkpoint, and what to do with it where that is known."""
    if not isinstance(content, dict):
        return f"an object of type {type(content).__name__}"
    names = [str(name) for name in content]
    if any(name.startswith(("backbone.", "roi_heads.")) for name in names):
        return (
            "the weights of a detector like unc-nlp/frcnn-vg-finetuned: give --weights the folder "
            "that holds them and their configuration"
        )
    if any(name.startswith("RCNN_") for name in names):
        return (
            "the bare weights of a detector of that code base: others have the same names and "
            "shapes but pool and dilate differently, and cannot be told apart"
        )
    return f"a dictionary of {', '.join(names[:5]) or 'nothing'}{', ...' if names[5:] else ''}"


def checkpoint_name(name: str) -> str:
    """Return the name that a parameter or buffer of ours has in a checkpoint's `model`."""
    ours, theirs = next(pair for pair in PREFIXES.items() if name.startswith(pair[0]))
    rest = re.sub(r"\bconv(\d)\.norm\.", r"bn\1.", name.removeprefix(ours))
    rest = rest.replace("shortcut.norm.", "downsample.1.").replace("shortcut.", "downsample.0.")
    return theirs + rest


def checkpoint_layout(ours: dict[str, Tensor], model: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the names and shapes that a checkpoint's `model` should have, as tensors on meta.

    Args:
        ours: the state dict of our detector.
        model: the checkpoint's, which need not count batches.
    """
    layout = {}
    for name, tensor in ours.items():
        if name == ANCHORS:
            continue
        theirs = checkpoint_name(name)
        if theirs.endswith(COUNTER) and theirs not in model:
            continue
        shape = list(tensor.shape)
        if name.startswith(OBJECTNESS):
            shape[0] *= 2  # all anchors as background, then all as objects
        elif name.startswith(BOXES):
            shape[0] += 4  # a box of the background, which comes first
        layout[theirs] = torch.empty(shape, device="meta")
    return layout


def convert_checkpoint(
    model: dict[str, Tensor], ours: dict[str, Tensor], config: DetectorConfig
) -> dict[str, Tensor]:
    """Translate a checkpoint's `model`, of the names and shapes of `checkpoint_layout`, to ours.

    Args:
        ours: the names of our state dict.
    """
    state = {ANCHORS: make_cell_anchors(config)}
    for name in ours.keys() - {ANCHORS}:
        theirs = checkpoint_name(name)
        if theirs.endswith(COUNTER) and theirs not in model:
            state[name] = torch.zeros((), dtype=torch.long)
            continue
        tensor = model[theirs]
        if name.startswith(OBJECTNESS):
            # A softmax over two logits is the sigmoid of their difference, which keeps the order of
            # anchors whose probabilities round to the same number.
            background, foreground = tensor.chunk(2)
            tensor = foreground - background
        elif name.startswith(CLASSES):
            tensor = tensor.roll(-1, dims=0)  # the background from first to last
        elif name.startswith(BOXES):
            tensor = tensor[4:]
        state[name] = tensor
    return state
