"""The first page in a real browser: nothing is hidden or too pale, on a phone or a wide screen."""

from pathlib import Path

import pytest

from error_analysis.difficulty import main as difficulty
from error_analysis.false_negatives import main as false_negatives
from error_analysis.site.base.environment import template_environment
from error_analysis.site.overview import render_overview
from error_analysis.site.sections.findings import read_findings_files
from error_analysis.site.writing import write_assets
from tests.error_analysis.browser import Browser, find_browser
from tests.error_analysis.labels import write_eccv
from tests.error_analysis.scored import model_of_ranks
from tests.error_analysis.site.sections.drawn import overview_of
from tests.error_analysis.site.sections.written import write_rankings

pytestmark = pytest.mark.skipif(
    find_browser() is None, reason="needs a Chromium (Debian, Ubuntu: apt-get install chromium)"
)
RANKS = [i * i // 3 % 120 for i in range(120)]
# Elements that stand out of the box that they are in, and cannot be scrolled to.
CUT_OFF = """
[...document.querySelectorAll(".table, .table :is(td, th), p, h1, h2, h3")]
  .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 1)
  .map((element) => element.outerHTML.slice(0, 200))
"""
# The text of the page with the least contrast to what is behind it (WCAG 2.2, 1.4.3).
LEAST_CONTRAST = """
(() => {
  const channels = (text) => {
    const numbers = text.match(/[\\d.]+(e-?\\d+)?/g).map(Number);
    const scale = text.startsWith("color(srgb") ? 1 : 255;
    return [...numbers.slice(0, 3).map((value) => value / scale), numbers[3] ?? 1];
  };
  const luminance = (color) => {
    const linear = color.slice(0, 3)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color[3] === 1) return color;
    }
    return [1, 1, 1, 1];
  };
  let least = [99, ""];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.getClientRects().length) continue;
    const [one, other] = [channels(getComputedStyle(element).color), behind(element)]
      .map(luminance).sort((a, b) => b - a);
    const contrast = (one + 0.05) / (other + 0.05);
    if (contrast < least[0]) least = [contrast, element.outerHTML.slice(0, 200)];
  }
  return least;
})()
"""


@pytest.fixture
def page(tmp_path, run_main) -> Path:
    """The page with its styles; pictures and figures are not there."""
    written = write_rankings(tmp_path, RANKS, RANKS[::-1])
    labels = write_eccv(tmp_path, {100 + i: [5000 + i, 5001 + i] for i in range(100)}, {})
    models = written.models()
    findings = read_findings_files(
        models,
        false_negatives=written.output_of(run_main, false_negatives, "--labels", labels),
        difficulty=written.output_of(run_main, difficulty, "--no_rules"),
    )
    environment = template_environment()
    html = render_overview(environment, overview_of(models, findings=findings))
    (tmp_path / "index.html").write_text(html.replace("<img", "<i"), "utf-8")
    (tmp_path / "assets").mkdir()
    write_assets(environment, tmp_path / "assets")
    return tmp_path / "index.html"


@pytest.mark.long
def test_no_number_is_hidden_on_a_narrow_screen(browser: Browser, page):
    for width in (320, 390, 560, 673, 768, 1024, 1440):
        tab = browser.open(page, width=width)
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        assert tab.evaluate(CUT_OFF) == [], width
        assert tab.problems() == []


@pytest.fixture
def page_of_many(tmp_path) -> Path:
    """The page of six models, of which each two are told in matrices."""
    ranks = [(i * i // 3 % 120 * n) % 120 for n in range(1, 7) for i in range(120)]
    names = ("clip", "lxmert", "sx3hre_contrastive", "a_rather_long_name-of-a-model", "e", "f")
    models = [model_of_ranks(ranks[120 * i : 120 * i + 120], name) for i, name in enumerate(names)]
    environment = template_environment()
    html = render_overview(environment, overview_of(models)).replace("<img", "<i")
    (tmp_path / "index.html").write_text(html.replace("<details", "<details open"), "utf-8")
    (tmp_path / "assets").mkdir()
    write_assets(environment, tmp_path / "assets")
    return tmp_path / "index.html"


@pytest.mark.long
def test_of_many_models_nothing_is_hidden_or_too_pale(browser: Browser, page_of_many):
    for width in (320, 390, 768, 1440):
        for dark in (False, True):
            tab = browser.open(page_of_many, width=width, dark=dark)
            assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
            assert tab.evaluate(CUT_OFF) == [], width
            assert tab.problems() == []
            contrast, element = tab.evaluate(LEAST_CONTRAST)
            assert contrast >= 4.5, element


@pytest.mark.long
def test_a_matrix_scrolls_in_its_own_frame_that_the_keyboard_reaches(browser: Browser, page):
    tab = browser.open(page, width=320)
    frames = "[...document.querySelectorAll('.frame')]"
    assert tab.evaluate(f"{frames}.some((frame) => frame.scrollWidth > frame.clientWidth)")
    assert tab.evaluate(f"{frames}.every((frame) => frame.tabIndex === 0 && frame.role)")
    # The ranks of a row stay in sight.
    tab.evaluate(f"{frames}.forEach((frame) => frame.scrollTo(999, 0))")
    head = "document.querySelector('.frame tbody th').getBoundingClientRect().left"
    assert tab.evaluate(f"{head} >= 0")


@pytest.mark.long
@pytest.mark.parametrize("dark", [False, True])
def test_all_text_stands_out_of_what_is_behind_it(browser: Browser, page, dark):
    for width in (390, 1440):
        contrast, element = browser.open(page, width=width, dark=dark).evaluate(LEAST_CONTRAST)
        assert contrast >= 4.5, element
