"""The boxes that a model predicts for captions, as the report draws them in a real browser."""

import json

import pytest

from error_analysis.probing.caption_boxes import BoxInImage, CaptionBoxes, boxes_to_json
from tests.error_analysis.browser import Browser, Tab, find_browser
from tests.error_analysis.queries_page import COUNT, RANKS, TEXT, TITLE, WIDTHS, open_queries
from tests.error_analysis.report_folder import Site, make_inputs, make_report, save_features
from tests.error_analysis.scored import make_split, scores_with_ranks

pytestmark = pytest.mark.skipif(
    find_browser() is None, reason="needs a Chromium (Debian, Ubuntu: apt-get install chromium)"
)

SWITCH = "document.querySelector('#query .show-boxes[data-layer=\"predicted\"]')"
DETECTOR = SWITCH.replace("predicted", "detector")
DRAWN = "document.querySelectorAll('#query svg.predicted').length"
OWN = "document.querySelector('.truth .picture')"
# Of the portrait image 100, whose caption model0 finds, and of 103's, which it does not.
FOUND, MISSED = "t2i-5000", "t2i-5003"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
    """60 images with a caption each, two models; the first predicts boxes for two captions."""
    folder = tmp_path_factory.mktemp("browser")
    scores = scores_with_ranks(RANKS)
    split = make_split([1] * len(RANKS), TEXT)
    found = [
        CaptionBoxes(5003, "", 12.0, BoxInImage(103, (0.25, 0.1, 0.75, 0.5)), box_of(scores)),
        CaptionBoxes(5000, "", 0.0, BoxInImage(100, (0.0, 0.0, 0.5, 1.0)), None),
    ]
    metadata = {"model": "tiny", "split_sha256": split.sha256, "protocol": "full"}
    with pytest.MonkeyPatch.context() as monkeypatch:
        arguments = make_inputs(folder, scores, scores.T, text=TEXT)
        probe = folder / "boxes.json"
        probe.write_text(json.dumps({**boxes_to_json(found, 0), "metadata": metadata}))
        options = [*save_features(folder, arguments), "--probes", str(probe)]
        return make_report(monkeypatch, arguments, *options)


def box_of(scores) -> BoxInImage:
    """In the image that stands first for caption 5003."""
    return BoxInImage(100 + int(scores[:, 3].argmax()), (0.0, 0.5, 1.0, 1.0))


def open_query(browser: Browser, site: Site, query: str, width: int = 1440) -> Tab:
    tab = open_queries(browser, site, f"#query={query}", width)
    tab.wait(TITLE)
    return tab


def test_boxes_are_drawn_on_demand_in_the_own_image_and_in_the_first_wrong_one(
    browser: Browser, site: Site
):
    tab = open_query(browser, site, MISSED)
    assert tab.evaluate(f"{SWITCH}.textContent") == "Predicted boxes"
    assert tab.evaluate(f"{SWITCH}.ariaPressed") == "false"
    assert tab.evaluate(DRAWN) == 0
    tab.evaluate(f"{SWITCH}.click()")
    assert tab.evaluate(f"{SWITCH}.ariaPressed") == "true"
    tab.wait(f"{OWN}.querySelector('svg.predicted')")
    drawn = f"{OWN}.querySelector('svg.predicted')"
    assert tab.evaluate(f"{drawn}.getAttribute('viewBox')") == "0 0 300 200"
    frame = f"[...{drawn}.querySelector('.model-0').attributes].map((a) => [a.name, a.value])"
    told = dict(tab.evaluate(frame))
    assert [float(told[key]) for key in ("x", "y", "width", "height")] == [75, 20, 150, 80]
    assert tab.evaluate(f"{drawn}.querySelector('text').textContent") == "model0"
    spoken = "model0 sees the caption 25 to 75 % across, 10 to 50 % down"
    assert tab.evaluate(f"{drawn}.ariaLabel") == tab.evaluate(f"{OWN}.title") == spoken
    wrong = site.data("queries")["images"]["ids"].index(box_of(scores_with_ranks(RANKS)).image_id)
    shown = f'#query .side-by-side section:first-child [data-document="{wrong}"] svg.predicted'
    tab.wait(f"document.querySelector('{shown}')")
    assert tab.evaluate(f"document.querySelector('{shown}').ariaLabel").endswith(
        "0 to 100 % across, 50 to 100 % down"
    )
    # In no other picture.
    images = (
        "[...new Set([...document.querySelectorAll('#query svg.predicted')]"
        ".map((svg) => Number(svg.closest('.picture').dataset.image)))].sort((a, b) => a - b)"
    )
    assert tab.evaluate(images) == sorted([3, wrong])
    tab.evaluate(f"{SWITCH}.click()")
    assert tab.evaluate(DRAWN) == 0
    assert not tab.evaluate(f"{OWN}.title")
    assert tab.problems() == []


def test_a_portrait_is_drawn_in_its_own_shape_and_the_detectors_boxes_beside(
    browser: Browser, site: Site
):
    tab = open_query(browser, site, FOUND)
    tab.evaluate(f"{DETECTOR}.click()")
    tab.evaluate(f"{SWITCH}.click()")
    tab.wait(f"{OWN}.querySelectorAll('svg').length === 2 && {OWN}.title.includes('regions')")
    drawn = f"{OWN}.querySelector('svg.predicted')"
    assert tab.evaluate(f"{drawn}.getAttribute('viewBox')") == "0 0 200 300"
    right = f"{drawn}.querySelector('.model-0').getBoundingClientRect().right"
    middle = f"(({{x, width}}) => x + width / 2)({OWN}.getBoundingClientRect())"
    assert tab.evaluate(f"{right} - {middle}") == pytest.approx(0, abs=2.5)  # half a line's width
    told = tab.evaluate(f"{OWN}.title")
    assert "model0 sees the caption" in told
    assert "regions: dog" in told
    tab.evaluate(f"{DETECTOR}.click()")
    tab.wait(f"{OWN}.querySelectorAll('svg').length === 1")
    assert tab.evaluate(f"{OWN}.title").startswith("model0 sees")


def test_the_enlarged_picture_has_them_too_and_a_query_without_has_no_switch(
    browser: Browser, site: Site
):
    tab = open_query(browser, site, MISSED)
    tab.evaluate(f"{OWN}.click()")
    switch = "document.querySelector('#enlarged .show-boxes[data-layer=\"predicted\"]')"
    tab.evaluate(f"{switch}.click()")
    tab.wait("document.querySelector('#enlarged svg.predicted')")
    tab.wait(f"{OWN}.querySelector('svg.predicted')")  # behind it, as well
    assert tab.violations() == []
    tab.press("Escape")
    tab.press("j")
    tab.wait(f"!{TITLE}.includes('5003')")
    assert tab.evaluate(SWITCH) is None
    assert tab.evaluate(DRAWN) == 0
    assert tab.problems() == []


@pytest.mark.parametrize("width", WIDTHS)
def test_a_query_with_boxes_is_for_everyone_at_every_width(browser: Browser, site: Site, width):
    tab = open_query(browser, site, MISSED, width)
    tab.evaluate(f"{SWITCH}.click()")
    tab.wait(f"{OWN}.querySelector('svg.predicted')")
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.evaluate(f"{SWITCH}.getBoundingClientRect().right <= innerWidth")
    assert tab.violations() == []


def test_the_first_page_leads_to_the_captions_with_boxes(browser: Browser, site: Site):
    tab = browser.open(site.folder / "index.html")
    link = "document.querySelector('a[href*=\"predicted\"]')"
    assert tab.evaluate(f"{link}.textContent") == "2"
    address = tab.evaluate(f"{link}.href")
    tab = open_queries(browser, site, "#" + address.partition("#")[2])
    assert tab.evaluate(COUNT) == "2 of 120 queries"
