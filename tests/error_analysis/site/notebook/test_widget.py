import pytest

from error_analysis.explaining.query_reasons import Evidence, explain_model
from error_analysis.judging.judgements import read_judgements
from error_analysis.reasons.reason import Reason
from error_analysis.site.notebook.widget import matching_queries, query_browser
from preprocess.storage.images_file import ImagesFile
from tests.error_analysis.scored import make_model, make_split, save_images, scores_with_ranks

# Ranks of caption queries: caption 5000 + i, of image 100 + i.
A = [0, 12, 10, 25, 12] + [0] * 25
B = [15, 0, 29, 3, 12] + [0] * 25
SPLIT = make_split([1] * 30, "A photo, number {}")
FIRST, SECOND = (
    make_model(scores_with_ranks(ranks).T, SPLIT, name) for ranks, name in ((A, "a"), (B, "b"))
)
TYPO, VAGUE = Reason("typo", "x, for y", "y"), Reason("underspecified", "many")
OF_CAPTION = ((), (TYPO,), (VAGUE,), (TYPO, VAGUE), (), *[()] * 25)
EXPLAINED = {
    m.name: explain_model(m, Evidence(OF_CAPTION, {}, None, None)) for m in (FIRST, SECOND)
}


@pytest.fixture
def images(tmp_path) -> ImagesFile:
    return ImagesFile(save_images(tmp_path / "images.h5", SPLIT))


@pytest.fixture
def browser(images, tmp_path):
    return query_browser([FIRST, SECOND], images, EXPLAINED, "Anna", path=tmp_path / "anna.json")


def found(**filters) -> list[int]:
    return matching_queries(FIRST, SECOND, "t2i", **filters).tolist()


def test_all_queries_are_found_worst_rank_first_and_equals_in_order():
    assert found()[:6] == [3, 1, 4, 2, 0, 5]
    assert len(found()) == 30


def test_ranks_are_bounded_and_the_bounds_included():
    assert found(lowest=10, highest=12) == [1, 4, 2]


def test_a_difference_counts_places_that_the_first_is_worse():
    assert found(least_difference=12) == [3, 1]
    assert found(lowest=10, sort="difference") == [3, 1, 4, 2]  # 22, 12, 0 and -19


def test_a_query_has_all_of_the_words_in_any_case():
    assert found(words="PHOTO 5003") == [3]
    assert found(words="dog 5003") == []


def test_an_image_query_says_what_its_captions_say():
    split = make_split([2] * 15, "number {}")
    model = make_model(scores_with_ranks([0] * 30)[:15], split)
    assert matching_queries(model, model, "i2t", words="5003 5002").tolist() == [1]


def test_a_reason_is_that_of_the_first_model():
    assert found(reason="typo", explained=EXPLAINED["a"]) == [3, 1]
    assert matching_queries(SECOND, FIRST, "t2i", reason="typo", explained=EXPLAINED["b"]).size == 0
    assert found(reason="typo") == []


def test_the_widget_begins_with_the_hard_captions_of_the_first_model(browser):
    assert browser.count.value == "4 of 30 caption queries; number 1"
    assert "A photo, number 5003" in browser.card.value
    assert "x, for y" in browser.card.value


def test_next_and_previous_go_through_what_was_found_and_no_further(browser):
    assert browser.previous.disabled
    for _ in range(9):
        browser.next.click()
    assert browser.count.value.endswith("number 4")
    assert "A photo, number 5002" in browser.card.value
    assert browser.next.disabled
    browser.previous.click()
    assert browser.count.value.endswith("number 3")


def test_fields_filter_and_begin_anew(browser):
    browser.next.click()
    browser.least_difference.value = "1"
    assert browser.count.value == "2 of 30 caption queries; number 1"
    browser.reason.value = "underspecified"
    assert browser.found.tolist() == [3]
    browser.reason.value, browser.least_difference.value = "", ""
    browser.words.value = "5004"
    assert browser.found.tolist() == [4]


def test_the_models_are_exchanged(browser):
    browser.first.value, browser.second.value = 1, 0
    browser.sort.value = "difference"
    assert browser.found.tolist() == [2, 0, 4]


def test_image_queries_have_a_card_too(browser):
    browser.lowest.value, browser.highest.value = "", ""
    browser.direction.value = "i2t"
    assert browser.count.value == "30 of 30 image queries; number 1"
    assert "<article" in browser.card.value


def test_nothing_found_is_said_and_nothing_is_judged(browser):
    browser.words.value = "no such word"
    assert browser.count.value == "0 of 30 caption queries"
    assert browser.card.value == ""
    browser.judging.tags["typo"].value = True
    assert browser.judging.judgements == {}


def test_what_is_no_number_is_told(browser):
    browser.lowest.value = "<ten>"
    assert "rank from: expected a number, found &#39;&lt;ten&gt;&#39;" in browser.count.value
    browser.lowest.value = "12"
    assert browser.count.value == "3 of 30 caption queries; number 1"


def test_the_shown_query_is_judged_and_saved(browser, tmp_path):
    browser.judging.tags["typo"].value = True
    browser.next.click()
    assert not browser.judging.tags["typo"].value
    browser.judging.tags["none"].value = True
    browser.judging.save.click()
    given = read_judgements(tmp_path / "anna.json").judgements
    assert [(one.query, one.tags) for one in given] == [
        ("t2i-5003", ("typo",)),
        ("t2i-5001", ("none",)),
    ]


def test_the_tags_are_the_reasons_or_those_of_the_paper_or_those_asked_for(images, tmp_path):
    def offered(*arguments, **options) -> list[str]:
        path = tmp_path / "none.json"
        return list(query_browser([FIRST], images, *arguments, path=path, **options).judging.tags)

    assert offered(EXPLAINED) == ["underspecified", "typo", "none"]
    assert "long modifier" in offered()
    assert offered(tags=["mine"]) == ["mine", "none"]


def test_one_model_is_browsed_alone(images, tmp_path):
    browser = query_browser([FIRST], images, path=tmp_path / "none.json")
    assert browser.count.value == "4 of 30 caption queries; number 1"
