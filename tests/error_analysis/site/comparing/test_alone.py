import numpy as np

from error_analysis.queries.hard_overlap import overlap_of
from error_analysis.site.comparing.alone import find_alone

#                all, none, a finds, a misses, c misses
HARD = np.array([[1, 0, 0, 1, 0], [1, 0, 1, 0, 0], [1, 0, 1, 0, 1]], bool)


def test_what_all_miss_and_what_one_alone_finds_or_misses():
    found = find_alone({"t2i": overlap_of("abc", HARD)})
    assert (found.found_by_all, found.missed_by_all) == ({"t2i": 1}, {"t2i": 1})
    assert {name: of["t2i"] for name, of in found.found.items()} == {"a": 1, "b": 0, "c": 0}
    assert {name: of["t2i"] for name, of in found.missed.items()} == {"a": 1, "b": 0, "c": 1}


def test_of_two_models_the_overlap_tells_it():
    assert find_alone({"t2i": overlap_of("ab", HARD[:2])}) is None
