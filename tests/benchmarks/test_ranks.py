"""The benchmark of counting ranks, on a small matrix."""

import re

import numpy as np
import pytest

from benchmarks import ranks

N_IMAGES, PER_IMAGE = 20, 3
OPTIONS = ("--n_images", N_IMAGES, "--captions_per_image", PER_IMAGE, "--k", 4, "--repeats", 1)


def test_each_way_has_a_row_and_counted_agrees_with_sorted(monkeypatch, run_main, capsys):
    monkeypatch.setattr(ranks, "peak_memory", ranks._measure_memory)  # no process for each way
    assert run_main(ranks.main, *OPTIONS) == 0
    _, title, header, *lines = capsys.readouterr().out.splitlines()
    n_captions = N_IMAGES * PER_IMAGE
    assert title.startswith(f"{N_IMAGES} x {n_captions} scores, ")
    assert re.split(r"\s{2,}", header.strip()) == ["seconds", "times", "MiB beside", "GB in all"]
    rows = {line[:26].strip(): [*map(float, line[26:].split())] for line in lines[:-2]}
    assert list(rows) == list(ranks.WAYS)
    for seconds, times, beside, whole in rows.values():
        assert min(seconds, times, beside) >= 0
        assert whole > 0
    assert rows[ranks.PLAIN][1] == 1
    for line, direction, n in zip(lines[-2:], ("i2t", "t2i"), (N_IMAGES, n_captions), strict=True):
        assert line == (
            f"{direction}: {n} of {n} ranks without ties are equal, 0 of 0 with ties within the "
            "bounds; scores of the top documents equal"
        )


@pytest.mark.long
def test_memory_is_measured_in_a_process_of_its_own():
    args = ranks.BenchmarkArguments(n_images=500, captions_per_image=5)
    beside, whole = ranks.peak_memory(ranks.PLAIN, args)
    assert 0 <= beside < whole


def test_a_disagreement_is_said():
    scores, index = ranks.random_scores(6, 2)
    counter, by_sorting = ranks.count(scores, index, 3), ranks.sort_axes(scores, index, 3)
    assert "DIFFER" not in ranks.agreement(scores, counter, by_sorting)
    wrong_ranks, top = by_sorting["t2i"][0] + 1, np.roll(by_sorting["t2i"][1], 1, axis=1)
    said = ranks.agreement(scores, counter, {**by_sorting, "t2i": (wrong_ranks, top)})
    assert "t2i: 0 of 12 ranks" in said
    assert "DIFFER" in said
