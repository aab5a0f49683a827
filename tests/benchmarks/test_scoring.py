"""The benchmark of LXMERT's scoring: its table on a tiny model, and the arithmetic it counts."""

import re

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertTokenizer, LxmertConfig

from benchmarks import scoring, timing
from benchmarks.lxmert_pairs import (
    FIXED_LENGTH,
    LENGTHS,
    N_REGIONS,
    Changes,
    changes,
    flop_of_pair,
    flop_of_ways,
    plain_scores,
    random_captions,
    random_model,
)
from preprocess.captions.split_file import read_split
from tests.conftest import assert_one_clear_line, save_clip, save_lxmert

PADDED = f"plain, padded to {FIXED_LENGTH}"
WAYS = [f"{way}, {kind}" for kind in ("float32", "bfloat16") for way in ("plain", PADDED, "ours")]
COLUMNS = ["pairs/s", "ratio", "GFLOP", "of matrix", "change"]
COLUMNS += ["i2t moved", "tied", "t2i moved", "tied"]
N_IMAGES, N_CAPTIONS = 4, 20


@pytest.fixture
def options(tmp_path, monkeypatch) -> tuple:
    monkeypatch.setitem(timing.MATRIX, "cpu", 64)
    model = save_lxmert(tmp_path / "model")
    sizes = ("--n_images", N_IMAGES, "--n_captions", N_CAPTIONS)
    return ("--model_name_or_path", model, *sizes, "--device", "cpu")


def test_each_way_has_a_row_and_float32_moves_no_rank(options, run_main, capsys):
    assert run_main(scoring.main, *options) == 0
    title, header, *lines = capsys.readouterr().out.splitlines()
    assert title.startswith(f"{N_IMAGES} images x {N_CAPTIONS} captions; ")
    assert re.split(r"\s{2,}", header.strip()) == COLUMNS
    rows = {line[:32].strip(): line[32:].split() for line in lines[: len(WAYS)]}
    assert list(rows) == WAYS
    for name, cells in rows.items():
        assert len(cells) == len(COLUMNS)
        rate, ratio, flop, of_matrix, change = (float(cell.rstrip("%")) for cell in cells[:5])
        assert min(rate, ratio, flop) > 0
        assert of_matrix >= 0
        plain_rate = float(rows[f"plain, {name.rpartition(', ')[2]}"][0])
        assert ratio == pytest.approx(rate / plain_rate, abs=0.01)
        for (moved, tied), n in zip((cells[5:7], cells[7:9]), (N_IMAGES, N_CAPTIONS), strict=True):
            n_moved, n_queries = map(int, moved.split("/"))
            assert 0 <= n_moved <= n_queries == n
            assert 0 <= float(tied.rstrip("%")) <= 100
        if name.endswith("float32"):
            assert change < 1e-5
            assert [cells[5], cells[7]] == [f"0/{N_IMAGES}", f"0/{N_CAPTIONS}"]
        else:
            assert 1e-5 < change < 1


def test_moved_ranks_and_tied_queries_are_counted_in_both_directions():
    exact = np.array([[3.0, 2, 1], [0, 5, 4]], np.float32)  # captions 0 and 2 of image 0
    rounded = np.array([[3.0, 2, 1], [0, 5, 1]], np.float32)
    # Caption 2 falls from rank 1 to half a rank, being tied; images rank their captions as before.
    change = changes(rounded, exact)
    assert change == Changes(
        3, {"i2t": 2, "t2i": 3}, {"i2t": 0, "t2i": 1}, {"i2t": 0, "t2i": 1 / 3}
    )
    assert scoring.cells(change).split() == ["3.0e+00", "0/2", "0.0%", "1/3", "33.3%"]


@pytest.mark.long
def test_the_memory_of_a_process_of_its_own_is_printed(options, run_main, capsys):
    assert run_main(scoring.main, *options, "--peak_memory") == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{N_IMAGES} images x {N_CAPTIONS} captions; ")
    found = re.search(r"peak memory: ([\d.]+) GB, of which ([\d.]+) GB with the model", printed)
    whole, loaded = map(float, found.groups())
    assert 0 < loaded <= whole < 16


def test_a_model_of_another_type_and_too_few_captions_are_refused(tmp_path, options, run_main):
    clip = save_clip(tmp_path / "clip")
    status = run_main(scoring.main, *options, "--model_name_or_path", clip)
    assert_one_clear_line(status, clip, "expected an LXMERT, found clip")
    status = run_main(scoring.main, *options, "--n_captions", N_IMAGES - 1)
    assert_one_clear_line(status, "--n_captions: expected at least 4, found 3")


def lengths_of(n_captions: int) -> list[int]:
    return [len(ids) for ids in random_captions(vocabulary=40, n_captions=n_captions)]


def test_captions_have_the_lengths_of_coco():
    found = dict(zip(*np.unique(lengths_of(25_000), return_counts=True), strict=True))
    assert found == LENGTHS
    assert np.mean(lengths_of(100)) == pytest.approx(np.mean(lengths_of(25_000)), abs=0.1)


def test_the_lengths_are_those_of_the_real_captions(shared_data):
    captions = read_split(shared_data / "coco5k" / "test.json").captions
    tokenizer = BertTokenizer.from_pretrained(shared_data / "tokenizers" / "bert-base-uncased")
    lengths = [len(ids) for ids in tokenizer(list(captions))["input_ids"]]
    assert dict(zip(*np.unique(lengths, return_counts=True), strict=True)) == LENGTHS


def test_the_arithmetic_of_the_published_size_is_the_known_one():
    config = LxmertConfig()
    flop = flop_of_ways(config, random_captions(config.vocab_size, 100), n_images=8)
    assert flop[PADDED] / 1e9 == pytest.approx(21.9, abs=0.1)
    assert flop["ours"] / 1e9 == pytest.approx(4.0, abs=0.1)


@torch.inference_mode()
def test_the_arithmetic_of_a_plain_pair_is_what_torch_counts():
    model = random_model()
    images = torch.rand(1, N_REGIONS, 2048), torch.rand(1, N_REGIONS, 4)
    with FlopCounterMode(display=False) as counter:
        plain_scores(model, [[5] * 12], images, 0)
    # What is not counted here: the boxes' projection, pooler and head.
    expected = flop_of_pair(model.config, 12, 1, 1)
    assert counter.get_total_flops() == pytest.approx(expected, rel=0.01)
