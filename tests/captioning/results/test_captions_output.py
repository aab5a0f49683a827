"""Captions as files: COCO's format alone, and how they were made beside it."""

import json

from captioning.results.caption_counts import count_captions
from captioning.results.captions_output import settings_path, told_of, write_captions
from captioning.results.results_file import read_results
from preprocess.base.files import read_json, sha256_of_file
from tests.captioning.conftest import split_of


def test_captions_are_a_plain_list_that_evaluation_reads(tmp_path):
    path = tmp_path / "test_captions.json"
    write_captions(path, [10, 11], ["a dog", ""], {"model": "m"})
    entries = [{"image_id": 10, "caption": "a dog"}, {"image_id": 11, "caption": ""}]
    assert json.loads(path.read_text("utf-8")) == entries
    found = read_results(path, split_of([["a dog"], ["a cat"]]))
    assert found.captions == {10: "a dog", 11: ""}


def test_the_settings_stand_beside_and_know_the_captions_hash(tmp_path):
    path = tmp_path / "test_captions.json"
    write_captions(path, [10], ["a dog"], {"model": "m"})
    assert settings_path(path).name == "test_captions_settings.json"
    settings = read_json(settings_path(path), "made by this test")
    assert settings == {"model": "m", "captions_sha256": sha256_of_file(path)}


def test_cut_captions_are_told():
    counts = count_captions(["1", "2"], ["a dog", "a cat"])
    assert told_of(counts, []) == []
    [line] = told_of(counts, ["2"])
    assert line == "1 of 2 captions were cut at the limit of words: 2"
