"""A folder of scores that grows tile by tile, so that a run killed at any moment can go on.

A tile is a band of images x a block of captions. Files:

manifest.json  what the scores depend on and the grid of tiles; written last, so that a folder
               without it is one whose making was interrupted, and is made anew
scores.f32     (n_images, n_captions) float32, rows are images, memory-mapped; whole from the
               start, so that the disk cannot fill up underneath
tiles.u64      (n_bands, n_blocks) uint64, memory-mapped: 0 for a missing tile, else 2^32 + the
               CRC-32 of its scores, set after they were flushed to the disk
failed         there when a process of the last run stopped with an error

Processes of one machine may write into one store, each its own tiles. Several machines do not share
a memory-mapped file: see information_retrieval/scoring/machine_store.py.
"""

import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import numpy as np

from information_retrieval.scoring.tile_grid import TileGrid
from preprocess.base.errors import InputError
from preprocess.base.files import read_json, write_json

VERSION = 1
MANIFEST, SCORES, TILES, FAILED = FILES = ("manifest.json", "scores.f32", "tiles.u64", "failed")
DONE = np.uint64(1 << 32)
ZEROS = bytes(1 << 24)
LONGEST_VALUE = 20  # characters of a hash in an error line


@contextmanager
def _using(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror})") from error


def describe_differences(found: dict, expected: dict) -> str:
    """Return which values differ, with their beginnings; "" when none does."""
    values = {key: (found.get(key), expected.get(key)) for key in expected | found}
    return ", ".join(
        f"{key} (found {_short(one)}, expected {_short(other)})"
        for key, (one, other) in values.items()
        if one != other
    )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "..."


def _another_way(folder: Path) -> str:
    return f"delete {folder} to score from the start, or choose another --output"


def check_disk(folder: Path, n_images: int, n_captions: int) -> None:
    """Check, before long work, that the scores fit on the disk, twice: here and in the rankings.

    What a killed run left of either holds room already, and is gone on with or replaced.

    Raises:
        InputError: they do not fit.
    """
    # The second as `preprocess.base.files.atomic_path` names what becomes the rankings.
    own = [folder / name for name in FILES] + [folder.with_name(f".{folder.stem}.partial")]
    held = sum(512 * path.stat().st_blocks for path in own if path.is_file())
    needed = 2 * 4 * n_images * n_captions - held
    existing = next(parent for parent in folder.absolute().parents if parent.is_dir())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise InputError(
            f"{folder}: {n_images:,} x {n_captions:,} scores, here and in the rankings, "
            f"need {needed / 1e9:,.2f} GB more, the disk has {free / 1e9:,.2f} GB free; make room "
            "or choose another --output"
        )


def prepare_store(folder: Path, grid: TileGrid, settings: dict[str, str]) -> int:
    """Make the store, or check that the one there is of the same run; by one process, first.

    Tiles that do not match their checksum, as a power failure may leave them, are made missing.
    A store of another run without a tile done, as one that met NaN leaves it, is made anew.

    Args:
        settings: all that the scores depend on beside the grid, as text by name.

    Returns:
        How many tiles were damaged.

    Raises:
        InputError: the disk is too small, the folder cannot be written, is damaged, or holds
            scores of another model, split, type or grid.
    """
    check_disk(folder, grid.n_images, grid.n_captions)
    if not (folder / MANIFEST).exists():
        _create(folder, grid, settings)
    differences = _differences(folder, grid, settings)
    if differences:
        if not _nothing_done(folder):
            _refuse_other_run(folder, differences)
        remove_store(folder)
        _create(folder, grid, settings)
    with _using(folder):
        (folder / FAILED).unlink(missing_ok=True)
    return TileStore(folder, grid).discard_damaged()


def _manifest(grid: TileGrid, settings: dict[str, str]) -> dict:
    return {"schema": "score_tiles", "version": VERSION, **grid.describe(), **settings}


def _create(folder: Path, grid: TileGrid, settings: dict[str, str]) -> None:
    sizes = {SCORES: 4 * grid.n_images * grid.n_captions, TILES: 8 * grid.pairs.size}
    with _using(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, size in sizes.items():
            with (folder / name).open("wb") as file:
                # Written, not only sized: a hole in a full disk kills the process that maps it.
                for start in range(0, size, len(ZEROS)):
                    file.write(memoryview(ZEROS)[: size - start])
                file.flush()
                os.fsync(file.fileno())
    write_json(folder / MANIFEST, _manifest(grid, settings))


def _differences(folder: Path, grid: TileGrid, settings: dict[str, str]) -> str:
    """Return in what the store is another run's; "" when it is this one's."""
    found = read_json(folder / MANIFEST, _another_way(folder))
    if not isinstance(found, dict) or found.get("schema") != "score_tiles":
        raise InputError(
            f"{folder / MANIFEST}: expected the manifest of a tile store, found something else; "
            + _another_way(folder)
        )
    return describe_differences(found, _manifest(grid, settings))


def _nothing_done(folder: Path) -> bool:
    """Tell whether a store, of any grid, is there and has no tile done."""
    with _using(folder):
        return (folder / TILES).is_file() and not any((folder / TILES).read_bytes())


def _refuse_other_run(folder: Path, differences: str) -> NoReturn:
    # Then, repeated, it may stop again.
    failed = " (it stopped with an error)" if (folder / FAILED).exists() else ""
    raise InputError(
        f"{folder}: holds the unfinished scores of a run with other {differences}; repeat that "
        f"run's command to finish it{failed}, delete the folder to score from the start, or choose "
        "another --output"
    )


class TileStore:
    """The scores of a prepared store, as every process of a run sees them.

    Attributes:
        scores: (n_images, n_captions) float32, memory-mapped; missing tiles are 0.

    Raises:
        InputError: a file is missing, of another size, or cannot be written.
    """

    def __init__(self, folder: Path, grid: TileGrid):
        self.folder = folder
        self.grid = grid
        self._pending: dict[tuple[int, int], np.uint64] = {}
        self.scores = self._map(SCORES, np.float32, (grid.n_images, grid.n_captions))
        self._tiles = self._map(TILES, np.uint64, grid.shape)
        foreign = (self._tiles != 0) & (self._tiles >> np.uint64(32) != 1)
        if foreign.any():
            raise InputError(f"{folder / TILES}: damaged; {_another_way(folder)}")

    def _map(self, name: str, dtype: type, shape: tuple[int, int]) -> np.memmap:
        path = self.folder / name
        expected = shape[0] * shape[1] * np.dtype(dtype).itemsize
        found = path.stat().st_size if path.is_file() else None
        if found != expected:
            raise InputError(
                f"{path}: expected {expected:,} bytes, found "
                f"{'no such file' if found is None else f'{found:,}'}; {_another_way(self.folder)}"
            )
        with _using(path):
            return np.memmap(path, dtype, "r+", shape=shape)

    def _sum_of(self, tile: tuple[int, int]) -> np.uint64:
        band, block = tile
        rows, columns = self.grid.rows(band), self.grid.column_blocks[block]
        scores = np.ascontiguousarray(self.scores[rows][:, columns])
        return DONE + np.uint64(zlib.crc32(scores.data))

    def discard_damaged(self) -> int:
        """Make the tiles missing that do not match their checksum; return how many there were."""
        done = [(band, block) for band, block in np.argwhere(self._tiles != 0).tolist()]
        damaged = [tile for tile in done if self._sum_of(tile) != self._tiles[tile]]
        for tile in damaged:
            self._tiles[tile] = 0
        self._tiles.flush()
        return len(damaged)

    def missing(self) -> np.ndarray:
        """Return the tiles still to be scored, band by band: (n_missing, 2) int64 band, block."""
        return np.argwhere(~self._done())

    def _done(self) -> np.ndarray:
        """Return which tiles are done, (n_bands, n_blocks) bool."""
        return self._tiles != 0

    def pairs_done(self) -> int:
        """Return how many pairs are scored, by all processes."""
        done = self._done()
        for tile in self._pending:
            done[tile] = True
        return int(self.grid.pairs[done].sum())

    def write(self, band: int, block: int, scores: np.ndarray) -> None:
        """Put in the (n_rows, n_columns) scores of a tile, which is done after `commit`."""
        self.scores[self.grid.rows(band), self.grid.column_blocks[block]] = scores
        self._pending[band, block] = self._sum_of((band, block))

    def copy_missing(self, other: "TileStore") -> None:
        """Put in the tiles that are missing here and done there, and commit them."""
        for band, block in np.argwhere((self._tiles == 0) & (other._tiles != 0)).tolist():
            rows, columns = self.grid.rows(band), self.grid.column_blocks[block]
            self.write(band, block, other.scores[rows][:, columns])
        self.commit()

    def commit(self) -> None:
        """Flush the scores to the disk, and only then mark their tiles done."""
        if not self._pending:
            return
        with _using(self.folder):
            self.scores.flush()
            for tile, checksum in self._pending.items():
                self._tiles[tile] = checksum
            self._tiles.flush()
        self._pending.clear()

    @property
    def _failed(self) -> Path:
        return self.folder / FAILED

    def first_to_fail(self) -> bool:
        """Tell whether this process is the first of the run to stop with an error."""
        try:
            self._failed.touch(exist_ok=False)
        except FileExistsError:
            return False
        except OSError:
            return True  # the folder is what failed: better twice than never
        return True

    def failed(self) -> bool:
        """Tell whether a process of the run has stopped with an error."""
        return self._failed.exists()


def remove_store(folder: Path) -> None:
    """Delete a store, whole or not; files in the folder that are not its own stay."""
    with _using(folder):
        # The manifest first: what is left by a kill then counts as never made.
        for name in FILES:
            (folder / name).unlink(missing_ok=True)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
