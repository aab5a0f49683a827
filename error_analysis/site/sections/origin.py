"""Whether a file of another command is of the rankings that the report shows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from error_analysis.queries.model_rankings import ModelRankings
from preprocess.base.errors import InputError
from preprocess.base.files import read_json


def read_output(path: Path, command: str) -> dict[str, Any]:
    """Read a JSON file that a command of error_analysis wrote.

    Raises:
        InputError: it is missing, damaged, or no JSON object with metadata.
    """
    content = read_json(path, f"make it with `python -m error_analysis.{command}`")
    with no_such_file(path, command):
        content["metadata"].keys()
    return content


@contextmanager
def no_such_file(path: Path, command: str) -> Iterator[None]:
    """Tell what is not as the command writes it as one line, an InputError."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not a file of `python -m error_analysis.{command}` "
            f"({type(error).__name__}: {error}); make it with that command"
        ) from error


def models_described(
    path: Path,
    command: str,
    described: Sequence[Mapping[str, Any]],
    models: Sequence[ModelRankings],
    keys: Sequence[str],
) -> list[ModelRankings]:
    """Return those of the models that a file is of; it may be of fewer, or of others too.

    Args:
        described: what the file tells of its models (`ModelRankings.description`).
        keys: of a description, which must be those of the model of that name.

    Raises:
        InputError: it is of none of them, or a model of the same name is another one.
    """
    by_name = {found["name"]: found for found in described}
    known = [model for model in models if model.name in by_name]
    if not known:
        raise other_rankings(path, command, models[0], by_name)
    for model in known:
        own = model.description()
        if any(by_name[model.name].get(key) != own[key] for key in keys):
            raise other_rankings(path, command, model, by_name)
    return known


def other_rankings(
    path: Path, command: str, model: ModelRankings, found: Iterable[str]
) -> InputError:
    """Return the error for a file of rankings other than the model's.

    Args:
        found: names of the models that it is of.
    """
    return InputError(
        f"{path}: expected what `python -m error_analysis.{command}` finds in {model.path}, named "
        f"{model.name}, found other rankings, or a part of them "
        f"({', '.join(found) or 'no model'}); repeat it with the rankings of this report"
    )
