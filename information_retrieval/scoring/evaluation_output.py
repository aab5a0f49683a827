"""What an evaluation writes: where, with which metadata, and whether it is there already."""

import json
import os
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from pathlib import Path

import transformers

from information_retrieval.ranking.benchmark_names import with_benchmark
from information_retrieval.ranking.gallery import gallery_of
from information_retrieval.ranking.protocols import (
    Protocol,
    every_protocol,
    metrics_table,
    tie_warning,
)
from information_retrieval.ranking.rankings import (
    Rankings,
    read_rankings,
)
from information_retrieval.scoring.tile_store import describe_differences
from preprocess.base.errors import InputError
from preprocess.base.files import check_writable, read_json, write_json
from preprocess.base.output_lock import lock_output, lock_path
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
    import torch  # not above: it takes seconds, and `fuse` only reads

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


def report(rankings: Rankings, split: Split, protocol: Protocol, name: str, path: Path) -> bool:
    """Write the metrics of all protocols that the gallery allows, and print their tables.

    Args:
        split: of which the gallery is all or a part.
        name: of the rankings file.
        path: the metrics file.

    Returns:
        whether the file was written; one that has just these metrics is left as it is.
    """
    results = {
        each: with_benchmark(result, split, rankings)
        for each, result in every_protocol(
            rankings.scores, rankings.caption_image_index, protocol
        ).items()
    }
    asked = results.pop(protocol)
    metadata = {**rankings.metadata, "protocol": protocol}
    content = {**asked, "other_protocols": results, "rankings": name, "metadata": metadata}
    is_new = not path.exists() or read_json(path, "delete it") != json.loads(json.dumps(content))
    if is_new:
        write_json(path, content)
    for table in (asked, *results.values()):
        print(metrics_table(table))
    warning = tie_warning(
        rankings.scores,
        rankings.caption_image_index,
        protocol,
        rankings.metadata["dtype"],
        n_repeated=_n_repeated(gallery_of(rankings, split)),
    )
    if warning:
        print(warning, file=sys.stderr)
    return is_new


def _n_repeated(gallery: Split) -> int:
    """Count the captions that are, word for word, another image's too."""
    of_images = ({one.caption for one in image.captions} for image in gallery.images)
    n_images = Counter(chain.from_iterable(of_images))
    return sum(n_images[text] > 1 for text in gallery.captions)


def claim(output: Path, held: ExitStack, is_main: bool) -> Path:
    """Check that the output can be written, and let the main process hold it until `held` ends.

    One that is there already is not written, and so may be another user's; but a lock that was left
    by a kill after all was written is taken over, and so removed.

    Returns:
        the metrics file.
    """
    metrics_path = metrics_file(output)
    is_finished = output.exists() and metrics_path.exists()
    if not is_finished or (lock_path(output).exists() and os.access(output.parent, os.W_OK)):
        check_writable(output)
        if is_main:
            held.enter_context(lock_output(output))
    return metrics_path


def read_finished(output: Path, split: Split, gallery: Split, identity: dict[str, str]) -> Rankings:
    """Read what an earlier run of this command wrote, and say so."""
    rankings = read_scored(output, split, gallery, identity)
    version = rankings.metadata.get("code_version", "unknown")
    print(
        f"{output}: these scores are there already, made by code version {version}; nothing is "
        "scored (delete it to score anew)"
    )
    return rankings
