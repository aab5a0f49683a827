"""Files that are cut or whose bytes are changed: read right, refused, or wrong."""

import contextlib
import io
import json
import os
import select
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.faulting.interruptions import new_folder
from benchmarks.faulting.results import Result
from error_analysis.explaining.explanations import read_explanations
from information_retrieval.models.checkpoint import RUN_BEGUN
from information_retrieval.ranking.rankings import read_rankings
from information_retrieval.ranking.top_rankings import read_top_rankings
from information_retrieval.scoring.tile_grid import TileGrid
from information_retrieval.scoring.tile_store import TileStore, prepare_store
from information_retrieval.training.run_folder import (
    SEAL,
    begin_or_go_on,
    last_whole_checkpoint,
)
from preprocess.base.command_line import error_line
from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.captions.split_file import read_split
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile

READ = ("refused", "read right")
LONGEST = 20.0  # seconds of one read
SETTINGS = {"model": "a", "weights": "b"}


@dataclass(frozen=True)
class Kind:
    """A kind of file, and how a command reads the whole of it.

    `read` returns values that are equal when everything in the file is. `folder` is what it is read
    with: a folder that the file is in, None where it stands alone.
    """

    name: str
    path: Path
    read: Callable[[Path], object]
    folder: Path | None = None

    def copy_to(self, place: Path, data: bytes) -> Path:
        """Make a copy of the file with other bytes, beside copies of what it is read with."""
        copy = place / (self.path.relative_to(self.folder) if self.folder else self.path.name)
        if self.folder:
            shutil.copytree(self.folder, place)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)
        return copy


def kinds_of(data: Path) -> list[Kind]:
    """Return the kinds of file in the small data, of which a tile store and a run are made here."""
    test, train = read_split(data / "test.json"), read_split(data / "train.json")
    run = data / "tuned"
    checkpoint = max(run.glob("checkpoint-*"))
    begun = read_json(run / RUN_BEGUN, "")
    grid = TileGrid(4, 2, (np.arange(3), np.arange(3, 6)))
    store = _make_store(data / "store", grid)
    return [
        Kind("split `.json`", data / "test.json", read_split),
        Kind("images `.h5`", data / "test_images.h5", _read_images),
        Kind("features `.h5`", data / "test_features.h5", _read_features),
        Kind("rankings `.npz`", data / "test.npz", lambda p: _plain(read_rankings(p, test))),
        Kind(
            "top rankings `.npz`", data / "top.npz", lambda p: _plain(read_top_rankings(p, train))
        ),
        Kind("`metrics.json`", data / "metrics.json", _read_json),
        Kind("`hard_queries.json`", data / "hard_queries.json", _read_json),
        Kind("`comparison.json`", data / "comparison.json", _read_json),
        Kind("`reasons.json`", data / "reasons.json", lambda p: repr(read_explanations(p))),
        Kind("a run's `training_run.json`", run / RUN_BEGUN, lambda p: _goes_on(p, begun), run),
        Kind("a checkpoint's `complete.json`", checkpoint / SEAL, _checkpoint, run),
        Kind("a checkpoint's weights", checkpoint / "model.safetensors", _checkpoint, run),
        *(
            Kind(f"a tile store's `{path.name}`", path, lambda p: _store(p, grid), store)
            for path in sorted(store.iterdir())
        ),
    ]


def _read_json(path: Path) -> str:
    return json.dumps(read_json(path, "make it again"))


def _read_images(path: Path) -> list:
    images = ImagesFile(path)
    return [(int(i), images.read_encoded(i)) for i in images.image_ids]


def _read_features(path: Path) -> list:
    features = FeaturesFile(path)
    features.check_covers(features.image_ids)
    rows = [(int(i), _plain(features.read(i))) for i in features.image_ids]
    return [rows, sorted(features.attributes.items())]


def _plain(value: object) -> object:
    """Return arrays, also inside of objects, as what == compares."""
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if key != "path"}
    return _plain(vars(value)) if hasattr(value, "__dict__") else value


def _goes_on(path: Path, begun_with: dict) -> str:
    with contextlib.redirect_stdout(io.StringIO()):
        return Path(begin_or_go_on(path.parent, begun_with)).name


def _checkpoint(path: Path) -> str:
    """Return which checkpoint training goes on from: not this one is how it is refused."""
    folder, printed = path.parent, io.StringIO()
    with contextlib.redirect_stdout(printed):
        found = last_whole_checkpoint(folder.parent)
    if found is None or Path(found).name != folder.name:
        raise InputError(f"{path}: {printed.getvalue()}")
    return folder.name


def _make_store(folder: Path, grid: TileGrid) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    prepare_store(folder, grid, SETTINGS)
    store = TileStore(folder, grid)
    for band in range(2):
        for block in range(2):
            store.write(band, block, np.full((2, 3), 1 + band + block, np.float32))
    store.commit()
    return folder


def _store(path: Path, grid: TileGrid) -> list:
    """Return the scores that a run goes on with: a tile made missing is one that is refused."""
    n_damaged = prepare_store(path.parent, grid, SETTINGS)
    store = TileStore(path.parent, grid)
    if n_damaged or len(store.missing()):
        raise InputError(f"{path}: {n_damaged} tiles are scored anew")
    return store.scores.tolist()


def damages(data: bytes, n_cuts: int, n_flips: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield damaged copies with what was done: cut at even places, one random byte changed."""
    for size in np.linspace(0, len(data) - 1, n_cuts, dtype=int).tolist():
        yield f"cut to {size:,} bytes", data[:size]
    generator = np.random.default_rng(seed)
    for position in generator.integers(0, len(data), n_flips).tolist():
        changed = bytearray(data)
        changed[position] ^= int(generator.integers(1, 256))
        yield f"byte {position:,} made {changed[position]}", bytes(changed)


def read_damaged(kind: Kind, folder: Path, n_cuts: int, n_flips: int, seed: int) -> Result:
    """Read damaged copies of a file, in a process whose death or delay is noticed."""
    result = Result(kind.name)
    new_folder(folder)
    trials = list(damages(kind.path.read_bytes(), n_cuts, n_flips, seed))
    n_done = 0
    while n_done < len(trials):
        for outcome in _in_a_process(kind, folder, trials[n_done:]):
            what, _ = trials[n_done]
            if outcome in READ:
                result.held(outcome)
            else:
                result.failed(f"{what}: {outcome}")
            n_done += 1
    return result


def _in_a_process(kind: Kind, folder: Path, trials: list[tuple[str, bytes]]) -> Iterator[str]:
    """Yield the outcome of each trial, until one crashes or hangs, whose is the last."""
    read, write = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            for outcome in _outcomes(kind, folder, trials):
                os.write(write, outcome.replace("\n", " ").encode() + b"\n")
        finally:
            os._exit(0)
    os.close(write)
    pending, n_left = b"", len(trials)
    while n_left:
        if not select.select([read], [], [], LONGEST)[0]:
            os.kill(pid, signal.SIGKILL)
            yield f"no end after {LONGEST:.0f} s"
            break
        data = os.read(read, 65536)
        if not data:
            yield "the process died"
            break
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            n_left -= 1
            yield line.decode()
    os.waitpid(pid, 0)
    os.close(read)


def _outcomes(kind: Kind, folder: Path, trials: list[tuple[str, bytes]]) -> Iterator[str]:
    whole = kind.read(kind.copy_to(folder / f"whole-{os.getpid()}", kind.path.read_bytes()))
    for number, (_, data) in enumerate(trials):
        # A folder of its own: HDF5 takes a file that it has seen by its name and number.
        place = folder / f"{os.getpid()}-{number}"
        path = kind.copy_to(place, data)
        try:
            yield "read right" if kind.read(path) == whole else "read wrong"
        except InputError as error:
            names_it = path.name in str(error) or str(path.parent) in str(error)
            yield "refused" if names_it else f"refused without its name: {error_line(error)}"
        except Exception as error:
            yield f"{type(error).__name__}: {error}"
        shutil.rmtree(place)
