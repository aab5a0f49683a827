import json

import pytest

from error_analysis.judging.judgement import Judgement
from error_analysis.judging.judgements import (
    JudgementFile,
    gallery_sha256,
    read_judgements,
    write_judgements,
)
from error_analysis.queries.query import caption_items, image_items
from error_analysis.site.notebook.judging_panel import JudgingPanel
from preprocess.base.errors import InputError
from tests.error_analysis.scored import make_split

SPLIT = make_split([1] * 3)
IMAGES, CAPTIONS = image_items(SPLIT), caption_items(SPLIT)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "anna.json"


def panel_of(path, judge="Anna", tags=("typo", "low quality")) -> JudgingPanel:
    return JudgingPanel(SPLIT, judge, tags, path)


def put_on(panel: JudgingPanel) -> list[str]:
    return [tag for tag, button in panel.tags.items() if button.value]


def save_one(path, judge="Anna", split=SPLIT, tags=("typo",)) -> None:
    one = Judgement("t2i-5000", "t2i", 100, 5000, "caption 5000", tags)
    file = JudgementFile(judge, gallery_sha256(split), "tiny", "test", ("typo", "mine"), (one,))
    write_judgements(path, file)


def test_what_is_judged_is_saved_as_the_report_exports_it(path):
    panel = panel_of(path)
    panel.show(CAPTIONS[1])
    panel.tags["typo"].value = True
    panel.tags["low quality"].value = True
    panel.note.value = " blurred "
    panel.show(IMAGES[2])
    panel.tags["none"].value = True
    panel.save.click()
    assert "2 judgements saved" in panel.status.value
    file = read_judgements(path)
    assert (file.judge, file.dataset, file.split) == ("Anna", "tiny", "test")
    assert file.gallery_sha256 == gallery_sha256(SPLIT)
    assert file.tags == ("typo", "low quality")
    assert file.judgements == (
        Judgement("t2i-5001", "t2i", 101, 5001, "caption 5001", ("typo", "low quality"), "blurred"),
        Judgement("i2t-102", "i2t", 102, None, "102.jpg", ("none",)),
    )


def test_none_and_the_tags_exclude_each_other(path):
    panel = panel_of(path)
    panel.show(CAPTIONS[0])
    panel.tags["typo"].value = True
    panel.tags["none"].value = True
    assert put_on(panel) == ["none"]
    panel.tags["typo"].value = True
    panel.tags["low quality"].value = True
    assert put_on(panel) == ["typo", "low quality"]


def test_another_query_shows_its_own_tags_and_is_not_judged_by_that(path):
    panel = panel_of(path)
    panel.show(CAPTIONS[0])
    panel.tags["typo"].value = True
    panel.note.value = "one"
    panel.show(CAPTIONS[1])
    assert (put_on(panel), panel.note.value) == ([], "")
    panel.show(CAPTIONS[0])
    assert (put_on(panel), panel.note.value) == (["typo"], "one")
    assert list(panel.judgements) == ["t2i-5000"]


def test_without_a_query_there_is_nothing_to_judge(path):
    panel = panel_of(path)
    panel.show(None)
    panel.tags["typo"].value = True
    assert panel.judgements == {}


def test_the_next_session_goes_on_where_the_last_one_saved(path):
    save_one(path)
    panel = panel_of(path, judge="", tags=("low quality",))
    assert panel.judge.value == "Anna"
    assert list(panel.tags) == ["low quality", "typo", "mine", "none"]
    panel.show(CAPTIONS[0])
    assert put_on(panel) == ["typo"]
    panel.show(CAPTIONS[1])
    panel.tags["low quality"].value = True
    panel.save.click()
    assert [one.query for one in read_judgements(path).judgements] == ["t2i-5000", "t2i-5001"]


def test_what_is_taken_back_is_not_in_the_file_any_more(path):
    save_one(path)
    panel = panel_of(path)
    panel.show(CAPTIONS[0])
    panel.tags["typo"].value = False
    panel.save.click()
    assert read_judgements(path).judgements == ()


def test_what_the_file_got_meanwhile_is_kept(path):
    panel = panel_of(path)
    panel.show(CAPTIONS[2])
    panel.tags["typo"].value = True
    save_one(path)
    panel.save.click()
    queries = {one.query for one in read_judgements(path).judgements}
    assert queries == {"t2i-5000", "t2i-5002"}


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda path: save_one(path, judge="Ben"),
            "expected judgements of Anna, found those of Ben",
        ),
        (lambda path: save_one(path, split=make_split([1] * 4)), "found those of another"),
        (lambda path: path.write_text("{"), "anna.json"),
    ],
)
def test_a_file_of_others_is_not_written_over(path, make, told):
    make(path)
    before = path.read_bytes()
    panel = panel_of(path)
    assert told in panel.status.value
    panel.show(CAPTIONS[0])
    panel.tags["typo"].value = True
    panel.save.click()
    assert told in panel.status.value
    assert path.read_bytes() == before


def test_a_judge_has_a_name(path):
    panel = panel_of(path, judge=" ")
    panel.save.click()
    assert "give your name" in panel.status.value
    assert not path.exists()


def test_a_name_that_ends_otherwise_is_told(path):
    panel = panel_of(path)
    panel.path.value = str(path.with_suffix(".xlsx"))
    panel.save.click()
    assert "expected a name that ends in .json or .csv" in panel.status.value


def test_the_file_is_read_as_the_page_reads_it(path):
    panel = panel_of(path)
    panel.show(IMAGES[0])
    panel.tags["none"].value = True
    panel.save.click()
    content = json.loads(path.read_text("utf-8"))
    assert content["judgements"][0]["tags"] == ["none"]
    assert content["judgements"][0]["caption_id"] is None


def test_a_tag_with_the_semicolon_of_csv_is_refused_at_once(path):
    with pytest.raises(InputError, match="expected none with ';', found 'a;b'"):
        panel_of(path, tags=("typo", "a;b"))
