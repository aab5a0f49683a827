"""The stores of several machines: each writes its own, and they become one."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from information_retrieval.scoring.machine_store import MachineStore, gather_machines, open_store
from information_retrieval.scoring.processes import Processes
from information_retrieval.scoring.tile_grid import TileGrid
from information_retrieval.scoring.tile_store import TileStore, prepare_store
from preprocess.base.errors import InputError

GRID = TileGrid(4, 2, (np.array([0, 2]), np.array([1])))
SETTINGS = {"weights": "w", "device": "cpu"}
SCORES = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.fixture
def folders(tmp_path):
    """The stores of two machines."""
    folders = [tmp_path / "test.npz.tiles", tmp_path / "test.npz.tiles" / "machine-ab-1"]
    for folder in folders:
        prepare_store(folder, GRID, SETTINGS)
    return folders


def score(store: TileStore, *tiles: tuple[int, int]) -> None:
    for band, block in tiles:
        store.write(band, block, SCORES[GRID.rows(band)][:, GRID.column_blocks[block]])
    store.commit()


def test_a_machine_sees_what_the_others_have_done_and_writes_its_own_files_only(
    folders, monkeypatch
):
    monkeypatch.setattr("information_retrieval.scoring.machine_store.LOOK_SECONDS", 0)
    main, other = (MachineStore(folders, machine, GRID) for machine in (0, 1))
    before = (folders[0] / "scores.f32").read_bytes()
    score(other, (0, 1), (1, 0))
    assert main.missing().tolist() == other.missing().tolist() == [[0, 0], [1, 1]]
    assert main.pairs_done() == 2 + 4
    assert (folders[0] / "scores.f32").read_bytes() == before
    assert other.first_to_fail()
    assert main.failed()
    assert not main.first_to_fail()


def test_the_machines_stores_become_the_one_of_the_main_process(folders):
    score(TileStore(folders[0], GRID), (0, 0), (1, 1))
    score(TileStore(folders[1], GRID), (0, 1), (1, 0))
    gather_machines(folders[0], GRID, SETTINGS)
    store = TileStore(folders[0], GRID)
    np.testing.assert_array_equal(store.scores, SCORES)
    assert not len(store.missing())
    assert not folders[1].exists()


def test_damaged_tiles_and_a_store_that_was_being_made_are_left_out(folders):
    score(TileStore(folders[1], GRID), (0, 1), (1, 0))
    with (folders[1] / "scores.f32").open("r+b") as file:
        file.seek(4)
        file.write(b"\xff")
    being_made = folders[0] / "machine-ab-2"
    being_made.mkdir()
    (being_made / "scores.f32").write_bytes(b"\0" * 7)
    gather_machines(folders[0], GRID, SETTINGS)
    assert TileStore(folders[0], GRID).missing().tolist() == [[0, 0], [0, 1], [1, 1]]
    assert not being_made.exists()


def test_another_runs_tiles_are_refused_and_kept(folders):
    score(TileStore(folders[1], GRID), (0, 1))
    with pytest.raises(InputError, match=r"machine-ab-1: holds the unfinished scores.*weights"):
        gather_machines(folders[0], GRID, {**SETTINGS, "weights": "others"})
    assert len(TileStore(folders[1], GRID).missing()) == 3


@pytest.fixture
def processes():
    """The main process of two machines, as if alone; what it broadcasts can be set."""
    state = SimpleNamespace(
        num_processes=1, process_index=0, is_main_process=True, is_local_main_process=True
    )
    return Processes(state, torch.device("cpu"), 0, 2)


def test_a_folder_that_a_machine_does_not_see_is_one_line(processes, tmp_path, monkeypatch):
    processes.check_shared(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
    monkeypatch.setattr("information_retrieval.scoring.processes.SHARED_SECONDS", 0)
    monkeypatch.setattr("information_retrieval.scoring.processes._make_token", lambda token: None)
    with pytest.raises(InputError, match=r"new: on .* not the folder that the main process writes"):
        processes.check_shared(tmp_path / "new")


def test_a_machine_that_computes_otherwise_is_refused(processes, tmp_path, monkeypatch):
    prepare_store(tmp_path, GRID, SETTINGS)
    of_main = iter([tmp_path / ".shared-1", None, "ab", {**SETTINGS, "device": "H200"}])
    monkeypatch.setattr(Processes, "from_main", lambda self, step: (step(), next(of_main))[1])
    monkeypatch.setattr("information_retrieval.scoring.processes._wait_for", lambda token: None)
    with pytest.raises(InputError, match=r"other device \(found cpu, expected H200\) than"):
        open_store(tmp_path, GRID, SETTINGS, processes)
