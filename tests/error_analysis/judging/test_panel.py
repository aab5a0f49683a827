"""Several judges of one gallery."""

from dataclasses import replace

import pytest

from error_analysis.judging.judgements import write_judgements
from error_analysis.judging.panel import read_panel
from preprocess.base.errors import InputError, InputWarning
from tests.error_analysis.judging.judged import caption, file_of, image, panel_of_files


def test_the_majority_is_more_than_half_of_those_who_judged_a_query():
    panel = panel_of_files(
        file_of("a", caption(1, "typo"), caption(2, "typo"), caption(3, "x"), caption(4, "none")),
        file_of("b", caption(1, "Typo", "x"), caption(2, "x"), caption(4, "none")),
        file_of("c", caption(1, "x"), caption(4, "typo"), caption(2, note="hm")),
    )
    assert panel.majority() == {
        "t2i-1": {"typo", "x"},  # two of three
        "t2i-2": set(),  # one of two each: a tie; who left a note alone has not judged
        "t2i-3": {"x"},
        "t2i-4": {"none"},
    }


def test_tags_of_other_case_are_one_and_none_is_last():
    panel = panel_of_files(
        file_of("a", caption(1, "none"), caption(2, "long modifier"), tags=("Typo",)),
        file_of("b", caption(1, "typo"), image(7, "Long  modifier".replace("  ", " "))),
    )
    assert list(panel.tags.values()) == ["Typo", "long modifier", "none"]
    assert panel.votes["b"] == {"t2i-1": {"typo"}, "i2t-7": {"long modifier"}}
    assert list(panel.given(panel.votes["b"])) == ["typo", "long modifier"]


def test_two_files_of_one_judge_are_refused():
    with pytest.raises(InputError, match=r"anna\.json: expected another judge than in Anna\.json"):
        panel_of_files(file_of("Anna", caption(1, "x")), file_of("anna", caption(1, "x")))


def test_files_of_other_galleries_are_refused():
    one, other = file_of("a", caption(1, "x")), file_of("b", caption(2, "x"))
    with pytest.raises(InputError, match=r"b\.json: expected judgements of the gallery of a\.json"):
        panel_of_files(one, replace(other, gallery_sha256="b2" * 32))
    untold = replace(other, gallery_sha256=None)  # a CSV's
    assert len(panel_of_files(one, untold).image_of) == 2
    elsewhere = replace(untold, judgements=(caption(1, "x", image=9),))
    with pytest.raises(InputError, match=r"b\.json: t2i-1 is of image 9, and of 1001 in a file"):
        panel_of_files(one, elsewhere)


def test_files_without_a_judged_query_are_told(tmp_path):
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    write_judgements(paths[0], file_of("a", caption(1, note="hm")))
    write_judgements(paths[1], file_of("b", caption(1, "typo")))
    with pytest.raises(InputError, match=r"a\.json: expected judgements with tags, found none"):
        read_panel(paths[:1])
    with pytest.warns(InputWarning, match=r"a\.json: no query has a tag"):
        panel, files = read_panel(paths)
    assert panel.votes["a"] == {}
    assert [file.judge for file in files] == ["a", "b"]
