"""The fault campaign, shortened: few kills, few damaged bytes, always the same ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.faulting.results import Result, markdown_table

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, limits and kills as Linux")

ROOT = Path(__file__).resolve().parents[2]
FEW = ("--kills", "3", "--stops", "1", "--flips", "30")
QUICK = ("splits", "images", "features", "scoring")


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> list[dict[str, list[int]]]:
    """The numbers of each table by row, of a run in which nothing failed."""
    folder = tmp_path_factory.mktemp("faults")
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.faults", "--folder", folder, *FEW, "--commands", *QUICK],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert list(folder.iterdir()) == []  # nothing is left behind
    found: list[dict[str, list[int]]] = []
    for line in ran.stdout.splitlines():
        first, *numbers = line.strip("| ").split(" | ")
        if first == "---":
            found.append({})
        elif numbers and numbers[0].isdecimal():
            found[-1][first] = list(map(int, numbers))
    return found


@pytest.mark.long
def test_a_killed_command_repeated_makes_the_uninterrupted_result(tables):
    assert tables[0].keys() == set(QUICK)
    assert sum(at_work for _, at_work, _, _ in tables[0].values()) >= 4
    assert [failed for *_, failed in tables[0].values()] == [0] * len(QUICK)


@pytest.mark.long
def test_a_command_run_twice_at_once_makes_the_uninterrupted_result(tables):
    assert tables[1].keys() == set(QUICK)
    # The first holds its output before the second asks for it: on a busy machine it may be done
    # with it by then, and the second makes it again.
    n_trials, n_stopped, n_made, n_failed = tables[1]["scoring"]
    assert (n_stopped + n_made, n_failed) == (n_trials, 0)
    assert all(n_failed == 0 for *_, n_failed in tables[1].values())


@pytest.mark.long
def test_outputs_that_cannot_be_written_are_one_clear_line(tables):
    for table, n_trials in ((tables[2], 5), (tables[3], 3)):
        assert table == {name: [n_trials, n_trials, 0] for name in QUICK}


@pytest.mark.long
def test_damaged_files_are_read_right_or_refused(tables):
    assert len(tables[4]) == 15
    for n_trials, n_refused, n_right, n_failed in tables[4].values():
        assert (n_trials, n_failed) == (20 + 30, 0)
        assert n_refused + n_right == n_trials
        assert n_refused >= 40


def test_a_failure_is_a_row_and_a_line():
    result = Result("splits")
    result.held("well")
    result.failed("killed after 1 s: gone")
    assert result.failures == ["splits: killed after 1 s: gone"]
    table = "| x | trials | well | failed |\n| --- | --: | --: | --: |\n| splits | 2 | 1 | 1 |"
    assert markdown_table("x", [result], ("well",)) == table
