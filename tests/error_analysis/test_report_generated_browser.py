"""What a captioner says of a query's image, and of what stands first, in a real browser."""

import json

import pytest

from tests.error_analysis.browser import Browser, find_browser
from tests.error_analysis.queries_page import RANKS, TEXT, TITLE, WIDTHS, open_queries
from tests.error_analysis.report_folder import Site, make_inputs, make_report
from tests.error_analysis.scored import scores_with_ranks

pytestmark = pytest.mark.skipif(
    find_browser() is None, reason="needs a Chromium (Debian, Ubuntu: apt-get install chromium)"
)

SHOWN = "document.querySelector('#query .generated')?.innerText"
LINES = "[...document.querySelectorAll('#query .generated li')].map((li) => li.innerText)"
SCORES = scores_with_ranks(RANKS)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
    """60 images with a caption each, two models; of image 100 there is no caption by machine."""
    folder = tmp_path_factory.mktemp("generated")
    said = {i: f"Machine <b>{i}</b>" for i in range(101, 160)}
    said |= {103: "a dog", 104: "A dog", 105: ""}
    path = folder / "an lstm" / "said.json"
    path.parent.mkdir()
    path.write_text(json.dumps([{"image_id": i, "caption": t} for i, t in said.items()]))
    with pytest.MonkeyPatch.context() as monkeypatch:
        arguments = make_inputs(folder, SCORES, SCORES.T, text=TEXT)
        return make_report(monkeypatch, arguments, "--generated_captions", str(path))


def first_image(model: int, row: int, direction: str) -> int:
    scores = SCORES if model == 0 else SCORES.T
    return 100 + int((scores[row] if direction == "i2t" else scores[:, row]).argmax())


@pytest.mark.parametrize("direction", ["i2t", "t2i"])
def test_the_own_image_and_those_that_stand_first_have_their_captions(
    browser: Browser, site: Site, direction
):
    query = "i2t-103" if direction == "i2t" else "t2i-5003"
    tab = open_queries(browser, site, f"#query={query}")
    tab.wait(TITLE)
    assert "Said by a captioner, an lstm, a machine:" in tab.evaluate(SHOWN)
    own, *others = tab.evaluate(LINES)
    assert own == f"of {'its' if direction == 't2i' else 'this'} image: “a dog”"
    firsts = [first_image(model, 3, direction) for model in (0, 1)]
    assert 104 in firsts
    said = {first: f"“Machine <b>{first}</b>”" for first in firsts}
    said |= {104: "“A dog” the same of both"}
    expected = [
        f"of image {first}, first under model{model}: {said[first]}"
        for model, first in enumerate(firsts)
    ]
    assert [" ".join(line.split()) for line in others] == expected
    assert tab.problems() == []


def test_of_a_model_that_ranks_the_own_image_first_nothing_is_said(browser: Browser, site: Site):
    tab = open_queries(browser, site, "#query=i2t-100")
    tab.wait(TITLE)
    own, other = tab.evaluate(LINES)
    assert own == "of this image: no caption in the file"
    assert "first under model1" in " ".join(other.split())


@pytest.mark.parametrize("width", WIDTHS)
def test_it_is_for_everyone_at_every_width(browser: Browser, site: Site, width):
    tab = open_queries(browser, site, "#query=t2i-5003", width)
    tab.wait(TITLE)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.violations() == []


def test_a_report_without_such_captions_loads_nothing_for_them(
    browser: Browser, tmp_path, monkeypatch
):
    site = make_report(monkeypatch, make_inputs(tmp_path, SCORES, text=TEXT))
    assert "generated" not in site.html["queries.html"]
    assert "generated" not in site.data("queries")
    tab = open_queries(browser, site, "#query=t2i-5003")
    tab.wait(TITLE)
    assert tab.evaluate(SHOWN) is None
    assert tab.problems() == []
