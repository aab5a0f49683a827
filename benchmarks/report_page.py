"""How long a report's page of all queries takes in a browser: to open, and to filter.

Opens a report of yours in a headless Chromium, and prints milliseconds until the first queries are
seen, and from setting filters to seeing what passes them (the median of some rounds). Beside them,
the plain way, for as long as one can wait for it: until a list is seen whose first 1,200 rows are
drawn, and not those in sight alone.

    python -m benchmarks.report_page --report runs/demo/report
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.text_table import text_table
from tests.error_analysis.browser import Browser, Tab, find_browser, open_browser

WIDTHS = {1440: "wide", 390: "phone"}  # pixels
FILTERS = {
    "a word": "text=dog",
    "a letter, in nearly all": "text=a",
    "two ranks and a difference": "a_from=10&b_to=9&diff_from=10&sort=difference",
    "a direction, by margin": "direction=t2i&sort=margin",
    "none": "sort=gallery",
}
# Milliseconds from a new address to the frame that shows its count.
TIMED = """new Promise((done) => {
  const told = document.querySelector('#filters output'), start = performance.now();
  new MutationObserver((_, self) => {
    self.disconnect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
  }).observe(told, { childList: true, characterData: true, subtree: true });
  location.hash = '%s';
})"""
FIRST_VIEW = "performance.getEntriesByName('first view')[0]?.startTime"
# A list so tall has some 1,200 rows in sight.
TALL = "Object.assign(document.getElementById('list').style, {flex: 'none', height: '1e5px'}); 0"


@dataclass
class BenchmarkArguments:
    report: Path = field(metadata={"help": "folder of error_analysis.report"})
    rounds: int = field(default=5, metadata={"help": "of which the median is shown"})


def median(measure: Callable[[], float], rounds: int) -> str:
    return f"{statistics.median(measure() for _ in range(rounds)):,.0f}"


def open_page(browser: Browser, page: Path, width: int) -> Tab:
    tab = browser.open(page, width=width)
    tab.wait(FIRST_VIEW)
    return tab


def first_view_time(browser: Browser, page: Path, width: int) -> float:
    return open_page(browser, page, width).evaluate(FIRST_VIEW)


def filter_time(tab: Tab, filters: str) -> float:
    tab.evaluate(TIMED % "text=nothing+has+this")
    return tab.evaluate(TIMED % filters)


def filter_times(tab: Tab, rounds: int) -> list[str]:
    return [median(partial(filter_time, tab, filters), rounds) for filters in FILTERS.values()]


def main() -> None:
    args = parse_arguments(BenchmarkArguments, description=__doc__)
    check_at_least("--rounds", args.rounds, 1)
    page = args.report.absolute() / "queries.html"
    if not page.exists():
        raise InputError(
            f"{page}: expected a report, found none; make it with `error_analysis.report`"
        )
    if find_browser() is None:
        raise InputError("no Chromium found; install it (Debian, Ubuntu: apt-get install chromium)")
    table = [["milliseconds", "first view", *(f"filter: {name}" for name in FILTERS)]]
    with open_browser() as browser:
        for width, name in WIDTHS.items():
            opened = median(partial(first_view_time, browser, page, width), args.rounds)
            # Frames are drawn in the tab that was opened last alone.
            tab = open_page(browser, page, width)
            table.append([name, opened, *filter_times(tab, args.rounds)])
        told = tab.evaluate("document.querySelector('#filters output').textContent")
        tab = open_page(browser, page, max(WIDTHS))
        tab.evaluate(TALL)
        table.append(["1,200 rows drawn", "", *filter_times(tab, 1)])
    print(told)
    print("\n".join(text_table([list(row) for row in zip(*table, strict=True)], "lrrr")))


if __name__ == "__main__":
    run_command(main)
