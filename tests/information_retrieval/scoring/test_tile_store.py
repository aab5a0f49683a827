"""The tile store: what is done stays done, and nothing else passes for it."""

import json
import os
import shutil
from collections import namedtuple

import numpy as np
import pytest

from information_retrieval.scoring.tile_grid import TileGrid
from information_retrieval.scoring.tile_store import (
    TileStore,
    check_disk,
    prepare_store,
    remove_store,
)
from preprocess.base.errors import InputError
from preprocess.base.files import atomic_path

# Five images in bands of two; six captions in blocks of three, two and one.
GRID = TileGrid(5, 2, (np.array([0, 3, 5]), np.array([1, 2]), np.array([4])))
SETTINGS = {"weights": "sha256:" + "a" * 64, "dtype": "float32"}
SCORES = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)


@pytest.fixture
def folder(tmp_path):
    """A store with its first four tiles done, in a folder that did not exist."""
    folder = tmp_path / "runs" / "test.npz.tiles"
    prepare_store(folder, GRID, SETTINGS)
    fill(folder, 4)
    return folder


def fill(folder, n_tiles: int) -> None:
    store = TileStore(folder, GRID)
    for band, block in store.missing()[:n_tiles].tolist():
        store.write(band, block, SCORES[GRID.rows(band)][:, GRID.column_blocks[block]])
    store.commit()


def missing(folder) -> list[list[int]]:
    prepare_store(folder, GRID, SETTINGS)
    return TileStore(folder, GRID).missing().tolist()


def test_the_grid_covers_every_pair_once():
    assert GRID.shape == (3, 3)
    assert GRID.pairs.tolist() == [[6, 4, 2], [6, 4, 2], [3, 2, 1]]
    assert [GRID.rows(band) for band in range(3)] == [slice(0, 2), slice(2, 4), slice(4, 5)]


def test_a_store_goes_on_with_the_missing_tiles_and_ends_whole(folder):
    assert missing(folder) == [[1, 1], [1, 2], [2, 0], [2, 1], [2, 2]]
    assert TileStore(folder, GRID).pairs_done() == 6 + 4 + 2 + 6
    fill(folder, 5)
    assert missing(folder) == []
    np.testing.assert_array_equal(TileStore(folder, GRID).scores, SCORES)


def test_a_tile_is_done_only_after_a_commit(folder):
    store = TileStore(folder, GRID)
    store.write(2, 2, np.ones((1, 1)))
    assert store.pairs_done() == 19  # what the process itself has done
    assert [2, 2] in missing(folder)
    store.commit()
    assert [2, 2] not in missing(folder)


def test_the_scores_reach_the_disk_before_the_tile_is_marked(folder, monkeypatch):
    store = TileStore(folder, GRID)
    order = []
    flush = np.memmap.flush

    def flush_and_note(array):
        is_scores = array.dtype == np.float32
        order.append(("scores" if is_scores else "tiles", len(TileStore(folder, GRID).missing())))
        flush(array)

    monkeypatch.setattr(np.memmap, "flush", flush_and_note)
    store.write(2, 2, np.ones((1, 1)))
    store.commit()
    assert order == [("scores", 5), ("tiles", 4)]


@pytest.mark.parametrize("kept", [[], ["scores.f32"], ["scores.f32", "tiles.u64"]])
def test_a_folder_whose_making_was_killed_is_made_anew(folder, kept):
    for path in folder.iterdir():
        if path.name not in kept:
            path.unlink()
    for name in kept[-1:]:
        (folder / name).write_bytes(b"x" * 3)
    assert len(missing(folder)) == 9


def test_a_tile_that_does_not_match_its_checksum_is_scored_again(folder):
    scores = np.memmap(folder / "scores.f32", np.float32, "r+", shape=(5, 6))
    scores[0, 2] += 1
    scores.flush()
    assert prepare_store(folder, GRID, SETTINGS) == 1
    assert TileStore(folder, GRID).missing().tolist()[0] == [0, 1]


def test_a_tile_that_was_marked_and_never_scored_is_scored(folder):
    tiles = np.memmap(folder / "tiles.u64", np.uint64, "r+")
    tiles[8] = 1 << 32
    tiles.flush()
    assert [2, 2] in missing(folder)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({**SETTINGS, "weights": "sha256:" + "b" * 64}, r"weights \(found sha256:a.*sha256:b"),
        ({**SETTINGS, "dtype": "bfloat16"}, r"dtype \(found float32, expected bfloat16\)"),
        ({**SETTINGS, "device": "cpu"}, r"device \(found None, expected cpu\)"),
        ({"dtype": "float32"}, "weights"),
    ],
)
def test_a_store_of_another_run_is_refused_and_kept(folder, settings, line):
    with pytest.raises(InputError, match=line) as refusal:
        prepare_store(folder, GRID, settings)
    assert "repeat that run's command" in str(refusal.value)
    assert "choose another --output" in str(refusal.value)
    assert len(missing(folder)) == 5


def test_of_another_run_that_stopped_with_an_error_the_refusal_says_so(folder):
    assert TileStore(folder, GRID).first_to_fail()
    with pytest.raises(InputError, match=r"to finish it \(it stopped with an error\), delete"):
        prepare_store(folder, GRID, {**SETTINGS, "weights": "sha256:" + "b" * 64})


@pytest.mark.parametrize("grid", [GRID, TileGrid(7, 3, GRID.column_blocks)])
def test_a_store_of_another_run_with_nothing_done_is_made_anew(tmp_path, grid):
    folder = tmp_path / "test.npz.tiles"
    prepare_store(folder, GRID, SETTINGS)
    (folder / "notes.txt").touch()
    corrected = {**SETTINGS, "weights": "sha256:" + "b" * 64}
    assert prepare_store(folder, grid, corrected) == 0
    assert json.loads((folder / "manifest.json").read_text())["weights"] == corrected["weights"]
    assert len(TileStore(folder, grid).missing()) == grid.pairs.size
    assert (folder / "notes.txt").exists()


def test_a_store_of_another_run_that_lost_its_map_of_tiles_is_refused(folder):
    (folder / "tiles.u64").unlink()
    with pytest.raises(InputError, match="with other dtype"):
        prepare_store(folder, GRID, {**SETTINGS, "dtype": "bfloat16"})


@pytest.mark.parametrize(
    "grid",
    [
        TileGrid(5, 3, GRID.column_blocks),
        TileGrid(6, 2, GRID.column_blocks),
        TileGrid(5, 2, (np.array([0, 3]), np.array([5, 1, 2]), np.array([4]))),
        TileGrid(5, 2, (np.array([3, 0, 5]), np.array([1, 2]), np.array([4]))),
    ],
)
def test_another_grid_is_refused(folder, grid):
    with pytest.raises(InputError, match=r"rows a tile|matrix|columns_sha256"):
        prepare_store(folder, grid, SETTINGS)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": "x"}', b"\xff\xfe", b"null"])
def test_a_damaged_manifest_is_refused(folder, content):
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(InputError, match=r"manifest.json.*delete .*\.tiles"):
        prepare_store(folder, GRID, SETTINGS)


@pytest.mark.parametrize("name", ["scores.f32", "tiles.u64"])
@pytest.mark.parametrize("damage", ["missing", "truncated", "longer", "folder"])
def test_damaged_files_are_refused(folder, name, damage):
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage != "missing":
        path.write_bytes(content[:-1] if damage == "truncated" else content + b"\0")
    with pytest.raises(InputError, match=rf"{name}: expected .* bytes.*delete"):
        prepare_store(folder, GRID, SETTINGS)


def test_a_done_map_of_other_numbers_is_refused(folder):
    (folder / "tiles.u64").write_bytes(b"\x01" * 72)
    with pytest.raises(InputError, match=r"tiles.u64: damaged; delete"):
        prepare_store(folder, GRID, SETTINGS)


def test_the_manifest_is_readable_and_says_what_the_scores_depend_on(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["matrix"] == [5, 6]
    assert manifest["tiles"] == [3, 3]
    assert manifest["weights"] == SETTINGS["weights"]


@pytest.fixture
def disk(monkeypatch):
    """Set how many bytes are free."""
    usage = namedtuple("usage", "total used free")

    def set_free(free: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 0, free))

    return set_free


def test_a_disk_that_is_too_small_is_refused_before_anything_is_made(tmp_path, disk):
    disk(999_999_999)
    folder = tmp_path / "new" / "test.npz.tiles"
    with pytest.raises(InputError, match=r"5,000 x 25,000 scores.*1\.00 GB more.* 1\.00 GB free"):
        check_disk(folder, 5000, 25000)
    check_disk(folder, 5000, 24999)
    assert not folder.parent.exists()


def test_a_store_that_is_there_needs_room_for_the_rankings_only(folder, disk):
    disk(4 * 5 * 6)
    assert len(missing(folder)) == 5
    with pytest.raises(InputError, match="make room"):
        prepare_store(folder.with_name("other.tiles"), GRID, SETTINGS)


def fill_disk(path, n_bytes: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(os.urandom(n_bytes))
        os.fsync(file.fileno())


MATRIX = 4 * 500 * 500  # bytes, a multiple of no block


@pytest.mark.parametrize(
    ("left", "enough"),
    [
        ({}, 2 * MATRIX),
        ({"test.npz.tiles/scores.f32": MATRIX}, MATRIX),  # killed while the store was made
        ({"test.npz.tiles/scores.f32": MATRIX // 4}, 2 * MATRIX - MATRIX // 4),
        ({"test.npz.tiles/scores.f32": MATRIX, ".test.npz.partial": MATRIX // 2}, MATRIX // 2),
        ({"test.npz.tiles/scores.f32": MATRIX, ".test.npz.partial": MATRIX}, 0),
        ({"test.npz.tiles/notes.txt": MATRIX, "other.npz": MATRIX}, 2 * MATRIX),
    ],
)
def test_what_a_killed_run_left_counts_as_room(tmp_path, disk, left, enough):
    folder = tmp_path / "test.npz.tiles"
    for name, n_bytes in left.items():
        fill_disk(tmp_path / name, n_bytes)
    disk(enough)
    check_disk(folder, 500, 500)
    if enough:
        disk(enough - 2**16)  # a file may hold some blocks more than its bytes
        with pytest.raises(InputError, match="make room"):
            check_disk(folder, 500, 500)


def test_the_part_of_the_rankings_that_counts_as_room_is_the_one_that_is_replaced(tmp_path, disk):
    folder = tmp_path / "test.npz.tiles"
    with atomic_path(tmp_path / "test.npz") as partial:
        fill_disk(partial, MATRIX)
        disk(MATRIX)
        check_disk(folder, 500, 500)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        prepare_store(tmp_path / "file" / "x.tiles", GRID, SETTINGS)


def test_only_the_first_process_that_fails_says_so(folder):
    store = TileStore(folder, GRID)
    assert not store.failed()
    assert store.first_to_fail()
    assert not TileStore(folder, GRID).first_to_fail()
    assert store.failed()
    prepare_store(folder, GRID, SETTINGS)
    assert not store.failed()


def test_removing_leaves_what_is_not_the_stores(folder):
    (folder / "notes.txt").touch()
    remove_store(folder)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    (folder / "notes.txt").unlink()
    remove_store(folder)
    assert not folder.exists()
    remove_store(folder)
