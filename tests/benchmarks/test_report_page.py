"""The benchmark of the report's pages, on a small report that it draws."""

import pytest

from benchmarks.report_page import FILTERS, main
from tests.error_analysis.browser import find_browser


@pytest.mark.long
@pytest.mark.skipif(
    find_browser() is None, reason="needs a Chromium (Debian, Ubuntu: apt-get install chromium)"
)
def test_a_drawn_report_has_its_bytes_and_milliseconds(run_main, capsys):
    assert run_main(main, "--n_models", "6", "--n_images", "40", "--rounds", "1") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("6 models, 40 images: written in ")
    assert [line.partition(":")[0] for line in lines[1:5]] == [
        "first page", "page of queries", "a part of the queries", "all",
    ]  # fmt: skip
    assert lines[5] == "240 of 240 queries"
    assert len(lines[7:]) == 3 + len(FILTERS)
    for line in lines[7:10]:
        assert all(float(n.replace(",", "")) > 0 for n in line.split()[-2:])


def test_a_folder_that_is_no_report_is_one_line(run_main, tmp_path):
    status = run_main(main, "--report", tmp_path)
    assert "expected a report, found none" in str(status)
