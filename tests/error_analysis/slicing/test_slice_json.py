"""The queries of the groups that were found."""

import numpy as np
import pytest
from scipy import sparse

from error_analysis.slicing.groups import Groups
from error_analysis.slicing.slice_findings import Finding, find_slices
from error_analysis.slicing.slice_json import members_to_json, read_members, slices_to_json
from preprocess.base.errors import InputError
from preprocess.base.files import read_json, write_json
from tests.error_analysis.scored import untied

MEMBERS = np.array([[1, 0, 1, 0, 1], [0, 1, 0, 0, 0], [1, 1, 1, 0, 0]], bool)
IDS = {"i2t": np.array([30, 20, 10, 50, 40]), "t2i": np.array([300, 200, 100, 500, 400])}


def groups() -> dict:
    of = Groups(("words", "words", "object"), ("dog", "cat", "dog"), sparse.csr_array(MEMBERS),
                np.arange(5))  # fmt: skip
    return {"i2t": of, "t2i": of}


def finding(direction: str, kind: str, group: str, queries: int, fdr: float) -> Finding:
    numbers = (queries, queries, 50.0, 10.0, 40.0, 60.0, None, None, None, fdr / 2, fdr)
    return Finding("difference", direction, "a", "b", kind, group, *numbers)


FINDINGS = (
    finding("i2t", "words", "dog", 3, 0.01),
    finding("t2i", "object", "dog", 3, 0.05),
    finding("i2t", "words", "cat", 1, 0.2),
)


@pytest.fixture
def written(tmp_path):
    """A file of two findings within its rate, and of one beyond it."""
    ranks = {"a": dict.fromkeys(IDS, untied([0] * 5))}
    content = slices_to_json(ranks, groups(), FINDINGS, IDS, 0.05)
    write_json(tmp_path / "slices.json", {**content, "metadata": {"fdr": 0.05}})
    return tmp_path / "slices.json"


def test_only_groups_that_were_found_tell_their_queries_by_ascending_ids():
    assert members_to_json(FINDINGS, groups(), IDS, 0.05) == {
        "i2t": [{"kind": "words", "group": "dog", "query_ids": [10, 30, 40]}],
        "t2i": [{"kind": "object", "group": "dog", "query_ids": [100, 200, 300]}],
    }
    assert members_to_json(find_slices({}, {}), {}, {}, 0.05) == {}


def test_the_members_are_read_by_direction_kind_and_name(written):
    assert read_members(written) == {
        "i2t": {("words", "dog"): (10, 30, 40)},
        "t2i": {("object", "dog"): (100, 200, 300)},
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c.pop("members"), "KeyError.'members'"),
        (lambda c: c["members"].pop("t2i"), "KeyError.'t2i'"),
        (lambda c: c["members"]["i2t"].clear(), "'words', 'dog'"),
        (lambda c: c["members"]["i2t"][0]["query_ids"].pop(), "not as many as were found"),
        (lambda c: c["members"]["i2t"][0].update(query_ids=["x"]), "ValueError"),
        (lambda c: c.clear(), "KeyError"),
    ],
)
def test_a_file_without_the_members_of_a_finding_is_one_line(written, change, told):
    content = read_json(written, "")
    change(content)
    write_json(written, content)
    with pytest.raises(InputError, match=f"slices.json: not a file of slices .*{told}.*; make it"):
        read_members(written)
