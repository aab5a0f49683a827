"""Detectors on disk: weights, sizes, and the names of objects and attributes.

A folder of ours holds `config.json` (the fields of `DetectorConfig`) and `model.safetensors`; the
one that the hub has, of LXMERT's detector, holds `config.yaml` and `pytorch_model.bin`. A single
file is a checkpoint of faster-rcnn.pytorch. In the folder or beside the file may be
`objects_vocab.txt` and `attributes_vocab.txt`, one label a line in the order of the ids, without
the background.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from preprocess.base.errors import InputError, UnreadableError, lack_of_machine
from preprocess.base.files import atomic_path, sha256_of_file, write_json
from preprocess.base.hub import use_cache_if_unreachable
from preprocess.base.lfs_pointer import check_no_pointer
from preprocess.base.pickles import load_pickle
from preprocess.detector.config import EXPECTED, DetectorConfig, read_detector_config
from preprocess.detector.faster_rcnn import FasterRCNN
from preprocess.detector.faster_rcnn_checkpoint import (
    checkpoint_layout,
    convert_checkpoint,
    is_state_dict,
    read_checkpoint,
)

WEIGHTS_FILES = ("model.safetensors", "pytorch_model.bin")
OBJECTS_FILE, ATTRIBUTES_FILE = "objects_vocab.txt", "attributes_vocab.txt"
LISTED = 50  # names of each kind in an error line


@dataclass(frozen=True)
class DetectorInfo:
    """Where a detector came from, and what its ids mean.

    `name` is the hub id, or the name of the folder or file; `sha256` that of the weights file.
    `objects` and `attributes` are empty where there is no list of labels.
    """

    name: str
    sha256: str
    objects: tuple[str, ...]
    attributes: tuple[str, ...]


def load_detector(weights: str, **settings) -> tuple[FasterRCNN, DetectorInfo]:
    """Load a detector for inference on the CPU.

    Args:
        weights: a local folder, a hub id (downloaded once), or a local checkpoint of
            faster-rcnn.pytorch (.pth).
        settings: fields of `DetectorConfig` to change, such as `min_size`.

    Raises:
        InputError: no such folder, file or hub id; a file missing, damaged or of another detector;
            weights whose names or shapes differ from the configuration's (listed, in the file's
            names) or that are not finite; a list of labels of another length.
    """
    path = Path(weights)
    if path.is_file() or path.suffix == ".pth":
        file, folder, name = path, path.parent, path.name
        detector = _load_checkpoint(file, settings)
    else:
        folder = path if path.is_dir() else _download(weights)
        name = path.resolve().name if path.is_dir() else weights
        file, detector = _load_folder(folder, settings)
    config = detector.config
    info = DetectorInfo(
        name,
        sha256_of_file(file),
        _read_labels(folder / OBJECTS_FILE, config.n_objects),
        _read_labels(folder / ATTRIBUTES_FILE, config.n_attributes),
    )
    return detector.eval().requires_grad_(False), info


def _load_folder(folder: Path, settings: dict[str, Any]) -> tuple[Path, FasterRCNN]:
    """Load the detector of a folder; return the file of its weights with it."""
    config = replace(read_detector_config(folder), **settings)
    path = next((folder / name for name in WEIGHTS_FILES if (folder / name).is_file()), None)
    if path is None:
        raise InputError(f"{folder}: neither {' nor '.join(WEIGHTS_FILES)}; {EXPECTED}")
    detector = _empty_detector(config)
    state = _read_state(path)
    _check_state(path, state, detector.state_dict())
    return path, _filled(detector, state)


def _load_checkpoint(path: Path, settings: dict[str, Any]) -> FasterRCNN:
    """Load a checkpoint of faster-rcnn.pytorch."""
    model, config = read_checkpoint(path, **settings)
    detector = _empty_detector(config)
    names = detector.state_dict()
    _check_state(path, model, checkpoint_layout(names, model))
    return _filled(detector, convert_checkpoint(model, names, config))


def _empty_detector(config: DetectorConfig) -> FasterRCNN:
    with torch.device("meta"):
        return FasterRCNN(config)


def _filled(detector: FasterRCNN, state: dict[str, Tensor]) -> FasterRCNN:
    detector = detector.to_empty(device="cpu")
    detector.load_state_dict(state)
    return detector


def save_detector(
    folder: Path, detector: FasterRCNN, objects: tuple[str, ...], attributes: tuple[str, ...]
) -> None:
    """Write a detector's folder, its weights in float16 (loading widens them).

    Without labels, the folder has no list of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", asdict(detector.config))
    for name, labels in ((OBJECTS_FILE, objects), (ATTRIBUTES_FILE, attributes)):
        if labels:
            with atomic_path(folder / name) as partial:
                partial.write_text("\n".join(labels) + "\n", "utf-8")
    # Not anchors, which would move by up to a quarter of a pixel, nor the statistics of batch
    # norm: the variance behind the first convolution exceeds float16's range.
    state = {
        name: tensor if "anchors" in name or ".norm." in name else tensor.half()
        for name, tensor in detector.state_dict().items()
    }
    with atomic_path(folder / "model.safetensors") as partial:
        partial.write_bytes(save({name: t.contiguous() for name, t in state.items()}))


def _download(hub_id: str) -> Path:
    try:
        use_cache_if_unreachable()
        return Path(snapshot_download(hub_id))
    except (HFValidationError, OSError) as error:
        raise InputError(
            f"--weights {hub_id}: neither a local folder nor a hub id that can be downloaded "
            f"({error})"
        ) from error


def _read_state(path: Path) -> dict[str, Tensor]:
    check_no_pointer(path)
    if path.suffix != ".safetensors":
        state = load_pickle(path, "a state dict")
        if isinstance(state, dict) and "model" in state:
            raise InputError(
                f"{path}: expected a dictionary of tensors, found one with `model`; of a "
                "checkpoint of faster-rcnn.pytorch, give --weights the file instead of its folder"
            )
        if not is_state_dict(state):
            raise InputError(f"{path}: expected a dictionary of tensors; {EXPECTED}")
        return state
    try:
        return load_file(path)
    # Beside SafetensorError: the data of a header that is JSON but makes no sense.
    except (SafetensorError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        if lack := lack_of_machine(error):
            raise UnreadableError(f"{path}: cannot be read ({lack})") from error
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"{path}: expected a state dict, found a damaged or other file ({reason}); {EXPECTED}"
        ) from error


def _check_state(path: Path, found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Raise InputError unless names and shapes agree and all numbers are finite."""
    shared = sorted(found.keys() & expected.keys())
    problems = {
        "missing": sorted(expected.keys() - found.keys()),
        "unexpected": sorted(found.keys() - expected.keys()),
        "of another shape": [
            f"{name} {tuple(found[name].shape)} instead of {tuple(expected[name].shape)}"
            for name in shared
            if found[name].shape != expected[name].shape
        ],
    }
    described = [
        f"{len(names)} {what}: {', '.join(names[:LISTED])}"
        + f" and {len(names) - LISTED} more" * (len(names) > LISTED)
        for what, names in problems.items()
        if names
    ]
    if described:
        raise InputError(f"{path}: not this detector's weights; {'; '.join(described)}")
    for name, tensor in found.items():
        if not tensor.isfinite().all():
            raise InputError(f"{path}: {name} holds infinite numbers or NaN; {EXPECTED}")


def _read_labels(path: Path, n_labels: int) -> tuple[str, ...]:
    if not path.is_file():
        return ()
    try:
        labels = tuple(path.read_text("utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected {n_labels} labels, one a line ({error})") from error
    if len(labels) != n_labels:
        raise InputError(f"{path}: expected {n_labels} labels, one a line, found {len(labels)}")
    return labels
