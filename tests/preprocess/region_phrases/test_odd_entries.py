"""Odd entries among others, and files of nothing else."""

import pytest

from preprocess.base.errors import InputError
from preprocess.region_phrases.odd_entries import ALL_ODD, OddEntries
from preprocess.region_phrases.tally import Tally


def box_of(entry):
    return entry["box"]


@pytest.mark.parametrize("odd", [{}, 5, None, "a\nb", [], {"b": "x" * 1000}])
def test_an_odd_entry_among_others_is_left_out_and_counted(odd):
    tally = Tally()
    entries = OddEntries("regions", tally, "a hint")
    assert [entries.read(box_of, e, "a.json") for e in (odd, {"box": 1})] == [None, 1]
    entries.check()
    (line,) = tally.lines()
    assert line.startswith("1 regions of another format left out: a.json: ")
    assert "\n" not in line
    assert len(line) < 200


def test_a_file_of_odd_entries_alone_is_refused_at_its_end():
    entries = OddEntries("regions", Tally(), "a hint")
    entries.check()  # of nothing
    for number in range(3):
        entries.read(box_of, {"id": number}, "a.json")
    with pytest.raises(InputError, match=r"^a\.json: \{'id': 0\}: found no member 'box'; a hint$"):
        entries.check()


def test_a_long_file_of_another_format_is_not_read_to_its_end():
    entries = OddEntries("regions", Tally(), "a hint")
    for _ in range(ALL_ODD - 1):
        entries.read(box_of, {}, "a.json")
    with pytest.raises(InputError, match="found no member 'box'; a hint"):
        entries.read(box_of, {}, "a.json")
    entries = OddEntries("regions", Tally(), "a hint")
    entries.read(box_of, {"box": 1}, "a.json")
    assert [entries.read(box_of, {}, "a.json") for _ in range(ALL_ODD)] == [None] * ALL_ODD
