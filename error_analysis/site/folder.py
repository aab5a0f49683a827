"""Writing a folder as a whole: it is what it was before, or finished, and never somebody else's."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preprocess.base.disk_space import FULL
from preprocess.base.errors import InputError
from preprocess.base.files import behind_link
from preprocess.base.output_lock import lock_output

MARKER = "report.json"
MADE_BY = "error_analysis.report"


def check_replaceable(folder: Path) -> None:
    """Raise InputError unless `folder` can become a report: it is none yet, empty, or a report.

    A report in which somebody put a file of their own is refused too: it would be lost.
    """
    if folder.suffix.lower() in (".html", ".htm"):
        raise InputError(
            f"{folder}: the report is a folder with an index.html; leave out the {folder.suffix}: "
            f"--output {folder.with_suffix('')}"
        )
    folder = behind_link(folder)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder}: expected the name of a folder, found something else there")
    found = {path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir()}
    own = _own_names(folder)
    foreign = sorted(path.as_posix() for path in found if not own & _path_and_folders(path))
    if foreign:
        raise InputError(
            f"{folder}: expected an earlier report or an empty folder, found {foreign[0]}, which "
            "no report has; choose another --output, or move it away"
        )


def _own_names(folder: Path) -> set[str]:
    """Return what a report's marker lists; nothing where there is none."""
    try:
        content = json.loads((folder / MARKER).read_text("utf-8"))
        return set(content["files"]) if content["made_by"] == MADE_BY else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _path_and_folders(path: Path) -> set[str]:
    """Return a path and the folders that it is in: older markers list folders as a whole."""
    return {path.as_posix(), *(parent.as_posix() for parent in path.parents)}


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Give a new folder beside `folder`, which takes its place when the block succeeds.

    Killed at any moment, `folder` is what it was or the finished one; between two renamings it is
    away for an instant, and the next run puts it back.

    Raises:
        InputError: as `check_replaceable`; another process is writing it; it cannot be written, or
            the disk is full.
    """
    folder = Path(os.path.abspath(behind_link(folder)))
    new, old = (folder.with_name(f".{folder.name}.{what}") for what in ("partial", "old"))
    with lock_output(folder):
        if old.is_dir():
            _restore(old, folder)
        check_replaceable(folder)
        try:
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            yield new
            _mark(new)
            _swap(new, folder, old)
        except OSError as error:
            room = "; make room, and repeat the command" if error.errno in FULL else ""
            raise InputError(f"{folder}: cannot be written ({error.strerror}){room}") from error
        finally:
            shutil.rmtree(new, ignore_errors=True)


def _restore(old: Path, folder: Path) -> None:
    """Put back what a killed process had set aside, or delete it where the new one is there."""
    if folder.exists():
        shutil.rmtree(old)
    else:
        old.rename(folder)


def _mark(folder: Path) -> None:
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    names = sorted([MARKER, *(path.as_posix() for path in files)])
    content = {"made_by": MADE_BY, "files": names}
    (folder / MARKER).write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def _swap(new: Path, folder: Path, old: Path) -> None:
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
