"""The report in a real browser, opened as files."""

import json
import time
from itertools import accumulate
from pathlib import Path

import pytest

from error_analysis.judging.judgements import read_judgements
from tests.error_analysis.browser import Browser, Tab, find_browser, open_browser
from tests.error_analysis.report_folder import (
    Site,
    make_inputs,
    make_report,
    save_features,
    save_reasons,
)
from tests.error_analysis.scored import scores_with_ranks

pytestmark = pytest.mark.skipif(
    find_browser() is None, reason="needs a Chromium (Debian, Ubuntu: apt-get install chromium)"
)
RANKS = [11 + i % 7 for i in range(60)]
TEXT = "There is no picture here to describe with a caption <{}>."
WIDTHS = (390, 1440)
COUNT = "document.querySelector('#filters output').textContent"
KEYS = "[...document.querySelectorAll('#list a')].map((a) => a.href.split('query=')[1])"
TITLE = "document.getElementById('query-title')?.textContent"
TYPED = """
((name, value) => {
  const field = document.getElementById('filters').elements[name];
  field.value = value;
  field.dispatchEvent(new Event('input', { bubbles: true }));
})"""
REASONS = ("no visual content", "plausible retrieval")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
    folder = tmp_path_factory.mktemp("browser")
    scores = scores_with_ranks(RANKS)
    with pytest.MonkeyPatch.context() as monkeypatch:
        arguments = make_inputs(folder, scores, scores.T, text=TEXT)
        options = save_features(folder, arguments) + save_reasons(folder, arguments, monkeypatch)
        return make_report(monkeypatch, arguments, *options)


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


def open_queries(browser: Browser, site: Site, fragment: str = "", width: int = 1440) -> Tab:
    tab = browser.open(site.folder / "queries.html", fragment, width=width)
    tab.wait("document.body.dataset.ready")
    return tab


def numbers(site: Site, reasons: tuple[str, ...], model: int) -> list[int]:
    """The numbers of the queries that have all of the reasons, under a model."""
    found = [
        set(accumulate(label["queries"]))
        for label in site.data("queries")["labels"]
        if label["name"] in reasons and label["model"] == model
    ]
    assert len(found) == len(reasons)
    return sorted(set.intersection(*found))


def key_of(site: Site, number: int) -> str:
    index = site.data("queries")
    n_images = len(index["images"]["ids"])
    if number < n_images:
        return f"i2t-{index['images']['ids'][number]}"
    return f"t2i-{index['captions']['ids'][number - n_images]}"


@pytest.mark.long
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", ["index.html", "queries.html", "queries.html#query=t2i-5003"])
def test_a_page_loads_without_errors_without_the_network_and_for_everyone(
    browser: Browser, site: Site, page, width, dark
):
    name, _, fragment = page.partition("#")
    tab = browser.open(site.folder / name, "#" * bool(fragment) + fragment, width, dark)
    if name == "queries.html":
        tab.wait("document.body.dataset.ready && document.getElementById('query-title')")
    assert tab.problems() == []
    assert all(address.startswith(site.folder.as_uri()) for address in tab.requests())
    # Nothing stands out of the page to the side: wide tables scroll in their own frames.
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.evaluate("[...document.images].every((i) => !i.complete || i.naturalWidth > 0)")
    luminance = tab.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0]")
    assert (int(luminance) < 60) == dark
    assert tab.violations() == []


@pytest.mark.parametrize("width", WIDTHS)
def test_a_user_filters_sorts_enlarges_tags_exports_reloads_and_imports(
    browser: Browser, site: Site, tmp_path, width
):
    browser.download_to(tmp_path)
    tab = open_queries(browser, site, width=width)
    tab.evaluate("localStorage.clear()")
    tab.go((site.folder / "index.html").as_uri())
    tab.go((site.folder / "queries.html").as_uri())
    tab.wait("document.body.dataset.ready")
    assert tab.evaluate(COUNT) == "120 of 120 queries"

    # Two reasons and a difference of ranks, largest difference first.
    tab.evaluate(f"{TYPED}('a', 'model1')")
    for reason in REASONS:
        tab.evaluate(f"{TYPED}('label', 'reason:{reason}')")
    tab.evaluate(f"{TYPED}('diff_from', '1')")
    tab.evaluate(f"{TYPED}('sort', 'difference')")
    ranks = site.data("queries")["ranks"]
    difference = [ranks[1][number] - ranks[0][number] for number in range(120)]
    wanted = [n for n in numbers(site, reasons=REASONS, model=1) if difference[n] >= 1]
    wanted.sort(key=lambda number: (-difference[number], number))
    assert 3 <= len(wanted) < 120
    assert tab.evaluate(COUNT) == f"{len(wanted)} of 120 queries"
    shown = tab.evaluate(KEYS)
    assert shown == [key_of(site, number) for number in wanted[: len(shown)]]
    address = tab.evaluate("location.href")
    assert "has=reason:plausible+retrieval" in address

    # A query is opened, and an image of it enlarged.
    tab.evaluate("document.querySelector('#list a').click()")
    tab.wait(f"{TITLE} && document.querySelectorAll('.side-by-side section').length === 2")
    visible = "getComputedStyle(document.querySelector('.reader')).display !== 'none'"
    assert tab.evaluate(visible)
    tab.evaluate("document.querySelector('.side-by-side .picture').click()")
    told = tab.evaluate("document.getElementById('enlarged').innerText")
    assert "Where it stands" in told
    assert "model1" in told
    assert "There is no picture here to describe" in told
    assert tab.evaluate("document.querySelector('#enlarged img').clientWidth") > 0.5 * min(
        width, 600
    )
    tab.press("Escape")
    assert not tab.evaluate("document.getElementById('enlarged').open")

    # Three are tagged by keys, one of them with a note.
    tags = tab.evaluate(
        "[...document.querySelectorAll('.judging [data-tag]')].map((b) => b.dataset.tag)"
    )
    tab.press("1")
    tab.press("j")
    tab.press("2")
    tab.press("1")
    tab.press("n")
    tab.type('a "note", with a comma; and ✓')
    tab.press("Enter")
    tab.press("Escape")
    tab.press("j")
    tab.press("0")
    expected = {
        key_of(site, wanted[0]): ((tags[0],), ""),
        key_of(site, wanted[1]): ((tags[1], tags[0]), 'a "note", with a comma; and ✓'),
        key_of(site, wanted[2]): (("none",), ""),
    }

    # Exported as both, they are read by error_analysis.
    tab.evaluate("document.querySelector('[name=json]').click()")
    assert "Give your name" in tab.evaluate(
        "document.querySelector('#judgements output').textContent"
    )
    tab.evaluate("document.getElementById('judgements').open = true")
    set_judge(tab, "Anna Ω")
    for ending in ("json", "csv"):
        tab.evaluate(f"document.querySelector('[name={ending}]').click()")
        path = tmp_path / f"judgements_Anna_Ω.{ending}"
        wait_for(path)
        found = {j.query: (j.tags, j.note) for j in read_judgements(path).judgements}
        assert found == expected
    file = read_judgements(tmp_path / "judgements_Anna_Ω.json")
    assert (file.judge, file.gallery_sha256) == ("Anna Ω", site.data("queries")["gallery_sha256"])

    # After a reload the view and the tags are there.
    tab.go((site.folder / "index.html").as_uri())
    tab.go(address)
    tab.wait("document.body.dataset.ready")
    assert tab.evaluate(COUNT) == f"{len(wanted)} of 120 queries"
    assert tab.evaluate("document.querySelector('.judged').textContent") == "3 judged"

    # A colleague's stand beside one's own; in an empty browser one's own come back.
    colleague = json.loads((tmp_path / "judgements_Anna_Ω.json").read_text()) | {"judge": "Ben"}
    (tmp_path / "ben.json").write_text(json.dumps(colleague))
    tab.upload("[name=import]", tmp_path / "ben.json")
    tab.wait(
        "document.querySelector('#judgements output').textContent.includes('3 judgements of Ben')"
    )
    tab.wait("document.querySelector('.colleague')?.textContent.startsWith('Ben')")
    tab.evaluate("localStorage.clear()")
    tab.go((site.folder / "index.html").as_uri())
    tab.go(address)
    tab.wait("document.body.dataset.ready")
    assert tab.evaluate("document.querySelector('.judged').textContent") == "0 judged"
    tab.upload("[name=import]", tmp_path / "judgements_Anna_Ω.json")
    tab.wait("document.querySelector('.judged').textContent === '3 judged'")
    tab.evaluate("localStorage.clear()")
    assert tab.problems() == []
    assert all(address.startswith(site.folder.as_uri()) for address in files_of(tab))


def set_judge(tab: Tab, name: str) -> None:
    field = "document.querySelector('[name=judge]')"
    tab.evaluate(f"{field}.value = {json.dumps(name)}; {field}.dispatchEvent(new Event('change'))")


def files_of(tab: Tab) -> list[str]:
    """All that was asked for, but for the files that the page itself made to be downloaded."""
    return [address for address in tab.requests() if not address.startswith("blob:")]


def wait_for(path: Path) -> None:
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end, path
        time.sleep(0.02)
    time.sleep(0.1)  # the browser renames it when it is whole


@pytest.mark.parametrize(
    ("fragment", "n_found"),
    [
        ("#text=caption+%3C5003", 2),  # the caption, and its image
        ("#text=HERE+%3C5004%3E&direction=t2i", 1),
        ("#text=nowhere", 0),
        ("#direction=i2t&a_from=14&a_to=15", sum(rank in (14, 15) for rank in RANKS)),
        ("#direction=i2t&a_from=16.5", sum(rank > 16 for rank in RANKS)),
        ("#has=hard:model0&not=hard:model1&has=nothing:here", 0),
        ("#a=nobody&a_from=oops", 120),
        ("#%E0%A4%A", 120),
    ],
)
def test_filters_in_the_address_are_shown_and_counted(
    browser: Browser, site: Site, fragment, n_found
):
    tab = open_queries(browser, site, fragment)
    assert tab.evaluate(COUNT) == f"{n_found} of 120 queries"
    assert tab.problems() == []


def test_labels_can_be_had_or_not_had_and_together_are_all(browser: Browser, site: Site):
    counts = []
    for fragment in ("#has=hard:model0", "#not=hard:model0"):
        tab = open_queries(browser, site, fragment)
        counts.append(int(tab.evaluate(COUNT).split()[0]))
    assert sum(counts) == 120
    assert counts[0] == sum(rank >= 10 for rank in site.data("queries")["ranks"][0])
    # The chip's first button turns it round, its last removes it.
    tab.evaluate("document.querySelector('.chips button').click()")
    assert tab.evaluate(COUNT).startswith(f"{counts[0]} of")
    tab.evaluate("document.querySelector('.chips button:last-child').click()")
    assert tab.evaluate(COUNT) == "120 of 120 queries"


def test_of_many_queries_only_those_in_sight_are_drawn_and_all_can_be_reached(
    browser: Browser, site: Site
):
    tab = open_queries(browser, site, "#sort=gallery")
    assert tab.evaluate("document.querySelectorAll('#list li').length") < 40
    tab.evaluate("document.getElementById('list').scrollTop = 1e9")
    last = key_of(site, 119)
    tab.wait(f"{KEYS}.at(-1) === '{last}'")
    assert tab.evaluate("document.querySelector('#list li:last-child').ariaPosInSet") == "120"
    assert not any("part_1.js" in address for address in tab.requests())


def test_a_permanent_link_opens_its_query_whatever_the_filters(browser: Browser, site: Site):
    tab = open_queries(browser, site, "#query=t2i-5059&a_from=9999")
    tab.wait(f"{TITLE}?.includes('5059')")
    told = "document.getElementById('position').textContent"
    assert tab.evaluate(told) == "not among these"
    # As reports had it before.
    tab = open_queries(browser, site, "#i2t-107")
    tab.wait(f"{TITLE} === 'Image 107'")
    tab = open_queries(browser, site, "#query=t2i-1")
    tab.wait("document.getElementById('query').textContent.includes('has no query t2i-1')")


def test_what_both_models_retrieved_is_marked(browser: Browser, site: Site):
    tab = open_queries(browser, site, "#query=t2i-5000")
    tab.wait(TITLE)
    details = site.part(0, 60)  # the first caption, after the images
    both = set(details[0]["top"]) & set(details[1]["top"])
    shared = tab.evaluate(
        "[...document.querySelectorAll('.shared')].map((li) => Number(li.dataset.document))"
    )
    assert sorted(shared) == sorted([*both, *both])
    right = tab.evaluate(
        "[...document.querySelectorAll('.right')].map((li) => li.dataset.document)"
    )
    assert set(right) <= {"0"}


def test_pointing_at_a_picture_shows_its_captions(browser: Browser, site: Site):
    tab = open_queries(browser, site, "#query=t2i-5000")
    tab.wait(TITLE)
    assert tab.evaluate("document.getElementById('captions').hidden")
    tab.point_at(".truth .picture")
    tab.wait("!document.getElementById('captions').hidden")
    assert "caption <5000>" in tab.evaluate("document.getElementById('captions').textContent")


def test_boxes_are_drawn_on_demand_and_stay_for_the_next_query(browser: Browser, site: Site):
    tab = open_queries(browser, site, "#query=i2t-103")
    tab.wait(TITLE)
    assert not [address for address in tab.requests() if "/boxes/" in address]
    switch = "document.querySelector('.show-boxes')"
    assert tab.evaluate(f"{switch}.textContent") == "Detector’s boxes"
    tab.evaluate(f"{switch}.click()")
    tab.wait("document.querySelector('.truth .picture svg')")
    assert tab.evaluate(f"{switch}.ariaPressed") == "true"
    box = "document.querySelector('.truth .picture svg')"
    assert tab.evaluate(f"{box}.getAttribute('viewBox')") == "0 0 300 200"
    # All three boxes are in one place: the best is named; the third's score is too low anyway.
    assert tab.evaluate(f"[...{box}.querySelectorAll('text')].map((t) => t.textContent)") == ["dog"]
    titles = tab.evaluate(f"[...{box}.querySelectorAll('title')].map((t) => t.textContent)")
    assert "</script><b>cow 0.1" in titles
    tab.press("j")
    tab.wait(f"{TITLE} !== 'Image 103' && document.querySelector('.truth .picture svg')")
    tab.evaluate(f"{switch}.click()")
    assert tab.evaluate("document.querySelector('.picture svg')") is None
    assert tab.problems() == []


def test_the_keyboard_goes_through_the_page_in_its_order(browser: Browser, site: Site):
    tab = open_queries(browser, site)
    tab.wait(TITLE)
    order = []
    for _ in range(14):
        tab.press("Tab")
        order.append(tab.evaluate(
            "(({id, name, textContent, tagName}) => id || name || textContent.trim() || tagName)"
            "(document.activeElement)"
        ))  # fmt: skip
    assert order[0] == "Skip to the content"
    stations = ["text", "Filters", "sort", "list", "previous", "next", "Link to this query alone"]
    assert [station for station in order if station in stations] == stations
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle !== 'none'")


def test_arrows_move_through_the_list_of_which_one_row_is_in_the_order_of_tabs(
    browser: Browser, site: Site
):
    tab = open_queries(browser, site, "#sort=gallery")
    tab.wait(TITLE)
    assert tab.evaluate("document.querySelectorAll('#list a[tabindex=\"0\"]').length") == 1
    tab.evaluate("document.querySelector('#list a[aria-current]').focus()")
    for key in ("ArrowDown", "ArrowDown", "ArrowUp"):
        tab.press(key)
    tab.wait(f"{TITLE} === 'Image 101'")
    assert tab.evaluate("document.activeElement.href").endswith("query=i2t-101")
    assert "query=i2t-101" in tab.evaluate("location.hash")


def test_on_a_phone_going_back_closes_the_query(browser: Browser, site: Site):
    tab = open_queries(browser, site, width=390)
    tab.evaluate("document.querySelector('#list a').click()")
    shown = "document.body.classList.contains('is-open')"
    tab.wait(shown)
    tab.evaluate("history.back()")
    tab.wait("!document.body.classList.contains('is-open')")


def test_judgements_of_another_gallery_or_none_are_refused(browser: Browser, site: Site, tmp_path):
    tab = open_queries(browser, site)
    told = "document.querySelector('#judgements output').textContent"
    other = {"gallery_sha256": "0", "dataset": "other", "split": "val", "judgements": []}
    for content, reason in (
        ("no JSON", "as JSON"),
        ("[]", "Export JSON"),
        (json.dumps(other), "other val"),
    ):
        (tmp_path / "file.json").write_text(content)
        tab.upload("[name=import]", tmp_path / "file.json")
        tab.wait(f"{told}.startsWith('file.json: expected') && {told}.includes('{reason}')")
