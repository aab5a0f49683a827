"""What an evaluation writes: where, with which metadata, and whether it is there already."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import torch
import transformers

from information_retrieval.ranking.protocols import Protocol
from information_retrieval.ranking.rankings import Rankings, read_rankings
from information_retrieval.scoring.tile_store import describe_differences
from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.captions.split_file import Split


def code_version() -> str:
    """Return the git commit of this code, "-dirty" when changed, or "unknown" outside git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        described = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return described.stdout.strip()


def describe(name: str, split: Split, protocol: Protocol, identity: dict[str, str]) -> dict:
    """Return the metadata of the rankings: what made them, from what."""
    return {
        "model": name,
        **identity,
        "dataset": split.dataset,
        "split": split.split,
        "split_sha256": split.sha256,
        "protocol": protocol,
        "axes": ["image", "caption"],
        "code_version": code_version(),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "command": sys.argv,
    }


def metrics_file(rankings_file: Path) -> Path:
    """Return where the metrics of a rankings file go: `metrics.json` beside it.

    Raises:
        InputError: the rankings are not called .npz, or the metrics of others are there.
    """
    if rankings_file.suffix != ".npz":
        raise InputError(f"--output {rankings_file}: expected a name that ends in .npz")
    path = rankings_file.with_name("metrics.json")
    if path.exists():
        content = read_json(path, "delete it")
        found = content.get("rankings") if isinstance(content, dict) else None
        if found != rankings_file.name:
            raise InputError(
                f"{path}: holds the metrics of {found}, expected {rankings_file.name}; give each "
                "evaluation a folder of its own"
            )
    return path


def read_scored(output: Path, split: Split, gallery: Split, identity: dict[str, str]) -> Rankings:
    """Read the rankings of an earlier run of this command.

    Raises:
        InputError: they are of another model, split or type, damaged or foreign.
    """
    hint = "delete it, or choose another --output"
    try:
        rankings = read_rankings(output, split)
    except InputError as error:
        raise InputError(f"{error}; {hint}") from error
    found = dict(rankings.metadata)
    # Files of earlier versions record less; the ids tell the gallery.
    recorded = {key: value for key, value in identity.items() if key in found}
    ids = {"images": rankings.image_ids.tolist(), "captions": rankings.caption_ids.tolist()}
    differences = describe_differences(
        {**{key: found[key] for key in recorded}, **ids},
        {
            **recorded,
            "images": gallery.image_ids.tolist(),
            "captions": gallery.caption_ids.tolist(),
        },
    )
    if differences:
        raise InputError(f"{output}: exists, and was made with other {differences}; {hint}")
    found.pop("path")  # where it was read from is no part of what made it
    return replace(rankings, metadata=found)
