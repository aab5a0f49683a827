"""Results of several captioners and references, in one order."""

import pytest

from captioning.results.matched import match_results
from preprocess.base.errors import InputError
from preprocess.captions.split_file import read_split
from tests.captioning.conftest import results_of, split_of
from tests.captioning.recorded import CAPTIONS, REFERENCES


def test_results_stand_in_the_order_of_the_references(split_file, write_results):
    paths = [
        write_results(results_of(CAPTIONS)[::-1], "a.json"),
        write_results(results_of(CAPTIONS[::-1]), "b.json"),
    ]
    matched = match_results(paths, read_split(split_file))
    assert matched.names == ["10", "11", "12", "13"]
    assert matched.references == REFERENCES
    assert matched.systems == [CAPTIONS, CAPTIONS[::-1]]


def test_of_partial_results_the_images_of_both_are_kept(split_file, write_results):
    paths = [
        write_results(results_of(CAPTIONS)[:3], "a.json"),
        write_results(results_of(CAPTIONS)[1:], "b.json"),
    ]
    matched = match_results(paths, read_split(split_file), partial=True)
    assert matched.names == ["11", "12"]
    assert matched.systems == [CAPTIONS[1:3], CAPTIONS[1:3]]
    apart = [paths[0], write_results(results_of(CAPTIONS)[3:], "c.json")]
    with pytest.raises(InputError, match="no image has a caption in both"):
        match_results(apart, read_split(split_file), partial=True)


def test_captions_are_cut_where_that_is_asked(split_file, write_results):
    path = write_results(results_of(["a " * 18_000, *CAPTIONS[1:]]))
    matched = match_results([path], read_split(split_file), max_words=3)
    assert matched.systems[0][:2] == ["a a a", "Two goats on"]


def test_few_images_are_told(write_results):
    path = write_results(results_of(["a dog"] * 50))
    references = [["a dog"]] * 50
    assert not match_results([path], split_of(references)).told
    path = write_results(results_of(["a dog"] * 49))
    assert "49 images are few" in match_results([path], split_of(references[:49])).told[0]
