"""Tests of error_analysis/verdicts.py."""

import json

import pytest

from error_analysis import verdicts
from error_analysis.reasons.reason import Reason
from tests.conftest import assert_one_clear_line


def test_the_page_lists_every_sampled_query(shared_data, data_dir, run_main) -> None:
    thesis, page = shared_data / "thesis" / "clip_1k_test.json", data_dir / "VERDICTS.md"
    status = run_main(
        verdicts.main,
        *("--thesis_file", thesis, "--training_splits", data_dir / "train.json", "--page", page),
    )
    assert status == 0
    text = page.read_text("utf-8")
    queries = json.loads(thesis.read_text())["t2i"]
    for query in [*queries["hard"], *queries["easy"]]:
        assert f"| {' '.join(query['query'].split())} |" in text
    assert "**typo**: lite, for light" in text
    assert "CC BY 4.0" in text


def test_a_file_of_another_layout_is_one_clear_line(data_dir, run_main) -> None:
    status = run_main(
        verdicts.main,
        *("--thesis_file", data_dir / "train.json"),
        *("--training_splits", data_dir / "train.json", "--page", data_dir / "VERDICTS.md"),
    )
    assert_one_clear_line(status, "train.json", "not a result file of the original")
    assert not (data_dir / "VERDICTS.md").exists()


@pytest.mark.parametrize("query", [{"query": 5, "ground_truth": 1}, {"query": "a dog"}, "a dog"])
def test_a_damaged_query_is_one_clear_line(data_dir, run_main, query) -> None:
    path = data_dir / "thesis.json"
    path.write_text(json.dumps({d: {"hard": [query], "easy": []} for d in ("i2t", "t2i")}))
    status = run_main(
        verdicts.main,
        *("--thesis_file", path, "--training_splits", data_dir / "train.json"),
        *("--page", data_dir / "VERDICTS.md"),
    )
    assert_one_clear_line(status, "thesis.json", "not a result file of the original")


def test_captions_are_shown_as_they_are_and_those_without_text_are_left_out(tmp_path) -> None:
    path = tmp_path / "thesis.json"
    hard = [{"query": text, "ground_truth": i} for i, text in enumerate((" ", "a *red* <b> | dog"))]
    content = {"t2i": {"hard": hard, "easy": []}, "i2t": {"hard": [], "easy": []}}
    path.write_text(json.dumps(content))
    gallery, queries = verdicts.read_gallery(path)
    assert queries == {"hard": [0], "easy": []}
    page = verdicts.verdicts_page(gallery, queries, [(Reason("typo", "`a|b`"),)], "none")
    assert r"| a \*red\* \<b\> \| dog | **typo**: \`a\|b\` |" in page
