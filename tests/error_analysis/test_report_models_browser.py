"""Whose rank is whose, and for whom a query is hard, in a real browser."""

import pytest

from tests.error_analysis.browser import Browser, find_browser
from tests.error_analysis.queries_page import (
    COUNT,
    RANKS,
    TITLE,
    WIDTHS,
    fill,
    make_site,
    open_queries,
)
from tests.error_analysis.report_folder import Site, make_inputs, make_report
from tests.error_analysis.scored import scores_with_ranks

pytestmark = pytest.mark.skipif(
    find_browser() is None, reason="needs a Chromium (Debian, Ubuntu: apt-get install chromium)"
)
NAMES = "[...document.querySelectorAll('#query .truth td > .unseen')]"
SIZES = f"{NAMES}.map((name) => [name.offsetWidth, name.offsetHeight])"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
    return make_site(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def site_of_six(tmp_path_factory) -> Site:
    """Six models are more than fit beside each other."""
    folder = tmp_path_factory.mktemp("six")
    with pytest.MonkeyPatch.context() as monkeypatch:
        arguments = make_inputs(folder, *[scores_with_ranks(RANKS)] * 6)
        return make_report(monkeypatch, arguments)


@pytest.mark.parametrize("width", WIDTHS)
def test_many_models_are_named_beside_their_ranks(browser: Browser, site_of_six: Site, width):
    tab = open_queries(browser, site_of_six, "#query=t2i-5003", width)
    tab.wait(TITLE)
    names = tab.evaluate(f"{NAMES}.map((name) => name.innerText.trim())")
    assert names == [f"model{i}:" for i in range(6)]
    assert all(width > 20 and height > 10 for width, height in tab.evaluate(SIZES))


@pytest.mark.long
def test_exactly_whom_a_query_is_hard_for_is_a_filter(browser: Browser, site: Site):
    counts = {}
    for exactly in ("model0,model1", "model0", "model1", "-"):
        tab = open_queries(browser, site, f"#exactly={exactly}&direction=t2i")
        counts[exactly] = int(tab.evaluate(COUNT).split()[0])
    assert sum(counts.values()) == len(RANKS)
    chips = "[...document.querySelectorAll('.chips li')].map((one) => one.dataset.key)"
    tab = open_queries(browser, site, "#exactly=model0,model1")
    assert tab.evaluate(chips) == ["missed by every model"]
    offered = "[...document.querySelector('[name=exactly]').options].map((one) => one.value)"
    assert set(tab.evaluate(offered)) - {""} >= {key for key, n in counts.items() if n}
    alone = next(key for key in ("model0", "model1") if counts[key])
    fill(tab, "#filters", "exactly", alone)
    assert tab.evaluate(chips) == [f"missed by {alone} alone"]
    assert tab.evaluate("location.hash") == f"#exactly={alone}"
    tab = open_queries(browser, site, "#exactly=nobody")
    assert tab.evaluate(COUNT).startswith("0 of")
