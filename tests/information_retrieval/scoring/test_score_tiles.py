"""The shares of the processes, and that only missing tiles are scored."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from accelerate import PartialState

from information_retrieval.models.loading import LoadedGallery
from information_retrieval.models.tokenization import TokenizedCaptions
from information_retrieval.scoring.processes import Processes, join_processes
from information_retrieval.scoring.score_tiles import score_in_store, share_of
from preprocess.base.errors import InputError
from tests.conftest import make_split

GALLERY = make_split(7, "test")
N_CAPTIONS = len(GALLERY.captions)
SCORES = np.random.default_rng(1).normal(size=(7, N_CAPTIONS)).astype(np.float32)
TOKENS = TokenizedCaptions([], 0, ())
BLOCKS = tuple(np.array_split(np.random.default_rng(2).permutation(N_CAPTIONS), 3))


class TableScorer:
    """Looks the scores up, and notes what it was asked for; stops as a kill would."""

    def __init__(self, scores: np.ndarray, rows: np.ndarray, stop_after: int | None = None):
        self.scores, self.rows, self.stop_after = scores[rows], rows, stop_after
        self.n_images, self.n_captions = self.scores.shape
        self.column_blocks = list(BLOCKS)
        self.asked = []

    def score(self, rows: slice, columns: np.ndarray) -> np.ndarray:
        if len(self.asked) == self.stop_after:
            raise KeyboardInterrupt
        self.asked.append((self.rows[rows].tolist(), columns.tolist()))
        return self.scores[rows][:, columns]


def run(folder, scores=SCORES, stop_after=None) -> tuple[np.ndarray | None, TableScorer | None]:
    made = []

    def encode(rows):
        made.append(TableScorer(scores, rows, stop_after))
        return made[-1]

    processes = Processes(PartialState(cpu=True), torch.device("cpu"))
    loaded = LoadedGallery({"weights": "w"}, TOKENS, BLOCKS, encode)
    try:
        found = score_in_store(loaded, GALLERY, folder, 2, processes)
    except KeyboardInterrupt:
        found = None
    return found, made[0] if made else None


def test_the_scores_are_put_where_they_belong(tmp_path):
    found, scorer = run(tmp_path / "t")
    np.testing.assert_array_equal(found, SCORES)
    assert len(scorer.asked) == 4 * 3


@pytest.mark.parametrize("stop_after", range(12))
def test_an_interrupted_run_scores_the_missing_tiles_only(tmp_path, stop_after):
    _, first = run(tmp_path / "t", stop_after=stop_after)
    found, second = run(tmp_path / "t")
    np.testing.assert_array_equal(found, SCORES)
    assert len(first.asked) == stop_after
    assert len(second.asked) == 12 - stop_after
    # Nor are images encoded whose scores are there.
    assert second.rows.tolist() == list(range(stop_after // 3 * 2, 7))
    found, third = run(tmp_path / "t")
    assert third is None
    np.testing.assert_array_equal(found, SCORES)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_is_named_and_the_others_are_kept(tmp_path, value):
    bad = SCORES.copy()
    column = BLOCKS[1][0]
    bad[3, column] = value
    line = f"score of image 103 and caption {GALLERY.caption_ids[column]} is {value}"
    with pytest.raises(InputError, match=line):
        run(tmp_path / "t", bad)
    _, scorer = run(tmp_path / "t")
    assert len(scorer.asked) == 12 - 4


def test_a_tile_that_another_machine_lost_is_not_taken_for_zeros(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "information_retrieval.scoring.score_tiles.gather_machines",
        lambda folder, *args: np.memmap(folder / "tiles.u64", np.uint64, "r+").put([5], 0),
    )
    with pytest.raises(InputError, match=r"1 of the other machines' tiles do not match.*repeat"):
        run(tmp_path / "t")


def test_the_shares_are_every_tile_once_and_about_equal():
    generator = np.random.default_rng(0)
    pairs = generator.integers(1, 100, (20, 15))
    tiles = np.argwhere(generator.random((20, 15)) < 0.7)
    for count in (1, 2, 3, 7, 64, 500):
        shares = [share_of(tiles, pairs, index, count) for index in range(count)]
        np.testing.assert_array_equal(np.concatenate(shares), tiles)
        sums = [pairs[share[:, 0], share[:, 1]].sum() for share in shares]
        assert max(sums) - min(sums) <= 2 * pairs.max()
    assert len(share_of(tiles[:0], pairs, 1, 3)) == 0


@pytest.mark.parametrize(
    ("device", "environment", "line"),
    [
        ("cuda:1", {}, "--device cuda:1: expected cpu or cuda"),
        ("cuda", {}, "2 processes on 1 GPUs"),
        ("cuda", {"WORLD_SIZE": "4", "GROUP_WORLD_SIZE": "2"}, "2 processes on 1 GPUs"),
    ],
)
def test_impossible_launches_are_refused(monkeypatch, device, environment, line):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    launched = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "LOCAL_RANK": "1", "RANK": "1"}
    launched |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500", **environment}
    for name, value in launched.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=line):
        join_processes(device)


def test_a_store_is_left_for_the_next_run_when_encoding_fails(tmp_path):
    def encode(rows):
        raise InputError("image 103 is damaged")

    processes = Processes(PartialState(cpu=True), torch.device("cpu"))
    with pytest.raises(InputError, match="image 103 is damaged"):
        score_in_store(
            LoadedGallery({"weights": "w"}, TOKENS, BLOCKS, encode),
            GALLERY,
            tmp_path / "t",
            2,
            processes,
        )
    found, _ = run(tmp_path / "t")
    np.testing.assert_array_equal(found, SCORES)


def test_of_several_processes_the_first_to_fail_says_so_on_a_line_of_its_own(monkeypatch, capsys):
    monkeypatch.setattr("information_retrieval.scoring.processes.LAST_WORDS_SECONDS", 0)
    state = SimpleNamespace(num_processes=2, process_index=1, is_main_process=False)
    processes = Processes(state, torch.device("cpu"))
    for is_first, line in ((True, "\nerror: image 7 is damaged\n"), (False, "")):
        with pytest.raises(SystemExit) as stop:
            processes.stop(InputError("image 7\nis damaged"), is_first)
        assert stop.value.code == 1
        assert capsys.readouterr().err == line
