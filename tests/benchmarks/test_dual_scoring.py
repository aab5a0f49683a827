"""The benchmark of CLIP's scoring, on a tiny CLIP."""

import re

from benchmarks import dual_scoring
from tests.conftest import assert_one_clear_line, save_clip, save_lxmert


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def number(cell: str) -> float:
    return float(re.match(r"[\d.,]+", cell)[0].replace(",", ""))


def test_both_tables_are_printed_and_both_ways_give_the_same_scores(tmp_path, run_main, capsys):
    model = save_clip(tmp_path / "clip")
    sizes = ("--n_images", 2, "--n_captions", 6, "--n_files", 3, "--batch_size", 4)
    options = ("--model_name_or_path", model, "--repeats", 1, "--device", "cpu")
    assert run_main(dual_scoring.main, *sizes, *options) == 0
    printed = capsys.readouterr().out
    rows = [cells_of(line) for line in printed.splitlines() if line.startswith("|")]
    header, _, measured, extrapolated, of_files, _, *decoding = rows
    assert header == [f"{model}, float32, no decoding", "every pair", "encoded once", "ratio"]
    assert [measured[0], extrapolated[0]] == ["2 images x 6 captions, measured", "1K, extrapolated"]
    for cells in (measured, extrapolated):
        assert min(number(cell) for cell in cells[1:]) >= 0
    assert number(extrapolated[3]) > 1
    assert float(re.search(r"between the ways: ([\d.e+-]+)\.\s", printed)[1]) < 1e-4
    assert of_files == ["3 images of 640 x 480 from their file, float32", "ms an image"]
    assert [name.partition(",")[0] for name, _ in decoding] == [
        "decoding and preprocessing alone",
        "model alone",
        "both",
        "both",
    ]
    assert min(number(milliseconds) for _, milliseconds in decoding) > 0


def test_a_model_of_another_type_is_refused(tmp_path, run_main):
    model = save_lxmert(tmp_path / "lxmert")
    status = run_main(dual_scoring.main, "--model_name_or_path", model, "--device", "cpu")
    assert_one_clear_line(status, model, "expected a CLIP, found lxmert")
