"""How heavy a report is, and how long its two pages take in a browser: to open, and to filter.

Opens a report in a headless Chromium. Prints the bytes of what each page loads, milliseconds until
the first page is painted and loaded whole and until the first queries are seen on the other, and
from setting filters to seeing what passes them (the median of some rounds). Beside them, the plain
way, for as long as one can wait for it: until a list is seen whose first 1,200 rows are drawn, and
not those in sight alone.

    python -m benchmarks.report_page --report runs/demo/report
    python -m benchmarks.report_page --n_models 10

Without --report, one is made of --n_models drawn models over --n_images drawn images with five
captions each, in memory and a temporary folder: 10 models on 5,000 images take 7 GB of memory and
some minutes.
"""

import io
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from error_analysis.explaining.explanations import (
    DirectionExplanation,
    ExplainedQuery,
    ModelExplanation,
    ReasonCount,
)
from error_analysis.queries.hard_queries import HARD_RANK, hard_indices
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.reasons.reason import Reason
from error_analysis.site.writing import Report, write_report
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from information_retrieval.ranking.rankings import rank_scores
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.text_table import text_table
from preprocess.captions.split_file import Caption, CaptionedImage, Split
from preprocess.storage.images_file import ImagesFile, write_images_file
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
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
LOADED = "performance.getEntriesByType('navigation')[0]?.loadEventEnd || null"
FIRST_VIEW = "performance.getEntriesByName('first view')[0]?.startTime"
# A list so tall has some 1,200 rows in sight.
TALL = "Object.assign(document.getElementById('list').style, {flex: 'none', height: '1e5px'}); 0"


CAPTIONS = 5  # of an image
N_COMMON = 400  # words that captions are drawn from
REASONS = ("typo", "long modifier", "underspecified", "plausible retrieval", "ambiguous")


@dataclass
class BenchmarkArguments:
    report: Path | None = field(
        default=None, metadata={"help": "folder of error_analysis.report; default: one is drawn"}
    )
    n_models: int = field(default=10, metadata={"help": "of a report that is drawn"})
    n_images: int = field(default=5000, metadata={"help": "of a report that is drawn"})
    rounds: int = field(default=5, metadata={"help": "of which the median is shown"})


def drawn_split(n_images: int, generator: np.random.Generator) -> Split:
    """Return images with captions of ten words, of which frequent ones are more frequent."""
    words = np.array([f"word{i}" for i in range(N_COMMON)])
    share = 1 / np.arange(1, N_COMMON + 1)
    images = []
    for i in range(n_images):
        texts = words[generator.choice(N_COMMON, (CAPTIONS, 10), p=share / share.sum())]
        captions = tuple(
            Caption(1_000_000 + CAPTIONS * i + j, " ".join(text)) for j, text in enumerate(texts)
        )
        images.append(CaptionedImage(1 + i, f"drawn/{i}.jpg", captions))
    return Split("drawn", "test", "benchmarks.report_page", tuple(images))


def drawn_models(
    split: Split, n_models: int, generator: np.random.Generator
) -> list[ModelRankings]:
    """Return models that find about half of the queries, and miss others in part the same ones."""
    index = split.caption_image_index
    ease = generator.normal(3.3, 1, len(index)).astype(np.float32)  # of a caption, for all models
    models = []
    for i in range(n_models):
        scores = generator.standard_normal((len(split.images), len(index)), np.float32)
        scores[index, np.arange(len(index))] += ease
        rankings = rank_scores(scores, split, {"model": f"drawn {i}", "protocol": "full"})
        models.append(ModelRankings(f"model_{i}", Path(f"drawn/{i}.npz"), split, rankings))
    return models


def drawn_reasons(model: ModelRankings, generator: np.random.Generator) -> ModelExplanation:
    """Return reasons of hard queries, one or none each."""
    directions: dict[Direction, DirectionExplanation] = {}
    for direction in DIRECTIONS:
        ranks, image = model.query_ranks(direction).ranks(), model.image_of_query(direction)
        indices = hard_indices(ranks, HARD_RANK)
        drawn = generator.integers(-2, len(REASONS), len(indices)).tolist()
        hard = tuple(
            ExplainedQuery(
                int(model.gallery.image_ids[image[query]]),
                int(model.gallery.caption_ids[query]) if direction == "t2i" else None,
                float(ranks[query]),
                (Reason(REASONS[one], "said of it by nobody: a sentence of evidence"),)
                * (one >= 0),
            )
            for query, one in zip(indices.tolist(), drawn, strict=True)
        )
        n_easy = int((ranks == 0).sum())
        counts = tuple(
            ReasonCount(name, drawn.count(i), 0, len(hard), n_easy)
            for i, name in enumerate(REASONS)
        )
        directions[direction] = DirectionExplanation(len(ranks), n_easy, hard, counts)
    return ModelExplanation(model.name, "", directions)


def write_drawn_report(folder: Path, n_models: int, n_images: int) -> None:
    """Write a report of drawn models; print the seconds that it takes."""
    generator = np.random.default_rng(0)
    split = drawn_split(n_images, generator)
    pictures = []
    for colour in generator.integers(0, 256, (90, 12, 16, 3), np.uint8):
        file = io.BytesIO()
        Image.fromarray(colour).resize((640, 480), Image.Resampling.BICUBIC).save(file, "JPEG")
        pictures.append(file.getvalue())
    images = folder.with_name("images.h5")
    write_images_file(images, split.image_ids, [pictures[i % 90] for i in range(n_images)])
    models = drawn_models(split, n_models, generator)
    explained = {model.name: drawn_reasons(model, generator) for model in models}
    report = Report(models, ImagesFile(images), HARD_RANK, explained)
    folder.mkdir()
    start = time.perf_counter()
    write_report(report, folder, lambda steps, _, __: steps)
    print(f"{n_models} models, {n_images:,} images: written in {time.perf_counter() - start:.0f} s")


@contextmanager
def report_of(args: BenchmarkArguments) -> Iterator[Path]:
    """Give the report's folder."""
    if args.report is not None:
        yield args.report.absolute()
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "report"
        write_drawn_report(folder, args.n_models, args.n_images)
        yield folder


def page_bytes(report: Path) -> dict[str, int]:
    """Return the bytes of what is loaded at once, and of all there is."""

    def of(pattern: str) -> int:
        return sum(path.stat().st_size for path in report.glob(pattern) if path.is_file())

    style_and_code = of("assets/*")
    return {
        "first page": of("index.html") + of("assets/*.css") + of("figures/*.svg"),
        "page of queries": of("queries.html") + style_and_code + of("data/queries.js"),
        "a part of the queries": max(p.stat().st_size for p in report.glob("data/part_*.js")),
        "all": of("**/*"),
    }


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


def first_page_times(browser: Browser, report: Path, width: int) -> tuple[float, float]:
    """Return milliseconds until something is painted, and until all is loaded."""
    tab = browser.open(report / "index.html", width=width)
    tab.wait(f"{PAINTED} && {LOADED}")
    return tab.evaluate(PAINTED), tab.evaluate(LOADED)


def measure(browser: Browser, report: Path, rounds: int) -> list[list[str]]:
    """Return the table of milliseconds: a row a width, and one of the plain way."""
    page = report / "queries.html"
    heads = ("first page painted", "loaded", "first queries")
    table = [["milliseconds", *heads, *(f"filter: {name}" for name in FILTERS)]]
    for width, name in WIDTHS.items():
        times = [first_page_times(browser, report, width) for _ in range(rounds)]
        first = [f"{statistics.median(of):,.0f}" for of in zip(*times, strict=True)]
        opened = median(partial(first_view_time, browser, page, width), rounds)
        # Frames are drawn in the tab that was opened last alone.
        tab = open_page(browser, page, width)
        table.append([name, *first, opened, *filter_times(tab, rounds)])
    print(tab.evaluate("document.querySelector('#filters output').textContent"))
    tab = open_page(browser, page, max(WIDTHS))
    tab.evaluate(TALL)
    table.append(["1,200 rows drawn", "", "", "", *filter_times(tab, 1)])
    return table


def main() -> None:
    args = parse_arguments(BenchmarkArguments, description=__doc__)
    for option, least in (("rounds", 1), ("n_models", 1), ("n_images", 2)):
        check_at_least(f"--{option}", getattr(args, option), least)
    if args.report is not None and not (args.report / "queries.html").exists():
        raise InputError(
            f"{args.report / 'queries.html'}: expected a report, found none; make it with "
            "`error_analysis.report`"
        )
    if find_browser() is None:
        raise InputError("no Chromium found; install it (Debian, Ubuntu: apt-get install chromium)")
    with report_of(args) as report, open_browser() as browser:
        for what, n_bytes in page_bytes(report).items():
            print(f"{what}: {n_bytes / 1e6:,.2f} MB")
        table = measure(browser, report, args.rounds)
    print("\n".join(text_table([list(row) for row in zip(*table, strict=True)], "lrrr")))


if __name__ == "__main__":
    run_command(main)
