"""What made a features file: its detector and settings, and how two files' differ."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py

from preprocess.storage.hdf5 import DAMAGE, read_attributes

LONGEST_VALUE = 64  # characters of a setting that are shown: those of a SHA-256


def flat_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes with each of the `settings`, a dictionary in JSON, by its own name.

    Raises:
        ValueError: `settings` is no JSON.
    """
    settings = json.loads(attributes.get("settings") or "{}")
    return {
        **{key: value for key, value in attributes.items() if key != "settings"},
        **{f"setting {key}": value for key, value in settings.items()},
    }


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Return a phrase for each value that is not the expected one; `images` without the values."""
    return [
        key
        if key == "images"
        else f"{key} (expected {_short(expected.get(key))}, found {_short(found.get(key))})"
        for key in expected | found
        if expected.get(key) != found.get(key)
    ]


def detectors_beside(path: Path, attributes: Mapping[str, Any]) -> list[str]:
    """Compare a features file with the others of its folder, whose features it is used with.

    Args:
        path: `{split}_features.h5`, which may not exist yet.
        attributes: its weights, weights_sha256 ("" where no hash is known) and settings.

    Returns:
        A warning for each other `*_features.h5` that other weights or settings made; a file that
        cannot be read is passed over. Weights are told by their hashes, or by their names where
        one of the files has no hash.
    """
    own = flat_attributes({"settings": attributes.get("settings")})
    warnings = []
    for other in sorted(path.parent.glob("*_features.h5")):
        if other.name == path.name:
            continue
        try:
            # Not locked: another process may be writing it, and its attributes do not change.
            with h5py.File(other, "r", locking=False) as file:
                stored = read_attributes(file)
            theirs = flat_attributes({"settings": stored.get("settings")})
        except DAMAGE:
            continue
        if _other_weights(attributes, stored):
            warnings.append(
                f"{path} is made with the weights {_weights(attributes)}, {other} with "
                f"{_weights(stored)}: a model cannot be trained on one and read the other"
            )
        elif theirs != own:
            found = ", ".join(differences(theirs, own))
            warnings.append(f"{path} is made with other settings than {other}: {found}")
    return warnings


def _other_weights(attributes: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    hashes = attributes.get("weights_sha256"), stored.get("weights_sha256")
    if all(hashes):
        return hashes[0] != hashes[1]
    return attributes.get("weights") != stored.get("weights")


def _weights(attributes: Mapping[str, Any]) -> str:
    sha256 = attributes.get("weights_sha256")
    return f"{attributes.get('weights')} ({f'sha256 {sha256}' if sha256 else 'no hash known'})"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "..."
