"""The report's page of all queries, as the browser tests look at it."""

import json
import time
from itertools import accumulate
from pathlib import Path

import pytest

from tests.error_analysis.browser import Browser, Tab
from tests.error_analysis.report_folder import (
    Site,
    make_inputs,
    make_report,
    save_features,
    save_reasons,
)
from tests.error_analysis.scored import scores_with_ranks

RANKS = [0, 3, *(11 + i % 7 for i in range(58))]
TEXT = "There is no picture here to describe with a caption <{}>."
WIDTHS = (390, 1440)
COUNT = "document.querySelector('#filters output').textContent"
POSITION = "document.getElementById('position').textContent"
KEYS = "[...document.querySelectorAll('#list a')].map((a) => a.href.split('query=')[1])"
TITLE = "document.getElementById('query-title')?.textContent"
JUDGED = "document.querySelector('.judged').textContent"
TOLD = "document.querySelector('#judgements output').textContent"


def make_site(folder) -> Site:
    """60 images with a caption each, two models that have the same ranks in other directions."""
    scores = scores_with_ranks(RANKS)
    with pytest.MonkeyPatch.context() as monkeypatch:
        arguments = make_inputs(folder, scores, scores.T, text=TEXT)
        options = save_features(folder, arguments) + save_reasons(folder, arguments, monkeypatch)
        return make_report(monkeypatch, arguments, *options)


def open_queries(browser: Browser, site: Site, fragment: str = "", width: int = 1440) -> Tab:
    """Open the page, with nothing judged before."""
    tab = browser.open(site.folder / "queries.html", fragment, width=width)
    tab.evaluate("localStorage.clear()")
    reopen(tab, site, fragment)
    return tab


def reopen(tab: Tab, site: Site, fragment: str = "") -> None:
    """Go to another page and come back, as after closing it."""
    tab.go((site.folder / "index.html").as_uri())
    tab.go((site.folder / "queries.html").as_uri() + fragment)
    tab.wait("document.body.dataset.ready")


def fill(tab: Tab, form: str, name: str, value: str, event: str = "input") -> None:
    """Set a field of the filters, or of what is judged, as a user would."""
    field = f"document.querySelector({json.dumps(f'{form} [name={name}]')})"
    event = f"new Event('{event}', {{ bubbles: true }})"
    tab.evaluate(f"{field}.value = {json.dumps(value)}; {field}.dispatchEvent({event})")


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


def wait_for(path: Path) -> None:
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end, path
        time.sleep(0.02)
    time.sleep(0.1)  # the browser renames it when it is whole
