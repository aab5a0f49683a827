"""A cascade's .npz: what is read is what was written, and anything else is refused in one line."""

import json
from pathlib import Path

import numpy as np
import pytest

from information_retrieval.combining.cascade_result import Cascade, cascade_table, read_cascade
from information_retrieval.combining.shortlist import cascade_metrics
from information_retrieval.ranking.npz_file import write_npz
from information_retrieval.ranking.rankings import Rankings, rank_scores, write_rankings
from preprocess.base.errors import InputError
from tests.conftest import make_split
from tests.information_retrieval.combining.saved_cascade import first_and_second, save_cascade

SPLIT = make_split(25, "test")
FIRST, SECOND = first_and_second(SPLIT)
METADATA = {"split_sha256": SPLIT.sha256, "protocol": "full", "path": "mine/test.npz"}
RANKINGS = rank_scores(SECOND, SPLIT, METADATA)


@pytest.fixture
def path(tmp_path) -> Path:
    save_cascade(tmp_path / "test.npz", FIRST, SECOND, SPLIT, 12)
    return tmp_path / "test.npz"


def changed(path: Path, **arrays) -> Path:
    """The file with other arrays; None leaves one out."""
    with np.load(path) as archive:
        content = {**archive, **arrays}
    write_npz(path, {name: array for name, array in content.items() if array is not None})
    return path


def refusal(path: Path, rankings: Rankings = RANKINGS) -> str:
    with pytest.raises(InputError) as caught:
        read_cascade(path, rankings)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line


@pytest.mark.parametrize("k", [10, 12, 10_000])
def test_what_is_read_has_the_metrics_that_were_written(tmp_path, k):
    written = save_cascade(tmp_path / "test.npz", FIRST, SECOND, SPLIT, k)
    cascade = read_cascade(tmp_path / "test.npz", RANKINGS)
    assert cascade_metrics(cascade.ranks) == written["metrics"]
    assert cascade_metrics(cascade.ranks, "pessimistic") == written["bounds"]["pessimistic"]
    assert (cascade.shortlist, cascade.pairs_scored, cascade.pairs) == (
        k,
        written["pairs_scored"],
        written["pairs"],
    )
    assert cascade.metadata["first_stage"]["model"] == "the first"
    assert written["metrics"]["t2i_tied"] > 0


def test_the_table_tells_both_stages_and_the_ceiling(tmp_path):
    written = save_cascade(tmp_path / "test.npz", FIRST, SECOND, SPLIT, 12)
    table = cascade_table(written, "first.npz", "second")
    assert table.startswith("second orders the top 12 of first.npz")
    for number in (written["metrics"]["t2i_ceiling"], written["first_stage"]["metrics"]["i2t_r1"]):
        assert f"{number:.2f}" in table


def test_rankings_given_instead_are_told(tmp_path):
    write_rankings(tmp_path / "test.npz", RANKINGS)
    assert "expected the .npz of a cascade, found rankings" in refusal(tmp_path / "test.npz")


def test_a_cascade_over_another_gallery_is_told(path, tmp_path):
    fewer = SPLIT.first(24)
    n = len(fewer.captions)
    less = rank_scores(SECOND[:24, :n], fewer, METADATA)
    line = refusal(path, less)
    assert "expected the gallery of mine/test.npz (24 images" in line
    assert "found another image_ids (25 images" in line
    other = rank_scores(SECOND, SPLIT, {**METADATA, "split_sha256": "other"})
    assert "another split_sha256" in refusal(path, other)
    write_npz(tmp_path / "no.npz", {"image_ids": SPLIT.image_ids})
    assert "not the .npz of a cascade (KeyError('metadata'))" in refusal(tmp_path / "no.npz")


def test_a_missing_or_cut_file_is_told(path, tmp_path):
    assert "no such file" in refusal(tmp_path / "none.npz")
    whole = path.read_bytes()
    for part in (whole[: len(whole) // 2], b"", b"no archive"):
        path.write_bytes(part)
        assert "found a damaged or foreign file" in refusal(path)


def test_a_file_whose_bytes_were_changed_is_told_or_read_as_it_was(path):
    whole, as_written = path.read_bytes(), read_cascade(path, RANKINGS)
    generator = np.random.default_rng(0)
    for place in generator.integers(0, len(whole), 60):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            found = read_cascade(path, RANKINGS)
        except InputError:
            continue
        assert same(found, as_written)  # a byte that says nothing, such as of an archive's date


def same(one: Cascade, other: Cascade) -> bool:
    return (one.shortlist, one.pairs_scored) == (other.shortlist, other.pairs_scored) and (
        cascade_metrics(one.ranks) == cascade_metrics(other.ranks)
    )


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("i2t_shortlist", lambda a: a[:, :-1], "of shape (25, 11), expected (25, 12)"),
        ("t2i_shortlist_scores", lambda a: a[1:], "t2i_shortlist of shape"),
        ("t2i_shortlist", lambda a: a - 30, "not all are positions of 25"),
        ("i2t_shortlist", lambda a: a.astype(float), "not all are positions of"),
        ("i2t_shortlist_scores", lambda a: a * np.nan, "not all are finite"),
        ("i2t_shortlist_scores", lambda a: -a, "i2t_ranks_at_least are not those of its scores"),
        ("t2i_censored", lambda a: ~a, "t2i_ranks_at_least are not those of its scores"),
        ("t2i_censored", lambda _: None, "KeyError('t2i_censored')"),
        ("metadata", lambda _: np.array("{"), "JSONDecodeError"),
        ("metadata", lambda _: np.array("[]"), "AttributeError"),
        ("metadata", lambda a: np.array(json.dumps({**json.loads(str(a)), "shortlist": "12"})),
         "TypeError"),
    ],
)  # fmt: skip
def test_contents_that_do_not_agree_are_told(path, name, change, told):
    with np.load(path) as archive:
        array = archive[name]
    assert told in refusal(changed(path, **{name: change(array)}))
