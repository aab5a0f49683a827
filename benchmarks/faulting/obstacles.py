"""Commands that cannot write: a full disk, a folder without permission, a folder in the way."""

import os
from pathlib import Path

from benchmarks.faulting.commands import Command, contents
from benchmarks.faulting.interruptions import different, new_folder, uninterrupted
from benchmarks.faulting.processes import Ended, limit_file_size, obey_permissions, run
from benchmarks.faulting.results import Result

REFUSED = ("one clear line",)
SHARES = (0.01, 0.2, 0.5, 0.9, 0.99)  # of the largest file that it writes


def fill_disk(command: Command, folder: Path) -> Result:
    """Run the command where files can grow to a share of what it needs, then with room."""
    result = Result(command.name)
    expected, _ = uninterrupted(command, folder)
    largest = max(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    for share in SHARES:
        limit = int(share * largest)
        new_folder(folder)

        def limited(limit: int = limit) -> None:
            limit_file_size(limit)
            command.call(folder)()

        full = run(limited)
        halves = [name for name, it in contents(folder).items() if it != expected.get(name)]
        again = command.run(folder)
        difference = different(contents(folder), expected)
        where = f"files of at most {limit:,} bytes: "
        if not full.is_one_line or "cannot be written" not in full.printed:
            result.failed(f"{where}{_ending(full)}")
        elif any(_reads_as_whole(name) for name in halves):
            result.failed(f"{where}left {', '.join(halves)}")
        elif again.status or difference:
            result.failed(f"{where}repeated with room, {difference or _ending(again)}")
        else:
            result.held("one clear line")
    return result


def _reads_as_whole(name: str) -> bool:
    """Whether a file that differs from the finished one could be taken for it.

    Not so what is marked as unfinished: features without `complete`, folders of checkpoints that
    are not sealed, tiles.
    """
    parts = Path(name).parts
    unfinished = any(part.startswith("checkpoint-") or part.endswith(".tiles") for part in parts)
    return not (unfinished or name.endswith(("_features.h5", "merged.h5")))


def block(command: Command, folder: Path) -> Result:
    """Run the command where it may not write, or where its output's name is taken."""
    result = Result(command.name)
    for where, ended in (
        ("a folder without permission", _without_permission(command, folder)),
        ("below a file", _below_a_file(command, folder)),
        ("in the way is another kind of thing", _in_the_way(command, folder)),
    ):
        if ended.is_one_line:
            result.held("one clear line")
        else:
            result.failed(f"{where}: {_ending(ended)}")
    return result


def _without_permission(command: Command, folder: Path) -> Ended:
    closed = new_folder(folder) / "closed"
    closed.mkdir()
    closed.chmod(0o555)

    def call() -> None:
        obey_permissions()
        command.call(closed)()

    ended = run(call)
    assert os.listdir(closed) == []
    return ended


def _below_a_file(command: Command, folder: Path) -> Ended:
    (new_folder(folder) / "file").write_text("a file")
    return command.run(folder / "file")


def _in_the_way(command: Command, folder: Path) -> Ended:
    taken = new_folder(folder) / command.output
    if taken.suffix:
        taken.mkdir()
    else:
        taken.write_text("a file")
    return command.run(folder)


def _ending(ended: Ended) -> str:
    return f"exit status {ended.status}: {ended.last_line or 'no word'}"
