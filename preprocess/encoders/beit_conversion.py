"""BEiT-2's weights, of published files, timm or HF, as a `BeitModel` and its image processor."""

import argparse
import json
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import BeitImageProcessorPil, BeitModel

from preprocess.base.errors import InputError, InputWarning, UnreadableError, lack_of_machine
from preprocess.base.lfs_pointer import check_no_pointer
from preprocess.base.pickles import load_pickle
from preprocess.encoders.beit_names import beit_config, kind_of, renamed

# ImageNet's; those of BEiT's first version, and HF's default for a BEiT, are 0.5.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
TOP_KEYS = ("model", "module", "state_dict")  # under which a pickle may hold its weights
EXPECTED = "expected weights of BEiT-2: a .pth or .safetensors file, or an HF folder"
BICUBIC = 3
LISTED = 20  # weights of each kind in a line


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read the state dict of a file or an HF folder, by the names that it has there.

    Nothing of a pickle is run but what makes tensors and the options of a command line.

    Raises:
        InputError: no such file, a damaged one, or one of something else.
    """
    if not path.is_dir():
        return _read_file(path)
    check_no_pointer(path)
    files = sorted(path.glob("*.safetensors")) or sorted(path.glob("pytorch_model*.bin"))
    if not files:
        raise InputError(f"{path}: no *.safetensors or pytorch_model*.bin in it; {EXPECTED}")
    state: dict[str, Tensor] = {}
    for file in files:
        state |= _read_file(file)
    return state


def _read_file(path: Path) -> dict[str, Tensor]:
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    if not isinstance(content, dict) or not content:
        raise InputError(f"{path}: {EXPECTED}, found {type(content).__name__}")
    if not all(isinstance(value, Tensor) for value in content.values()):
        names = ", ".join(map(str, list(content)[:5]))
        raise InputError(f"{path}: {EXPECTED}, found a dictionary of {names}")
    return content


def _read_pickle(path: Path) -> Any:
    # Training scripts save their options beside the weights.
    with torch.serialization.safe_globals([argparse.Namespace]):
        content = load_pickle(path, "weights of BEiT-2")
    if isinstance(content, dict):
        return next((content[key] for key in TOP_KEYS if key in content), content)
    return content


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    check_no_pointer(path)
    try:
        return load_file(path)
    # Beside SafetensorError: the data of a header that is JSON but makes no sense.
    except (SafetensorError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        if lack := lack_of_machine(error):
            raise UnreadableError(f"{path}: cannot be read ({lack})") from error
        reason = str(error).strip().partition("\n")[0]
        raise InputError(f"{path}: {EXPECTED}, found a damaged or other one ({reason})") from error


def convert(state: Mapping[str, Tensor], fine_tuned: bool = False) -> BeitModel:
    """Return the model, in float32 and eval mode, whose `pooler_output` is the image's vector.

    Of self-supervised weights that is the [CLS] after the final norm; of fine-tuned ones, where
    they are asked for, the norm of the mean of the patch tokens.

    Args:
        state: by the names of the published files, timm or HF.
        fine_tuned: whether fine-tuned weights are expected.

    Raises:
        InputError: fine-tuned weights that were not asked for, or others that were; weights that
            are missing, unknown, not finite or of another shape.
    """
    weights = renamed(state)
    kind = kind_of(weights)
    if kind == "fine_tuned" and not fine_tuned:
        raise InputError(
            "fine-tuned weights (a table of positions in each block, no final norm): they were "
            "trained with labels on the mean of the patches, and nothing trained their [CLS]; give "
            "self-supervised ones, such as beitv2_base_patch16_224_pt1k.pth, or --fine_tuned to "
            "take the mean"
        )
    if kind == "self_supervised" and fine_tuned:
        raise InputError("--fine_tuned: these are self-supervised weights; leave the option out")
    model = BeitModel(beit_config(weights, kind))
    _check_same(weights, model.state_dict())
    model.load_state_dict(weights)
    return model.eval()


def _check_same(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Raise InputError unless names and shapes agree, and all numbers are finite."""
    shared = sorted(found.keys() & expected.keys())
    problems = {
        "missing": expected.keys() - found.keys(),
        "unknown": found.keys() - expected.keys(),
        "of another shape": [
            f"{name} {tuple(found[name].shape)} instead of {tuple(expected[name].shape)}"
            for name in shared
            if found[name].shape != expected[name].shape
        ],
        "infinite or NaN": [name for name in shared if not found[name].isfinite().all()],
    }
    described = [f"{len(n)} {what}: {_listed(n)}" for what, n in problems.items() if n]
    if described:
        raise InputError(f"weights that are not BEiT-2's, by HF's names: {'; '.join(described)}")


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    more = len(found) - LISTED
    return ", ".join(found[:LISTED]) + f" and {more} more" * (more > 0)


def warn_of_first_version(path: Path, state: Mapping[str, Tensor]) -> None:
    """Warn where the weights may be of BEiT's first version, whose pixels are normalised otherwise.

    The names and shapes are the same, but for the blocks that BEiT-2's pre-training adds for its
    [CLS]; of an HF folder, its image processor tells.
    """
    settings = path / "preprocessor_config.json"
    if settings.is_file():
        try:
            mean = json.loads(settings.read_text("utf-8")).get("image_mean")
        except (OSError, ValueError, AttributeError) as error:
            raise InputError(f"{settings}: expected an HF image processor ({error})") from error
        reason = "its image processor normalises by 0.5" if mean == [0.5] * 3 else ""
    else:
        has_blocks = any("cls_pt_layers." in name for name in state)
        # One table for all layers, as only self-supervised weights have.
        is_pretrained = any(
            re.search(r"(rel_pos_bias|encoder|shared_position_bias)\.relative_position_bias", name)
            for name in state
        )
        reason = "it has no cls_pt_layers" if is_pretrained and not has_blocks else ""
    if reason:
        warnings.warn(
            f"{path}: {reason}, as the first version of BEiT, which was trained with other pixels "
            "and whose [CLS] is no summary of the image; it is converted as BEiT-2",
            InputWarning,
            stacklevel=2,
        )


def make_processor(side: int) -> BeitImageProcessorPil:
    """Return what is saved beside the weights: a plain resize, and ImageNet's normalisation.

    Args:
        side: pixels, of images whose shape is not kept.
    """
    return BeitImageProcessorPil(
        size={"height": side, "width": side},
        resample=BICUBIC,
        do_center_crop=False,
        image_mean=list(MEAN),
        image_std=list(STD),
    )
