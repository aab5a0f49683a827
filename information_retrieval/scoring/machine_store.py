"""The tile store of one of several machines, and how the machines' stores become one.

Machines that share a folder by a network file system do not share a memory-mapped file: the pages
of one machine, written back, would undo what another has put beside. So each machine but the main
process's writes a store of its own, `{folder}/machine-{run}-{n}`, and looks at the others' map of
tiles only. At the end, and before a run that goes on, the main process gathers them into its own.
"""

import secrets
import socket
import time
from pathlib import Path

import numpy as np

from information_retrieval.scoring.processes import Processes
from information_retrieval.scoring.tile_grid import TileGrid
from information_retrieval.scoring.tile_store import (
    FAILED,
    MANIFEST,
    TILES,
    TileStore,
    describe_differences,
    prepare_store,
    remove_store,
)
from preprocess.base.errors import InputError

LOOK_SECONDS = 1.0  # between looks at the maps of the other machines


class MachineStore(TileStore):
    """The store of a machine; what the other machines have done counts as done.

    Args:
        folders: of all machines' stores, the main process's first.
        machine: which of them this one writes.
    """

    def __init__(self, folders: list[Path], machine: int, grid: TileGrid):
        super().__init__(folders[machine], grid)
        self._main = folders[0]
        self._others = [folder for folder in folders if folder != self.folder]
        self._looked, self._done_by_others = -LOOK_SECONDS, np.zeros(grid.shape, bool)

    def _done(self) -> np.ndarray:
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            # Opened anew each time, which is when a network file system asks for what has changed.
            for tiles in (np.fromfile(folder / TILES, np.uint64) for folder in self._others):
                if tiles.size == self._done_by_others.size:  # not one that is being removed
                    self._done_by_others |= (tiles != 0).reshape(self.grid.shape)
        return (self._tiles != 0) | self._done_by_others

    @property
    def _failed(self) -> Path:
        return self._main / FAILED


def open_store(
    folder: Path, grid: TileGrid, settings: dict[str, str], processes: Processes
) -> TileStore:
    """Open the store of this process's machine, in all processes; the main one has made `folder`.

    Raises:
        InputError: a machine does not see the folder, or computes with something else than the main
            process's; or what `prepare_store` raises.
    """
    if processes.n_machines == 1:
        return processes.agree(lambda: TileStore(folder, grid))
    processes.check_shared(folder)
    # New names: a file system may remember of old ones what is no longer so.
    run = processes.from_main(lambda: secrets.token_hex(4))
    folders = [folder, *(folder / f"machine-{run}-{n}" for n in range(1, processes.n_machines))]
    own = folders[processes.machine]
    of_main = processes.from_main(lambda: settings)

    def prepare() -> None:
        differences = describe_differences(settings, of_main)
        if differences:
            raise InputError(
                f"{socket.gethostname()}: computes with other {differences} than the main process; "
                "the scores of one run are to be of like machines"
            )
        if own != folder and processes.is_first_of_machine:
            prepare_store(own, grid, settings)

    processes.agree(prepare)
    return processes.agree(lambda: MachineStore(folders, processes.machine, grid))


def gather_machines(folder: Path, grid: TileGrid, settings: dict[str, str]) -> None:
    """Copy the tiles of all machines' stores below `folder` into its own, and remove those stores.

    A tile that does not match its checksum, or a store whose making was interrupted, is left out.

    Raises:
        InputError: the folder cannot be written.
    """
    parts = sorted(path for path in folder.glob("machine-*") if path.is_dir())
    if not parts:
        return
    store = TileStore(folder, grid)
    for part in parts:
        if (part / MANIFEST).exists():
            prepare_store(part, grid, settings)
            store.copy_missing(TileStore(part, grid))
        remove_store(part)
