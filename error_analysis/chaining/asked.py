"""Which models were asked by generated captions, too."""

from collections.abc import Sequence
from pathlib import Path

from captioning.self_retrieving.same_model import MADE_ALIKE
from error_analysis.chaining.told import Told
from information_retrieval.ranking.rankings import read_rankings
from preprocess.base.errors import InputError
from preprocess.captions.split_file import read_split


def asked_models(paths: Sequence[Path], split_file: Path | None, told: Told) -> tuple[int, ...]:
    """Return the position of the model that made each of some rankings by generated captions.

    Args:
        paths: of captioning.self_retrieval, in any order.
        split_file: of their captions.
        told: of the models.

    Raises:
        InputError: rankings without their split file, or of none of the models, or of several, as
            far as their metadata tell, or of one of them twice.
    """
    if not paths:
        return ()
    if split_file is None:
        raise InputError("--generated_rankings: give --generated_split_file, too")
    split = read_split(split_file)
    asked: list[int] = []
    for path in paths:
        metadata = read_rankings(path, split).metadata
        alike = [model for model, own in enumerate(told.metadata) if _made_alike(own, metadata)]
        names = [told.names[model] for model in alike]
        if len(alike) != 1 or alike[0] in asked:
            found = f"{len(names)} of them ({', '.join(names)})" if names else "none of them"
            raise InputError(
                f"--generated_rankings {path}: expected to be made as one of --rankings "
                f"({', '.join(told.names)}), each once, found it made as {found}"
            )
        asked += alike
    return tuple(asked)


def _made_alike(one: dict, other: dict) -> bool:
    """Return whether two files' metadata tell of one model, computing alike."""
    told = [key for key in MADE_ALIKE if key in one and key in other]
    return "weights" in told and all(one[key] == other[key] for key in told)
