"""Judging by hand in the report, and the files that it exports, in a real browser."""

import csv
import json
from pathlib import Path

import pytest

from error_analysis.judging.judgements import read_judgements
from tests.error_analysis.browser import Browser, Tab, find_browser
from tests.error_analysis.queries_page import (
    COUNT,
    JUDGED,
    KEYS,
    TITLE,
    TOLD,
    WIDTHS,
    fill,
    key_of,
    make_site,
    numbers,
    open_queries,
    reopen,
    wait_for,
)
from tests.error_analysis.report_folder import Site

REASONS = ("no visual content", "plausible retrieval")
BUTTONS = "document.querySelectorAll('.judging [data-tag]')"
TAGS = "[...document.querySelectorAll('.judging [data-tag]')].map((b) => b.dataset.tag)"
NOTE = 'a "note", with a comma; and ✓'

pytestmark = pytest.mark.skipif(
    find_browser() is None, reason="needs a Chromium (Debian, Ubuntu: apt-get install chromium)"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
    return make_site(tmp_path_factory.mktemp("browser"))


@pytest.mark.parametrize("width", WIDTHS)
def test_a_user_filters_sorts_enlarges_tags_exports_reloads_and_imports(
    browser: Browser, site: Site, tmp_path, width
):
    browser.download_to(tmp_path)
    tab = open_queries(browser, site, width=width)
    assert tab.evaluate(COUNT) == "120 of 120 queries"
    wanted = [key_of(site, number) for number in filter_and_sort(tab, site)]
    address = tab.evaluate("location.hash")
    enlarge(tab, width)
    judged = judge_three(tab, wanted)
    export(tab, site, tmp_path, judged)

    # After a reload the view and the tags are there.
    reopen(tab, site, address)
    assert tab.evaluate(COUNT) == f"{len(wanted)} of 120 queries"
    assert tab.evaluate(JUDGED) == "3 judged"
    import_files(tab, site, tmp_path, address)
    assert tab.problems() == []
    loaded = [address for address in tab.requests() if not address.startswith("blob:")]
    assert all(address.startswith(site.folder.as_uri()) for address in loaded)


def filter_and_sort(tab: Tab, site: Site) -> list[int]:
    """Ask for two reasons and a difference of ranks; return the queries that pass, in order."""
    fill(tab, "#filters", "a", "model1")
    for reason in REASONS:
        fill(tab, "#filters", "label", f"reason:{reason}")
    fill(tab, "#filters", "diff_from", "1")
    fill(tab, "#filters", "sort", "difference")
    ranks = site.data("queries")["ranks"]
    difference = [second - first for first, second in zip(*ranks, strict=True)]
    wanted = [n for n in numbers(site, reasons=REASONS, model=1) if difference[n] >= 1]
    wanted.sort(key=lambda number: (-difference[number], number))
    assert 3 <= len(wanted) < 120
    assert tab.evaluate(COUNT) == f"{len(wanted)} of 120 queries"
    shown = tab.evaluate(KEYS)
    assert shown == [key_of(site, number) for number in wanted[: len(shown)]]
    assert "has=reason:plausible+retrieval" in tab.evaluate("location.hash")
    return wanted


def enlarge(tab: Tab, width: int) -> None:
    """Open the first query, and an image of it; close that again."""
    tab.evaluate("document.querySelector('#list a').click()")
    tab.wait(f"{TITLE} && document.querySelectorAll('.side-by-side section').length === 2")
    assert tab.evaluate("document.querySelector('.reader').checkVisibility()")
    tab.evaluate("document.querySelector('.side-by-side .picture').click()")
    told = tab.evaluate("document.getElementById('enlarged').innerText")
    assert "Where it stands" in told
    assert "model1" in told
    assert "There is no picture here to describe" in told
    assert tab.evaluate("document.querySelector('#enlarged img').clientWidth") > width / 3
    tab.press("Escape")
    assert not tab.evaluate("document.getElementById('enlarged').open")


def judge_three(tab: Tab, wanted: list[str]) -> dict[str, tuple]:
    """Tag three queries by keys, one of them with a note; return what was said."""
    tags = tab.evaluate(TAGS)
    tab.press("1")
    next_query(tab)
    tab.press("2")
    tab.press("1")
    tab.press("n")
    tab.type(NOTE)
    tab.press("Escape")
    next_query(tab)
    tab.press("1")
    tab.press("0")
    return {
        wanted[0]: ((tags[0],), ""),
        wanted[1]: ((tags[1], tags[0]), NOTE),
        wanted[2]: (("none",), ""),
    }


def next_query(tab: Tab) -> None:
    before = tab.evaluate(TITLE)
    tab.press("j")
    tab.wait(f"{TITLE} !== {json.dumps(before)}")


def export(tab: Tab, site: Site, folder: Path, judged: dict[str, tuple]) -> None:
    """Export both files, which error_analysis reads; a name has to be given first."""
    tab.evaluate("document.querySelector('[name=json]').click()")
    assert "Give your name" in tab.evaluate(TOLD)
    fill(tab, "#judgements", "judge", "Anna Ω", "change")
    for ending in ("json", "csv"):
        tab.evaluate(f"document.querySelector('[name={ending}]').click()")
        path = folder / f"judgements_Anna Ω.{ending}"
        wait_for(path)
        file = read_judgements(path)
        assert file.judge == "Anna Ω"
        assert {j.query: (j.tags, j.note) for j in file.judgements} == judged
    whole = read_judgements(folder / "judgements_Anna Ω.json")
    assert whole.gallery_sha256 == site.data("queries")["gallery_sha256"]


def import_files(tab: Tab, site: Site, folder: Path, address: str) -> None:
    """A colleague's tags stand beside one's own; in an empty browser one's own come back."""
    own = folder / "judgements_Anna Ω.json"
    colleague = json.loads(own.read_text()) | {"judge": "Ben"}
    (folder / "ben.json").write_text(json.dumps(colleague))
    tab.upload("[name=import]", folder / "ben.json")
    tab.wait(f"{TOLD}.includes('3 judgements of Ben')")
    tab.wait("document.querySelector('.colleague')?.textContent.startsWith('Ben')")
    tab.evaluate("localStorage.clear()")
    reopen(tab, site, address)
    assert tab.evaluate(JUDGED) == "0 judged"
    fill(tab, "#judgements", "judge", "Anna Ω", "change")
    tab.upload("[name=import]", own)
    tab.wait(f"{JUDGED} === '3 judged'")


def said(tab: Tab, site: Site, judged: dict, judge: str = "Anna", **more) -> str:
    """The text of a file of judgements."""
    index = site.data("queries")
    about = {name: index[name] for name in ("gallery_sha256", "dataset", "split")}
    judgements = [{"query": query, **one} for query, one in judged.items()]
    return json.dumps({**about, "judge": judge, "tags": [], "judgements": judgements, **more})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("no JSON", "as JSON"),
        ("[]", "Export JSON"),
        (
            '{"gallery_sha256": "0", "dataset": "other", "split": "val", "judgements": []}',
            "other val",
        ),
    ],
)
def test_a_file_of_another_gallery_or_none_is_refused(
    browser: Browser, site: Site, tmp_path, content, reason
):
    tab = open_queries(browser, site)
    fill(tab, "#judgements", "judge", "Anna", "change")
    (tmp_path / "file.json").write_text(content)
    tab.upload("[name=import]", tmp_path / "file.json")
    tab.wait(f"{TOLD}.startsWith('file.json: expected') && {TOLD}.includes('{reason}')")
    assert tab.evaluate(JUDGED) == "0 judged"


def test_ones_own_file_does_not_replace_what_was_judged_anew(
    browser: Browser, site: Site, tmp_path
):
    tab = open_queries(browser, site, "#query=t2i-5003")
    tab.wait(TITLE)
    fill(tab, "#judgements", "judge", "Anna", "change")
    tab.press("1")
    old = {"t2i-5003": {"tags": ["old"]}, "t2i-5004": {"tags": ["A, b", "none", "a b"]}}
    (tmp_path / "old.json").write_text(said(tab, site, {**old, "t2i-1": {"tags": ["lost"]}}))
    tab.upload("[name=import]", tmp_path / "old.json")
    tab.wait(f"{TOLD}.includes('yours, 1 differ from those here, which stay, 1 more of queries')")
    assert tab.evaluate(JUDGED) == "2 judged"
    pressed = f"({TAGS}).filter((_, i) => ({BUTTONS})[i].ariaPressed === 'true')"
    assert tab.evaluate(pressed) == [tab.evaluate(TAGS)[0]]
    tab.evaluate("location.hash = 'query=t2i-5004'")
    tab.wait(f"{TITLE}.includes('5004')")
    assert tab.evaluate(pressed) == ["A b"]


def test_two_tabs_do_not_lose_each_others_tags(browser: Browser, site: Site):
    first = open_queries(browser, site, "#query=t2i-5003")
    second = open_queries(browser, site, "#query=t2i-5004")
    for tab in (first, second):
        tab.wait(TITLE)
        tab.press("1")
    first.wait(f"{JUDGED} === '2 judged'")
    assert second.evaluate(JUDGED) == "2 judged"


def test_a_note_is_kept_while_it_is_written(browser: Browser, site: Site):
    tab = open_queries(browser, site, "#query=t2i-5003")
    tab.wait(TITLE)
    tab.press("n")
    tab.type("not done yet")
    reopen(tab, site, "#query=t2i-5003")
    tab.wait("document.querySelector('[name=note]')?.value === 'not done yet'")


@pytest.mark.parametrize(
    "stored",
    ["nonsense", "[]", '{"judged": {"t2i-5003": null}, "colleagues": {"B": 3}, "tags": 7}'],
)
def test_whatever_the_browser_kept_the_page_opens(browser: Browser, site: Site, stored):
    tab = open_queries(browser, site)
    key = f"judgements:{site.data('queries')['gallery_sha256']}"
    tab.evaluate(f"localStorage.setItem({json.dumps(key)}, {json.dumps(stored)})")
    reopen(tab, site)
    assert tab.evaluate(JUDGED) == "0 judged"
    assert tab.problems() == []


def test_tags_are_labels_that_filter_and_a_tagged_query_stays_in_sight(
    browser: Browser, site: Site
):
    tab = open_queries(browser, site, "#not=judged:by+you&sort=gallery&query=i2t-100")
    tab.wait(f"{TITLE} === 'Image 100'")
    tab.press("0")
    assert tab.evaluate(COUNT) == "119 of 120 queries"
    assert tab.evaluate(TITLE) == "Image 100"
    tab.press("j")
    tab.wait(f"{TITLE} === 'Image 101'")
    tab.evaluate("location.hash = 'has=tag:none'")
    tab.wait(f"{COUNT} === '1 of 120 queries'")


def test_names_and_tags_of_others_are_never_taken_for_html(browser: Browser, site: Site, tmp_path):
    tab = open_queries(browser, site, "#query=t2i-5003")
    tab.wait(TITLE)
    fill(tab, "#judgements", "judge", "Anna", "change")
    bad = '<img src=x onerror="document.title=1">&:→'
    judged = {"t2i-5003": {"tags": [bad], "note": bad}}
    (tmp_path / "bad.json").write_text(said(tab, site, judged, judge=bad))
    tab.upload("[name=import]", tmp_path / "bad.json")
    tab.wait("document.querySelector('.colleague')")
    assert tab.evaluate("document.querySelector('.colleague').textContent").count(bad) == 3
    fill(tab, "#filters", "label", f"tag of {bad}:{bad}")
    tab.wait(f"{COUNT} === '1 of 120 queries'")
    assert bad in tab.evaluate("document.querySelector('.chips').textContent")
    assert tab.problems() == []


def test_reasons_and_others_tags_can_be_hidden_while_judging(browser: Browser, site: Site):
    tab = open_queries(browser, site, "#query=t2i-5003")
    tab.wait(TITLE)
    seen = "document.querySelector('#query .reasons').checkVisibility()"
    assert tab.evaluate(seen)
    tab.evaluate("document.querySelector('[name=blind]').click()")
    assert not tab.evaluate(seen)


def test_the_shown_queries_are_exported_as_a_table(browser: Browser, site: Site, tmp_path):
    browser.download_to(tmp_path)
    tab = open_queries(browser, site, "#direction=i2t&a_to=3&sort=best")
    tab.evaluate("document.getElementById('export').click()")
    wait_for(tmp_path / "queries.csv")
    with (tmp_path / "queries.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["query"], row["image_id"], row["rank model0"]) for row in rows] == [
        ("i2t-100", "100", "0"), ("i2t-101", "101", "3")
    ]  # fmt: skip
    ranks = site.data("queries")["ranks"][1]
    assert [float(row["rank model1"]) for row in rows] == ranks[:2]
    assert rows[0]["text"] == "100.jpg"
