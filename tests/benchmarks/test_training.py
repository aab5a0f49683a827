"""The benchmark of fine-tuning: its tables on a tiny model, and that all ways load the same."""

import re

import pytest
import torch

from benchmarks import lxmert_pairs, timing, training, training_steps
from benchmarks.training import GROUPED, OURS, PLAIN
from information_retrieval.models.arguments import InputArguments
from information_retrieval.training.recipes.lxmert import lxmert_recipe
from information_retrieval.training.recipes.objective_arguments import ObjectiveArguments
from preprocess.storage.features_file import FeaturesFile
from tests.conftest import assert_one_clear_line

WAYS = [PLAIN, OURS, GROUPED]
ROWS = [f"{way}, {kind}" for kind in ("float32", "bfloat16") for way in WAYS]
TRAINING = ["training", "samples/s", "ratio", "ms a step", "waiting", "tokens", "GFLOP"]
TRAINING += ["of matrix"]
LOADING = ["loading alone", "samples/s", "ratio", "tokens"]
N_IMAGES, BATCH_SIZE, N_STEPS = 3, 8, 2


@pytest.fixture(autouse=True)
def tiny(monkeypatch) -> None:
    """A tiny model in place of that of the published size, on the CPU."""
    monkeypatch.setitem(timing.MATRIX, "cpu", 64)
    config = training.LxmertConfig(
        vocab_size=400,
        hidden_size=32,
        num_attention_heads=4,
        intermediate_size=48,
        l_layers=2,
        r_layers=1,
        x_layers=2,
    )
    monkeypatch.setattr(training, "LxmertConfig", lambda **_: config)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")  # taken back, which main sets too


@pytest.fixture
def options(tmp_path) -> tuple:
    sizes = ("--n_images", N_IMAGES, "--batch_size", BATCH_SIZE, "--steps", N_STEPS)
    return ("--folder", tmp_path, *sizes, "--repeats", 1)


@pytest.fixture
def ways(tmp_path) -> dict[str, training.Way]:
    name, tokenizer = training.save_random(tmp_path / "model")
    split = training.random_split(tokenizer, N_IMAGES)
    training.write_files(tmp_path, N_IMAGES)
    features = FeaturesFile(tmp_path / "ours.h5")
    recipe = lxmert_recipe(
        name, "binary", ObjectiveArguments(), split, features, seed=0, odd=InputArguments()
    )
    return training.make_ways(recipe, split, tmp_path / "groups.h5", BATCH_SIZE, num_workers=0)


def table(header: str, lines: list[str]) -> tuple[list[str], dict[str, list[float]]]:
    """Return the columns, and the numbers of each row by name."""
    cells = {line[:34].strip(): line[34:].replace("%", "").split() for line in lines}
    return re.split(r"\s{2,}", header), {name: [*map(float, row)] for name, row in cells.items()}


@pytest.mark.parametrize("num_workers", [0, 1])
def test_each_way_has_a_row_in_both_tables(options, num_workers, run_main, capsys, tmp_path):
    assert run_main(training.main, *options, "--num_workers", num_workers) == 0
    title, training_table, loading_table = capsys.readouterr().out.strip().split("\n\n")
    assert title.startswith(f"{BATCH_SIZE} pairs a step, {N_STEPS} steps, fastest of 1 rounds, ")
    header, *lines = training_table.splitlines()
    columns, rows = table(header, lines[: len(ROWS)])
    assert columns == TRAINING
    assert list(rows) == ROWS
    for name, (rate, ratio, milliseconds, waiting, tokens, flop, of_matrix) in rows.items():
        plain = rows[f"{PLAIN}, {name.rpartition(', ')[2]}"]
        assert ratio == pytest.approx(rate / plain[0], rel=0.01, abs=0.01)
        assert milliseconds == pytest.approx(1e3 * BATCH_SIZE / rate, rel=0.01)
        assert 0 <= waiting <= 100
        assert flop > 0
        assert of_matrix >= 0
        assert tokens <= plain[4] == lxmert_pairs.FIXED_LENGTH
    header, *lines = loading_table.splitlines()
    columns, rows = table(header, lines)
    assert columns == LOADING
    assert list(rows) == WAYS
    for rate, ratio, tokens in rows.values():
        assert ratio == pytest.approx(rate / rows[PLAIN][0], rel=0.01, abs=0.01)
        assert tokens <= rows[PLAIN][2] == lxmert_pairs.FIXED_LENGTH
    assert list(tmp_path.iterdir()) == []


def test_the_plain_way_loads_the_same_numbers_but_for_the_padding(ways):
    batches = ways[PLAIN].batches
    assert batches == ways[OURS].batches
    loaded = [ways[name].loader(batch_sampler=batches) for name in (PLAIN, OURS)]
    for plain, ours in zip(*loaded, strict=True):
        length = ours["input_ids"].shape[1]
        assert plain["input_ids"].shape == (BATCH_SIZE, lxmert_pairs.FIXED_LENGTH)
        assert not plain["attention_mask"][:, length:].any()
        assert plain.keys() == ours.keys()
        for name, found in ours.items():
            of_text = name in ("input_ids", "attention_mask")
            expected = plain[name][:, :length] if of_text else plain[name]
            assert torch.equal(found, expected)
            assert found.dtype == expected.dtype


def test_every_way_loads_each_caption_at_most_once(ways):
    for way in ways.values():
        captions = [caption for batch in way.batches for caption in batch]
        assert len(set(captions)) == len(captions) == N_IMAGES * training.CAPTIONS_PER_IMAGE


def test_steps_are_spread_over_the_epoch_by_length():
    lengths = [14, 30, 12, 18, 16, 20, 22, 24]
    assert [lengths[i] for i in training_steps.spread(lengths, 4)] == [30, 14, 18, 22, 30]
    assert [lengths[i] for i in training_steps.spread(lengths, 1)] == [30, 20]


def test_captions_have_the_lengths_of_coco_in_the_tokenizers_tokens(tmp_path):
    _, tokenizer = training.save_random(tmp_path)
    assert len(tokenizer) == 400
    split = training.random_split(tokenizer, n_images=25)
    lengths = [len(ids) for ids in tokenizer(list(split.captions))["input_ids"]]
    assert lengths == [len(ids) for ids in lxmert_pairs.random_captions(400, len(lengths))]


def test_too_few_images_for_two_batches_are_refused(options, run_main):
    status = run_main(training.main, *options, "--batch_size", 32)
    assert_one_clear_line(status, "--n_images: expected at least 4, found 3")
