"""Which checkpoint a run goes on from."""

import json
from pathlib import Path

import pytest

from information_retrieval.training.run_folder import (
    NOT_ALWAYS,
    begin_or_go_on,
    last_whole_checkpoint,
    record,
    seal,
)
from preprocess.base.errors import InputError
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


BEGUN = {"learning_rate": 0.1, "adam": [0.9, 0.999, 1e-8], "load_best_model_at_end": True}


def test_a_run_that_was_begun_with_something_else_is_refused(tmp_path):
    record(tmp_path, BEGUN)
    assert begin_or_go_on(tmp_path, BEGUN) is None
    with pytest.raises(InputError, match=r"holds a run with learning_rate 0\.1, expected 0\.2;"):
        begin_or_go_on(tmp_path, {**BEGUN, "learning_rate": 0.2})
    with pytest.raises(InputError, match=r"expected \[0\.5\] \(--adam_beta1, --adam_beta2, --adam"):
        begin_or_go_on(tmp_path, {**BEGUN, "adam": [0.5]})
    with pytest.raises(InputError, match="with load_best_model_at_end True, expected False"):
        begin_or_go_on(tmp_path, {**BEGUN, "load_best_model_at_end": False})


def test_a_run_of_an_earlier_version_goes_on(tmp_path):
    """It recorded less, and beams also where captions were said greedily."""
    old = {"learning_rate": 0.1, "minival_method": "greedy", "minival_beams": [3, 1.0]}
    record(tmp_path, old)
    now = {"learning_rate": 0.1, "minival_method": "greedy", **dict.fromkeys(NOT_ALWAYS, 1)}
    del now["minival_beams"]
    assert begin_or_go_on(tmp_path, now) is None
    with pytest.raises(InputError, match=r"minival_method greedy, expected beam \(--method\)"):
        begin_or_go_on(tmp_path, {**now, "minival_method": "beam"})
    with pytest.raises(InputError, match=r"holds a run with targets None, expected t.h5"):
        begin_or_go_on(tmp_path, {**now, "targets": "t.h5"})
