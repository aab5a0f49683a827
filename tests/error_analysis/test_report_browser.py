"""The report in a real browser, opened as files."""

from urllib.parse import quote

import pytest

from tests.error_analysis.browser import Browser, find_browser, open_browser
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
TEXT = "There is no picture here to describe with a caption <b>{}</b>"
SHOWN = "[...document.querySelectorAll('article.card')].filter((c) => !c.hidden).map((c) => c.id)"


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


def expected(low: int, high: int = 99) -> set[str]:
    return {f"model0-i2t-{100 + i}" for i, rank in enumerate(RANKS) if low <= rank <= high}


@pytest.mark.long
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(
    "page", ["index.html", "search.html", "hard_model0_i2t.html", "hard_model1_t2i.html"]
)
def test_a_page_loads_without_errors_and_without_the_network(
    browser: Browser, site: Site, page, width, dark
):
    tab = browser.open(site.folder / page, width=width, dark=dark)
    assert tab.problems() == []
    assert all(address.startswith(site.folder.as_uri()) for address in tab.requests())
    # Nothing stands out of the page to the side: wide tables scroll in their own frames.
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    loaded = "[...document.images].every((i) => !i.complete || i.naturalWidth > 0)"
    assert tab.evaluate(loaded)
    luminance = tab.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0]")
    assert (int(luminance) < 60) == dark


def test_captions_have_the_width_of_a_phone(browser: Browser, site: Site):
    tab = browser.open(site.folder / "hard_model0_i2t.html", width=360)
    width = "document.querySelector('.ranks-of-captions tbody th').getBoundingClientRect().width"
    assert tab.evaluate(width) > 250


def test_thumbnails_far_below_are_not_loaded(browser: Browser, site: Site):
    tab = browser.open(site.folder / "hard_model1_t2i.html")
    images = tab.evaluate("document.images.length")
    assert 0 < sum("thumbnails/" in address for address in tab.requests()) < images / 2


def test_a_filter_in_the_address_shows_only_the_cards_that_match(browser: Browser, site: Site):
    page = site.folder / "hard_model0_i2t.html"
    tab = browser.open(page, "#from=14&to=15")
    tab.wait("document.body.dataset.ready")
    here = set(site.pages[page.name].cards)
    assert set(tab.evaluate(SHOWN)) == expected(14, 15) & here
    told = tab.evaluate("document.querySelector('output').textContent")
    n_found = len(expected(14, 15))
    assert f"{n_found} of the 60 shown queries match" in told
    assert tab.problems() == []
    # The matches on other pages are links that keep the filter.
    links = tab.evaluate("[...document.querySelectorAll('output a')].map((a) => a.href)")
    elsewhere: set[str] = set()
    for link in links:
        tab.go(link)
        tab.wait("document.body.dataset.ready")
        elsewhere |= set(tab.evaluate(SHOWN))
    assert elsewhere == expected(14, 15) - here != set()


@pytest.mark.parametrize(
    ("fragment", "ids"),
    [
        ("#text=caption+5003", {"model1-t2i-5003"}),
        ("#text=" + quote("HERE <B>5004</b> T2I-5004"), {"model1-t2i-5004"}),
        ("#text=nowhere", set()),
        ("#text=5003&reason=" + quote("plausible retrieval"), {"model1-t2i-5003"}),
        ("#text=5003&from=90", set()),
    ],
)
def test_text_reason_and_rank_are_filters(browser: Browser, site: Site, fragment, ids):
    page = next(
        name for name, page in site.pages.items() if {"model1-t2i-5003", "model1-t2i-5004"}
        <= page.cards.keys()
    )  # fmt: skip
    tab = browser.open(site.folder / page, fragment)
    tab.wait("document.body.dataset.ready")
    assert set(tab.evaluate(SHOWN)) == ids


def test_the_search_over_all_galleries_leads_to_the_card(browser: Browser, site: Site):
    tab = browser.open(site.folder / "search.html", "#text=caption+5059%3C")
    tab.wait("document.querySelectorAll('#found a').length")
    links = tab.evaluate("[...document.querySelectorAll('#found a')].map((a) => a.href)")
    assert {link.partition("#")[2] for link in links} == {
        card for page in site.pages.values() for card in page.cards
        if card.endswith(("t2i-5059", "i2t-159"))
    }  # fmt: skip
    tab.go(links[0])
    tab.wait("document.activeElement.id === location.hash.slice(1)")
    assert tab.problems() == []


def test_a_permanent_link_opens_its_card(browser: Browser, site: Site):
    last = [name for name in site.pages if name.startswith("hard_model0_i2t")][-1]
    for anchor in ("model0-i2t-159", "model1-t2i-5000"):
        tab = browser.open(site.folder / "search.html", f"#{anchor}")
        tab.wait(f"document.activeElement.id === '{anchor}'")
        assert tab.evaluate("document.activeElement.getBoundingClientRect().top < innerHeight")
        assert tab.evaluate("document.activeElement.matches(':target')")
    # A link to a page that the card is not on any more finds it too.
    tab = browser.open(site.folder / last, "#model1-t2i-5000")
    tab.wait("document.activeElement.id === 'model1-t2i-5000'")


def test_a_permanent_link_to_a_query_that_is_not_shown_says_so(browser: Browser, site: Site):
    tab = browser.open(site.folder / "search.html", "#model0-i2t-7")
    tab.wait("document.querySelector('output').textContent.includes('does not show a query')")


def test_boxes_are_drawn_on_demand(browser: Browser, site: Site):
    tab = browser.open(site.folder / "hard_model0_i2t.html")
    assert not [address for address in tab.requests() if "/boxes/" in address]
    tab.evaluate("document.querySelector('.show-boxes').click()")
    tab.wait("document.querySelector('.thumb svg')")
    assert (
        tab.evaluate("document.querySelector('.thumb svg').getAttribute('viewBox')")
        == "0 0 300 200"
    )
    text = "[...document.querySelectorAll('.thumb svg text')].map((t) => t.textContent)"
    # All three boxes are in one place: the best is named; the third's score is too low anyway.
    assert tab.evaluate(text) == ["dog"]
    titles = "[...document.querySelectorAll('.thumb svg title')].map((t) => t.textContent)"
    assert "</script><b>cow 0.1" in tab.evaluate(titles)
    tab.evaluate("document.querySelector('.show-boxes').click()")
    assert tab.evaluate("document.querySelector('.thumb svg')") is None
    assert tab.problems() == []


def test_the_keyboard_goes_through_the_page_in_its_order(browser: Browser, site: Site):
    tab = browser.open(site.folder / "hard_model0_i2t.html")
    order = []
    for _ in range(16):
        tab.press("Tab")
        order.append(tab.evaluate(
            "(({name, textContent, type}) => name || textContent.trim() || type)"
            "(document.activeElement)"
        ))  # fmt: skip
    assert order[:3] == ["Skip to the content", "Overview", "Search all queries"]
    assert order[3:8] == ["text", "reason", "from", "to", "Clear"]
    first_card = order.index("Permanent link")
    assert order[first_card + 1] == "Show the detector’s boxes"
    assert order[first_card + 2] == "Permanent link"
    outlined = "getComputedStyle(document.activeElement).outlineStyle !== 'none'"
    assert tab.evaluate(outlined)


def test_the_search_is_typed_and_boxes_are_shown_by_keyboard(browser: Browser, site: Site):
    tab = browser.open(site.folder / "hard_model0_i2t.html")
    for _ in range(4):
        tab.press("Tab")
    tab.type("image 104")
    tab.wait(f"({SHOWN}).length === 1")
    assert "text=image+104" in tab.evaluate("location.hash")
    while tab.evaluate("!document.activeElement.matches('.show-boxes')"):
        tab.press("Tab")
    tab.press("Enter")
    tab.wait("document.querySelector('#model0-i2t-104 .thumb svg')")
    tab.evaluate("document.querySelector('button[type=reset]').click()")
    tab.wait(f"({SHOWN}).length > 1")
