import json
import sys
from itertools import product

import numpy as np
import pytest

from error_analysis.comparison import QUERY_KEYS, comparison_to_json, main
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query import describe_queries
from error_analysis.queries.query_json import query_to_json
from error_analysis.queries.wins import Comparison, WinRule, compare, win_indices
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from preprocess.base.errors import InputError
from preprocess.captions.split_file import write_split
from tests.conftest import assert_one_clear_line
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


def image_ids_and_ranks(comparison: Comparison) -> list[tuple[int, float, float]]:
    wins = comparison.wins["i2t"]
    return [(win.better.item.image_id, win.better.rank, win.worse.rank) for win in wins]


def two_models(direction: Direction, *names: str) -> list[ModelRankings]:
    """Models under which the queries of a direction have the ranks A and B."""
    split, scores = make_split([1] * N), [scores_with_ranks(ranks) for ranks in (A, B)]
    if direction == "t2i":
        scores = [matrix.T for matrix in scores]
    return [make_model(matrix, split, name) for matrix, name in zip(scores, names, strict=True)]


def written(direction: Direction, *names: str) -> list[dict]:
    """The queries that the first model wins, as they are written."""
    return comparison_to_json(compare(two_models(direction, *names))[0])[direction]


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
    assert image_ids_and_ranks(first) == [(100, 0, 10), (103, 9, 19)]
    assert image_ids_and_ranks(second) == [(104, 3, 25)]


def test_caption_queries_are_compared_by_the_columns():
    wins = compare(two_models("t2i", "a", "b"))[0].wins["t2i"]
    assert [win.better.item.caption for win in wins] == ["caption 5000", "caption 5003"]


def test_those_of_the_largest_difference_are_listed_in_the_order_of_the_gallery():
    worse = model_of_ranks([20, 30, 11, 25, 0] + [0] * 30, "b")
    models = [model_of_ranks([0] * 35, "a"), worse]
    assert [win.worse.rank for win in compare(models)[0].wins["i2t"]] == [20, 30, 11, 25]
    assert [win.worse.rank for win in compare(models, most=2)[0].wins["i2t"]] == [30, 25]
    assert compare(models, most=0)[0].wins["i2t"] == ()


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


def test_an_image_query_is_written_with_its_captions_and_best_score_under_each_model():
    others = np.eye(6, dtype=np.float32)[[2, 4]]
    a = np.array([[0.25, 0.75, 1.0, 0.5, 0.0, 0.0], *others])  # second caption at rank 1
    b = np.array([[0.5, 0.25, 1.0, 2.0, 3.0, 4.0], *others])  # first caption at rank 4
    split = make_split([2, 2, 2])
    order = compare(
        [make_model(a, split, "a"), make_model(b, split, "b")], WinRule(max_rank=2, margin=3)
    )[0]
    [entry] = comparison_to_json(order)["i2t"]
    views = entry.pop("by_model")
    assert entry == {
        "query": 100,
        "ground_truth": ["caption 5000", "caption 5001"],
        "image_id": 100,
        "ground_truth_caption_ids": [5000, 5001],
        "a": 1,
        "b": 4,
    }
    assert {name: (view["rank"], view["score"]) for name, view in views.items()} == {
        "a": (1, 0.75),
        "b": (4, 0.5),
    }
    assert views["b"]["retrieved_caption_ids"] == [5005, 5004, 5003, 5002, 5000, 5001]
    assert views["b"]["retrieved_scores"] == [4.0, 3.0, 2.0, 1.0, 0.5, 0.25]


def test_a_caption_query_is_written_with_its_ids_and_ten_images_of_each_model():
    first, _ = written("t2i", "a", "b")
    assert (first["query"], first["image_id"], first["caption_id"]) == ("caption 5000", 100, 5000)
    assert (first["ground_truth"], first["a"], first["b"]) == (100, 0, 10)
    assert [first["by_model"][name]["score"] for name in "ab"] == [0, 0]
    assert first["by_model"]["a"]["retrieved"][0] == 100
    assert first["by_model"]["b"]["retrieved"] == list(range(101, 111))
    assert first["by_model"]["b"]["retrieved_scores"] == [1] * 10


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_win_has_what_mining_writes_of_the_query_under_each_model(direction):
    models = two_models(direction, "a", "b")
    wins = compare(models)[0].wins[direction]
    for win, entry in zip(wins, written(direction, "a", "b"), strict=True):
        for model in models:
            [query] = describe_queries(model, direction, [win.better.index])
            assert (
                query_to_json(query).items() <= {**entry, **entry["by_model"][model.name]}.items()
            )


def test_no_model_may_be_named_as_a_key_of_a_query():
    keys = {key for d in DIRECTIONS for entry in written(d, "a", "b") for key in entry}
    assert keys == {*QUERY_KEYS, "a", "b"}


@pytest.mark.parametrize(("direction", "differing"), [("i2t", {"query"}), ("t2i", set())])
def test_keys_and_types_are_the_originals_but_for_image_ids(direction, differing, shared_data):
    original = json.loads((shared_data / "thesis" / "comparison.json").read_text())[direction]
    ours = written(direction, "clip", "lxmert")
    for entry, theirs in product(ours, original):
        assert entry.keys() >= theirs.keys()
        assert {k for k in theirs if type(entry[k]) is not type(theirs[k])} == differing
    # An image id is an int here, and in the original's mined queries; in its comparison it is text.
    if direction == "i2t":
        assert (type(ours[0]["query"]), type(original[0]["query"])) == (int, str)


@pytest.mark.parametrize(("direction", "our_type"), [("i2t", str), ("t2i", int)])
def test_retrieved_is_the_originals_but_for_image_ids(direction, our_type, shared_data):
    path = shared_data / "thesis" / "clip_retrievals_for_lxmert.json"
    original = json.loads(path.read_text())[direction]
    for entry, theirs in product(written(direction, "clip", "lxmert"), original):
        ours = {"query": entry["query"], **entry["by_model"]["clip"]}
        assert ours.keys() >= theirs.keys()
        assert len(ours["retrieved"]) == len(theirs["retrieved"]) == 10
        assert {type(document) for document in ours["retrieved"]} == {our_type}
        assert {type(document) for document in theirs["retrieved"]} == {str}


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
    low, high = content["metadata"]["counts"][1]["wins_interval"]["i2t"]
    shown = f"clip beats lxmert: 1 [{low:.0f}, {high:.0f}] image queries"
    assert shown in capsys.readouterr().out

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


@pytest.mark.parametrize("option", ["--max_rank", "--margin"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_rule_below_1_is_one_line(tmp_path, run_main, option, value):
    files = ["--rankings", "a.npz", "b.npz", "--split_file", tmp_path / "test.json"]
    status = run_main(main, *files, "--output", tmp_path / "wins.json", option, value)
    assert_one_clear_line(status, option, f"expected at least 1, found {value}")
