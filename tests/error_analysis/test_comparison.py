import json
import sys

import numpy as np
import pytest

from error_analysis.comparison import WinRule, compare, comparison_to_json, main, win_indices
from preprocess.errors import InputError
from preprocess.split_file import write_split
from tests.error_analysis.scored import (
    make_model,
    make_split,
    model_of_ranks,
    save_rankings,
    scores_with_ranks,
)

N = 30
# Image queries: a beats b at 100 (0 against 10), 103 (9 against 19); b beats a at 104.
A = [0, 0, 10, 9, 25, 0, 5] + [0] * (N - 7)
B = [10, 9, 29, 19, 3, 9.5, 5] + [0] * (N - 7)


@pytest.mark.parametrize(
    ("better", "worse", "wins"),
    [
        (9, 19, True),  # both at the limit
        (10, 20, False),  # not in the top 10
        (9.5, 19.5, True),
        (0, 10, True),
        (0, 9, False),  # 9 places
        (0, 9.5, False),
        (5, 5, False),
        (19, 9, False),
    ],
)
def test_the_papers_rule_at_its_boundaries(better, worse, wins):
    found = win_indices(np.array([better]), np.array([worse]), WinRule())
    assert found.tolist() == ([0] if wins else [])


def test_a_rule_can_be_chosen():
    better, worse = np.array([0, 3, 4]), np.array([2, 5, 40])
    assert win_indices(better, worse, WinRule(max_rank=4, margin=2)).tolist() == [0, 1]


@pytest.mark.parametrize("rule", [{"max_rank": 0}, {"margin": 0}])
def test_a_rule_below_1_is_refused(rule):
    with pytest.raises(InputError, match="expected at least 1, found 0"):
        WinRule(**rule)


def test_two_models_are_compared_in_both_orders():
    first, second = compare([model_of_ranks(A, "a"), model_of_ranks(B, "b")])
    assert (first.better, first.worse) == ("a", "b")
    assert (second.better, second.worse) == ("b", "a")
    found = [(win.item.image_id, win.better_rank, win.worse_rank) for win in first.wins["i2t"]]
    assert found == [(100, 0, 10), (103, 9, 19)]
    found = [(win.item.image_id, win.better_rank, win.worse_rank) for win in second.wins["i2t"]]
    assert found == [(104, 3, 25)]


def test_caption_queries_are_compared_by_the_columns():
    split = make_split([1] * N)
    models = [
        make_model(scores_with_ranks(ranks).T, split, name) for ranks, name in ((A, "a"), (B, "b"))
    ]
    wins = compare(models)[0].wins["t2i"]
    assert [win.item.caption for win in wins] == ["caption 5000", "caption 5003"]


def test_a_model_never_beats_itself():
    comparisons = compare([model_of_ranks(A, "a"), model_of_ranks(A, "again")])
    assert [c.wins for c in comparisons] == [{"i2t": (), "t2i": ()}] * 2


def test_three_models_are_compared_in_six_orders():
    comparisons = compare([model_of_ranks(A, name) for name in "abc"])
    orders = [(c.better, c.worse) for c in comparisons]
    assert orders == [("a", "b"), ("a", "c"), ("b", "a"), ("b", "c"), ("c", "a"), ("c", "b")]


def test_models_of_different_galleries_are_not_compared():
    with pytest.raises(InputError, match="one split file and one --protocol"):
        compare([model_of_ranks(A, "a"), model_of_ranks(B[:-1], "b")])


def test_a_win_is_written_in_the_originals_shape_with_ids_and_captions():
    models = [model_of_ranks(A, "a"), model_of_ranks(B, "b")]
    content = comparison_to_json(compare(models)[0], models[0].gallery)
    assert content["i2t"][0] == {
        "query": 100,
        "a": 0,
        "b": 10,
        "image_id": 100,
        "caption_ids": [5000],
        "captions": ["caption 5000"],
    }


def test_every_key_of_the_originals_comparison_is_in_ours(shared_data):
    original = json.loads((shared_data / "thesis" / "comparison.json").read_text())
    split = make_split([1] * N)
    scores = [scores_with_ranks(ranks) for ranks in (A, B)]
    for direction, entries in original.items():
        views = scores if direction == "i2t" else [s.T for s in scores]
        models = [
            make_model(s, split, name) for s, name in zip(views, ("clip", "lxmert"), strict=True)
        ]
        ours = comparison_to_json(compare(models)[0], split)[direction]
        assert ours
        assert all(entry.keys() >= entries[0].keys() for entry in ours)


def run_comparison(monkeypatch, folder, paths, *options: str) -> dict:
    command = ["comparison", "--rankings", *map(str, paths)]
    command += ["--split_file", str(folder / "test.json"), "--output", str(folder / "wins.json")]
    monkeypatch.setattr(sys, "argv", [*command, *options])
    main()
    return json.loads((folder / "wins.json").read_text())


def test_the_command_writes_both_orders_and_their_counts(tmp_path, monkeypatch, capsys):
    split = make_split([1] * N)
    write_split(tmp_path / "test.json", split)
    paths = [
        save_rankings(tmp_path / name / "test.npz", scores_with_ranks(ranks), split)
        for ranks, name in ((A, "lxmert"), (B, "clip"))
    ]
    content = run_comparison(monkeypatch, tmp_path, paths)
    assert [c["i2t"] for c in content["metadata"]["counts"]] == [2, 1]
    orders = [(c["better"], c["worse"], len(c["i2t"])) for c in content["comparisons"]]
    assert orders == [("lxmert", "clip", 2), ("clip", "lxmert", 1)]
    assert content["metadata"]["rule"] == "better rank < 10 and worse rank - better rank >= 10"
    assert "clip beats lxmert: 1 image queries" in capsys.readouterr().out

    named = run_comparison(monkeypatch, tmp_path, paths, "--names", "A", "B", "--margin", "9")
    assert [(c["better"], len(c["i2t"])) for c in named["comparisons"]] == [("A", 4), ("B", 1)]


def test_the_command_refuses_one_file_and_names_that_are_keys(tmp_path, monkeypatch):
    split = make_split([1] * N)
    write_split(tmp_path / "test.json", split)
    path = save_rankings(tmp_path / "clip" / "test.npz", scores_with_ranks(A), split)
    with pytest.raises(InputError, match="expected at least 2"):
        run_comparison(monkeypatch, tmp_path, [path])
    with pytest.raises(InputError, match=r"other than .*query"):
        run_comparison(monkeypatch, tmp_path, [path, path], "--names", "query", "b")
