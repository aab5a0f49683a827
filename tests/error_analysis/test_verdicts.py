"""Tests of error_analysis/verdicts.py."""

import json

import pytest

from error_analysis import verdicts
from error_analysis.reasons.reason import Reason
from preprocess.captions.split_file import write_split
from tests.conftest import assert_one_clear_line
from tests.error_analysis.scored import gallery_of

GALLERY = gallery_of(
    ("A dog near a house.", "A dog", "The dog's house"),
    ("Two cats on a mat", "A mat"),
    ("A *red* <b> | bus", "A bus"),
)
THESIS = {
    "t2i": {"hard": [{"query": "a DOG near a house ."}], "easy": [{"query": "A bus"}]},
    "i2t": {"hard": [{"ground_truth": ["A mat"], "retrieved": ["A dog", "Two cats on a mat"]}]},
}


@pytest.fixture
def run(tmp_path, run_main):
    def run(thesis: dict) -> int:
        write_split(tmp_path / "test.json", GALLERY)
        (tmp_path / "thesis.json").write_text(json.dumps(thesis))
        files = ("--thesis_file", tmp_path / "thesis.json", "--split_file", tmp_path / "test.json")
        return run_main(verdicts.main, *files, "--page", tmp_path / "page.md")

    return run


@pytest.mark.long
def test_the_page_lists_every_sampled_query(shared_data, tmp_path, run_main) -> None:
    thesis, page = shared_data / "thesis" / "clip_1k_test.json", tmp_path / "page.md"
    split = shared_data / "coco5k" / "test.json"
    files = ("--thesis_file", thesis, "--split_file", split, "--page", page)
    assert run_main(verdicts.main, *files) == 0
    text = page.read_text("utf-8")
    queries = json.loads(thesis.read_text())["t2i"]
    for query in [*queries["hard"], *queries["easy"]]:
        assert f"| {' '.join(query['query'].split())} |" in text
    assert "**typo**: lite, for light" in text
    assert "CC BY 4.0" in text


def test_queries_are_found_by_their_letters(tmp_path) -> None:
    (tmp_path / "thesis.json").write_text(json.dumps(THESIS))
    sampled = verdicts.find_queries(tmp_path / "thesis.json", GALLERY)
    assert sampled.captions == {"hard": [0], "easy": [6]}
    [query] = sampled.images
    assert query.item.image_id == 1
    assert [truth.item.caption for truth in query.ground_truth] == list(GALLERY.captions[3:5])
    found = [(r.item.caption, r.is_ground_truth) for r in query.retrieved]
    assert found == [("A dog", False), ("Two cats on a mat", True)]


def test_captions_are_shown_as_they_are() -> None:
    sampled = verdicts.Sampled({"hard": [5], "easy": []}, [])
    reasons = [()] * 5 + [(Reason("typo", "`a|b`"),), ()]
    page = verdicts.verdicts_page(GALLERY, sampled, reasons, [], "no other captions")
    assert r"| A \*red\* \<b\> \| bus | **typo**: \`a\|b\` |" in page


def test_a_file_of_another_gallery_is_one_clear_line(run, tmp_path) -> None:
    other = {**THESIS, "t2i": {"hard": [{"query": "A zebra"}], "easy": []}}
    assert_one_clear_line(run(other), "thesis.json", "'A zebra' is not among the 7 of the first 3")
    assert not (tmp_path / "page.md").exists()


@pytest.mark.parametrize("query", [{"query": 5}, {"text": "a dog"}, "a dog", None])
def test_a_file_of_another_layout_is_one_clear_line(run, query) -> None:
    thesis = {**THESIS, "t2i": {"hard": [query], "easy": []}}
    assert_one_clear_line(run(thesis), "thesis.json", "not a result file of the original")
    assert_one_clear_line(run({}), "thesis.json", "not a result file of the original")
