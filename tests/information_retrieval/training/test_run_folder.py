"""Which checkpoint a run goes on from."""

import json
from pathlib import Path

import pytest

from information_retrieval.training.run_folder import last_whole_checkpoint, seal
from preprocess.base.files import read_json


def make_checkpoint(run: Path, step: int, best: int | None) -> Path:
    folder = run / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(step))
    # As of a folder that was moved since.
    best_path = None if best is None else f"/elsewhere/checkpoint-{best}"
    (folder / "trainer_state.json").write_text(json.dumps({"best_model_checkpoint": best_path}))
    seal(folder)
    return folder


def test_the_newest_is_gone_on_from(tmp_path):
    make_checkpoint(tmp_path, 9, None)
    newest = make_checkpoint(tmp_path, 10, 9)
    assert last_whole_checkpoint(tmp_path) == str(newest)


@pytest.mark.parametrize("damage", ["changed", "missing", "gone"])
def test_one_whose_best_checkpoint_is_damaged_is_passed_over(tmp_path, capsys, damage):
    older = make_checkpoint(tmp_path, 1, None)
    best = make_checkpoint(tmp_path, 2, 2)
    make_checkpoint(tmp_path, 3, 2)
    if damage == "changed":
        (best / "model.safetensors").write_bytes(b"xx")
    elif damage == "missing":
        (best / "model.safetensors").unlink()
    else:
        best.rename(tmp_path / "kept")
    assert last_whole_checkpoint(tmp_path) == str(older)
    out = capsys.readouterr().out
    assert "checkpoint-3: the best checkpoint before it, checkpoint-2, is " in out


def test_an_empty_folder_has_none(tmp_path):
    assert last_whole_checkpoint(tmp_path) is None


def test_what_a_killed_save_left_is_no_part_of_the_checkpoint(tmp_path):
    folder = tmp_path / "checkpoint-1"
    folder.mkdir()
    (folder / ".tmpZBv9wC").write_bytes(b"half of the weights")
    assert make_checkpoint_again(folder) == {"model.safetensors", "trainer_state.json"}
    assert not (folder / ".tmpZBv9wC").exists()


def make_checkpoint_again(folder: Path) -> set[str]:
    """Write into a folder that is there; returns what is sealed."""
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "trainer_state.json").write_text("{}")
    seal(folder)
    return set(read_json(folder / "complete.json", "training writes it"))
