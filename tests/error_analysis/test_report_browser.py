"""The report in a real browser, opened as files."""

import json
import shutil

import pytest

from tests.error_analysis.browser import Browser, find_browser
from tests.error_analysis.queries_page import (
    COUNT,
    KEYS,
    POSITION,
    RANKS,
    TITLE,
    WIDTHS,
    key_of,
    make_site,
    open_queries,
)
from tests.error_analysis.report_folder import Site

pytestmark = pytest.mark.skipif(
    find_browser() is None, reason="needs a Chromium (Debian, Ubuntu: apt-get install chromium)"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
    return make_site(tmp_path_factory.mktemp("browser"))


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


@pytest.mark.parametrize(
    ("fragment", "n_found"),
    [
        ("#text=caption+%3C5003", 2),  # the caption, and its image
        ("#text=HERE+%3C5004%3E&direction=t2i", 1),
        ("#text=nowhere", 0),
        ("#direction=i2t&a_from=14&a_to=15", sum(rank in (14, 15) for rank in RANKS)),
        ("#direction=i2t&a_from=16.5", sum(rank > 16 for rank in RANKS)),
        ("#has=nothing:here", 0),
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
    assert right == ["0"] * sum(0 in of_model["top"] for of_model in details)
    assert right


def test_a_hub_that_is_asked_for_is_outlined(browser: Browser, site: Site):
    hub = next(one for one in site.data("queries")["labels"] if one["kind"] == "hub")
    tab = open_queries(browser, site, f"#a=model0&has=hub:{hub['name'].replace(' ', '+')}")
    tab.wait(TITLE)
    kind, hub_id = hub["name"].split()
    ids = site.data("queries")[f"{kind}s"]["ids"]
    found = "[...document.querySelectorAll('.hub')].map((li) => li.dataset.document)"
    assert set(tab.evaluate(found)) == {str(ids.index(int(hub_id)))}


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


def test_a_query_that_the_filters_leave_out_is_opened_all_the_same(browser: Browser, site: Site):
    tab = open_queries(browser, site, "#direction=i2t&query=t2i-5003")
    tab.wait(f"{TITLE}?.includes('5003')")
    assert tab.evaluate(COUNT) == "60 of 120 queries"
    assert tab.evaluate(POSITION) == "not among these"
    # The next one is of the list.
    tab.press("j")
    tab.wait(f"{TITLE}.startsWith('Image')")


def test_skipping_to_the_content_keeps_the_view(browser: Browser, site: Site):
    tab = open_queries(browser, site, "#direction=i2t")
    tab.press("Tab")
    tab.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "content"
    assert "direction=i2t" in tab.evaluate("location.hash")
    assert tab.evaluate(COUNT) == "60 of 120 queries"


def test_after_a_message_the_first_query_is_shown_again(browser: Browser, site: Site):
    tab = open_queries(browser, site, "#query=t2i-1")
    tab.wait("document.getElementById('query').textContent.includes('has no query t2i-1')")
    tab.evaluate("location.hash = 'direction=i2t'")
    tab.wait(f"{TITLE}?.startsWith('Image') && {POSITION} === '1 of 60'")
    tab.evaluate("location.hash = 'text=nowhere'")
    tab.wait(f"{COUNT}.startsWith('0 of') && {POSITION} === ''")
    assert "No query passes" in tab.evaluate("document.getElementById('query').textContent")


def test_a_part_that_is_cut_off_is_said_and_nothing_is_tagged(
    browser: Browser, site: Site, tmp_path
):
    folder = tmp_path / "copy"
    shutil.copytree(site.folder, folder)
    (folder / "data" / "part_1.js").write_text('reportData("part-1",[')
    tab = open_queries(browser, Site(folder), "#query=i2t-103")
    tab.wait(f"{TITLE} === 'Image 103'")
    tab.evaluate("location.hash = 'query=t2i-5059'")
    tab.wait("document.getElementById('query').textContent.includes('part_1.js cannot be loaded')")
    tab.press("1")
    assert tab.evaluate("document.querySelector('.judged').textContent") == "0 judged"


def test_the_focus_stays_on_a_label_that_is_turned_round(browser: Browser, site: Site):
    tab = open_queries(browser, site, "#has=hard:model0")
    tab.evaluate("document.querySelector('.chips button').focus()")
    tab.press("Enter")
    assert tab.evaluate("document.activeElement.textContent") == "⇄ without"


def test_all_filters_that_are_on_are_seen_and_can_be_removed(browser: Browser, site: Site):
    fragment = "#text=caption&direction=t2i&a_from=3&a_to=14&diff_to=0&b=model0&a=model1"
    tab = open_queries(browser, site, fragment)
    told = "[...document.querySelectorAll('.chips li > span')].map((span) => span.textContent)"
    assert tab.evaluate(told) == [
        "“caption”", "caption queries", "rank under model1: 3 to 14", "model1 − model0 ≤ 0"
    ]  # fmt: skip
    before = tab.evaluate(COUNT)
    for _ in range(4):
        tab.evaluate("document.querySelector('.chips li:last-child button:last-child').click()")
    assert tab.evaluate(COUNT) == "120 of 120 queries" != before


def test_the_labels_of_a_query_lead_to_others_that_have_them(browser: Browser, site: Site):
    label = {"kind": "object", "name": "cat & dog", "model": None, "queries": [3, 1, 60]}
    script = site.folder / "data" / "queries.js"
    content = site.data("queries")
    told = script.read_text("utf-8")
    content["labels"].append(label)
    try:
        script.write_text(f'reportData("queries",{json.dumps(content)});\n', "utf-8")
        tab = open_queries(browser, site, "#query=i2t-104")
        tab.wait(TITLE)
        tab.evaluate("document.querySelector('#query .labels a').click()")
        tab.wait(f"{COUNT} === '3 of 120 queries'")
        assert "object: cat & dog" in tab.evaluate("document.querySelector('.chips').textContent")
    finally:
        script.write_text(told, "utf-8")
