"""The benchmark of X-VLM's scoring: its table on a tiny model, and the arithmetic it counts."""

import re

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertTokenizer

from benchmarks import timing, xvlm_pairs
from benchmarks.gpu.xvlm import TINY
from benchmarks.lxmert_pairs import random_captions
from benchmarks.xvlm_pairs import (
    LENGTHS,
    PUBLISHED_LENGTH,
    Encoded,
    flop_of_pair,
    plain_captions,
    plain_scores,
    published_config,
    random_model,
)
from information_retrieval.models.tokenization import tokenize_captions
from information_retrieval.models.xvlm.captions import single_sequence_tokenizer
from information_retrieval.models.xvlm.pair_blocks import (
    attend_to_text,
    make_ready,
    read_images,
    score_block,
)
from preprocess.captions.split_file import read_split
from tests.conftest import assert_one_clear_line

WAYS = [f"{way}, {kind}" for kind in ("float32", "bfloat16") for way in ("plain", "padded to 40")]
N_IMAGES, N_CAPTIONS = 4, 20


@pytest.fixture
def run(monkeypatch, run_main):
    monkeypatch.setitem(timing.MATRIX, "cpu", 64)
    monkeypatch.setattr(xvlm_pairs, "published_config", lambda: TINY)
    sizes = ("--n_images", N_IMAGES, "--n_captions", N_CAPTIONS, "--device", "cpu")
    return lambda *options: run_main(xvlm_pairs.main, *sizes, *options)


@pytest.mark.parametrize("options", [(), ("--processor_time",)])
def test_each_way_has_a_row_and_float32_moves_no_rank(run, capsys, options):
    assert run(*options) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{N_IMAGES} images x {N_CAPTIONS} captions; ")
    encoding = [line for line in lines if line.startswith("encoding ")]
    assert len(encoding) == 8
    assert all(float(line.split()[-2]) > 0 for line in encoding)
    split = [re.split(r"\s{2,}", line.strip()) for line in lines]
    rows = {name: cells for name, *cells in split[10:16]}
    assert list(rows) == [*WAYS[:2], "ours, float32", *WAYS[2:], "ours, bfloat16"]
    for name, cells in rows.items():
        rate, ratio, of_padded = map(float, cells[:3])
        kind = name.rpartition(", ")[2]
        assert ratio == pytest.approx(rate / float(rows[f"plain, {kind}"][0]), rel=0.02)
        assert of_padded == pytest.approx(rate / float(rows[f"padded to 40, {kind}"][0]), rel=0.02)
        change, *moved = cells[6:]
        if kind == "float32":
            assert float(change) < 1e-5
            assert moved == [f"0/{N_IMAGES}", f"0/{N_CAPTIONS}"]
        else:
            assert 1e-5 < float(change) < 1


def test_too_few_captions_are_refused(run):
    assert_one_clear_line(run("--n_captions", 3), "--n_captions: expected at least 4, found 3")


def test_the_lengths_are_those_of_the_real_captions_cleaned(shared_data):
    split = read_split(shared_data / "coco5k" / "test.json")
    bert = BertTokenizer.from_pretrained(shared_data / "tokenizers" / "bert-base-uncased")
    tokens = tokenize_captions(split, single_sequence_tokenizer(bert), 40, words=30)
    lengths = [len(ids) for ids in tokens.token_ids]
    assert dict(zip(*np.unique(lengths, return_counts=True), strict=True)) == LENGTHS
    drawn = [len(ids) for ids in random_captions(400, 100, LENGTHS)]
    assert np.mean(drawn) == pytest.approx(np.mean(lengths), abs=0.1)


def test_the_arithmetic_of_the_published_size_is_the_known_one():
    config, length = published_config(), 11.925
    padded = flop_of_pair(config, PUBLISHED_LENGTH, plain=True)
    assert padded / 1e9 == pytest.approx(6.84, abs=0.01)
    assert flop_of_pair(config, length, plain=True) / 1e9 == pytest.approx(3.95, abs=0.02)
    assert flop_of_pair(config, length, plain=False) / 1e9 == pytest.approx(0.98, abs=0.01)


HEAD = 2 * 32 * 64 + 2 * 64 * 2  # of TINY's two linear layers, which is not counted there


@torch.inference_mode()
def test_the_arithmetic_of_a_pair_is_what_torch_counts():
    model, length = random_model(TINY), 9
    images = torch.randn(1, 1 + TINY.grid_size**2, TINY.vision_config.hidden_size)
    encoded = Encoded(images, *plain_captions(model, [[5] * length], 0))
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        plain_scores(model, encoded, 0)
    expected = flop_of_pair(TINY, length, plain=True)
    assert counter.get_total_flops() - HEAD == pytest.approx(expected, rel=0.01)
    captions = make_ready(model, attend_to_text(model, encoded.hidden))
    readings = read_images(model, images)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        score_block(model, captions, readings)
    expected = flop_of_pair(TINY, length, plain=False)
    assert counter.get_total_flops() - HEAD == pytest.approx(expected, rel=0.01)
