"""Tests of error_analysis/reasons/verdicts.py."""

import json

from error_analysis.reasons import verdicts
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
