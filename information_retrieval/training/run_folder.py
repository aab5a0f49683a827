"""A training run's folder: what the run was begun with, and its last whole checkpoint."""

import json
from pathlib import Path

from preprocess.errors import InputError
from preprocess.files import read_json, write_json

FILE_NAME = "training_run.json"
# What a checkpoint needs to go on from. The Trainer writes its state last.
CHECKPOINT_FILES = ("model.safetensors", "optimizer.pt", "scheduler.pt", "trainer_state.json")


def make_folder(output_dir: Path) -> None:
    """Make the folder of a run, in every process. Raises InputError where that fails."""
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--output_dir {output_dir}: cannot be made ({error.strerror})") from error


def begin_or_go_on(output_dir: Path, begun_with: dict) -> str | None:
    """Check that the folder belongs to the same run, or is new; return where to go on from.

    Args:
        begun_with: all that the run's result depends on, as JSON values.

    Returns:
        The newest whole checkpoint; None to begin. One that a kill left half-written is passed
        over, with a warning.

    Raises:
        InputError: the folder holds a run that was begun with something else, or by something else.
    """
    path = output_dir / FILE_NAME
    if path.exists():
        found = read_json(path, "delete the folder to begin anew")
        for key in sorted(begun_with.keys() | found.keys()):
            if found.get(key) != begun_with.get(key):
                raise InputError(
                    f"{output_dir}: holds a run with {key} {found.get(key)}, expected "
                    f"{begun_with.get(key)}; choose another --output_dir, or delete this one"
                )
    elif is_finished(output_dir) or any(output_dir.glob("checkpoint-*")):
        raise InputError(
            f"{output_dir}: holds checkpoints but no {FILE_NAME}, so of a run that another "
            "command began; choose another --output_dir"
        )
    else:
        write_json(path, begun_with)
    return last_whole_checkpoint(output_dir)


def is_finished(output_dir: Path) -> bool:
    """Tell whether the run's model is there: its state is what training writes last."""
    return (output_dir / "trainer_state.json").is_file()


def last_whole_checkpoint(output_dir: Path) -> str | None:
    """Return the newest of `checkpoint-*` that has all its files, and None without one."""
    folders = [f for f in output_dir.glob("checkpoint-*") if f.name[11:].isdecimal()]
    for folder in sorted(folders, key=lambda f: int(f.name[11:]), reverse=True):
        if _is_whole(folder):
            return str(folder)
        print(f"warning: {folder} is not whole (an interrupted save); going on from one before it")
    return None


def _is_whole(folder: Path) -> bool:
    if not all((folder / name).is_file() for name in CHECKPOINT_FILES):
        return False
    try:
        json.loads((folder / "trainer_state.json").read_text("utf-8"))
    except ValueError:
        return False
    return True
