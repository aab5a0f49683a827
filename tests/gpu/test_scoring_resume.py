"""Scoring on a GPU that is interrupted goes on to the same scores, bit for bit."""

import numpy as np
import pytest

from information_retrieval import evaluate
from information_retrieval.scoring.tile_store import TileStore
from tests.conftest import save_clip, save_lxmert, write_images_of

pytestmark = pytest.mark.gpu

TILES_BEFORE = 3


@pytest.mark.parametrize(("kind", "save"), [("lxmert", save_lxmert), ("clip", save_clip)])
def test_an_interrupted_evaluation_goes_on_to_the_same_scores(
    card, data_dir, tmp_path, run_main, monkeypatch, kind, save
):
    write_images_of(data_dir, "test")
    checkpoint = save(tmp_path / kind)

    def run(name: str) -> tuple[str | int, np.ndarray | None]:
        output = tmp_path / name / "test.npz"
        arguments = ["--model_name_or_path", checkpoint, "--data_dir", data_dir]
        arguments += ["--protocol", "full", "--batch_size", 1, "--output", output]
        status = run_main(evaluate.main, *arguments, "--device", card.type)
        return status, np.load(output)["logits"] if output.exists() else None

    status, expected = run("whole")
    assert status == 0
    tiles = []

    def write_some(store, band, block, scores):
        if len(tiles) == TILES_BEFORE:
            raise KeyboardInterrupt
        tiles.append((band, block))
        write(store, band, block, scores)

    write = TileStore.write
    with monkeypatch.context() as patch:
        patch.setattr(TileStore, "write", write_some)
        assert run("cut") == (130, None)
    written = []
    monkeypatch.setattr(
        TileStore, "write", lambda s, *tile: (written.append(tile), write(s, *tile))
    )
    status, found = run("cut")
    assert status == 0
    assert {(band, block) for band, block, _ in written}.isdisjoint(tiles)
    np.testing.assert_array_equal(found, expected)
