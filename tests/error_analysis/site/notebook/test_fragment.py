import re

import numpy as np
import pytest

from error_analysis.explaining.query_reasons import Evidence, explain_model
from error_analysis.probing.rank_lists import rank_list
from error_analysis.reasons.reason import Reason
from error_analysis.site.notebook.fragment import (
    render_gallery,
    render_hubs,
    render_query,
    render_rank_lists,
    render_text,
)
from error_analysis.site.notebook.galleries import hard_galleries
from preprocess.captions.split_file import Caption, CaptionedImage, Split
from preprocess.storage.images_file import ImagesFile
from tests.error_analysis.browser import find_browser, open_browser
from tests.error_analysis.page import Page
from tests.error_analysis.scored import make_model, make_split, save_images, scores_with_ranks

RANKS = [0, 12, 10, 25, 12] + [0] * 25
SPLIT = make_split([1] * 30)
# Of every caption: image 100 first, then 101, ...
DESCENDING = np.tile(np.arange(30, 0, -1, dtype=np.float32), (30, 1)).T
BOXES = "[...document.querySelectorAll('.answers')].map((e) => e.getBoundingClientRect().toJSON())"


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> ImagesFile:
    return ImagesFile(save_images(tmp_path_factory.mktemp("images") / "images.h5", SPLIT))


def two_models(split: Split = SPLIT):
    """Both list the images in order, from image 100 and from image 103 on."""
    scores = (DESCENDING, np.roll(DESCENDING, 3, axis=0))
    return [make_model(s, split, n) for s, n in zip(scores, ("a", "b <i>"), strict=True)]


def items_of(html: str) -> list[str]:
    """The text of each document that is listed, and what hovering it says."""
    entries = re.findall(r"<li.*?</li>", html, flags=re.DOTALL)
    titles = [re.search(r'title="([^"]*)"', entry) for entry in entries]
    texts = [" ".join(Page(entry).text.split()) for entry in entries]
    return [f"{text} | {title[1]}" for text, title in zip(texts, titles, strict=True)]


def test_a_gallery_brings_its_style_and_each_picture_once(images):
    models = [make_model(scores_with_ranks(RANKS), SPLIT, "a")]
    html = render_gallery(models, hard_galleries(models, 40)[0], images)
    page = Page(html)
    assert len(page.cards) == 4
    assert "Hard for a: image queries" in page.text
    assert "4 of 30 image queries (13.3 %) have no ground truth in the top 10 of a" in page.text
    assert page.addresses == []
    assert len(re.findall(r"url\(data:image/\w+;base64,", html)) == 4


def test_a_retrieved_image_says_where_another_model_has_it_and_hovered_its_captions(images):
    listed = items_of(render_query(two_models(), "t2i", 0, images))
    assert len(listed) == 20
    assert listed[0] == "0 ✓ 30.000 | image 100\n– caption 5000"
    assert listed[3] == "3 27.000 also 0 in b <i> | image 103\n– caption 5003"
    assert listed[10] == "0 30.000 also 3 in a | image 103\n– caption 5003"


def test_a_retrieved_caption_says_likewise(images):
    models = [make_model(m.rankings.scores.T, SPLIT, m.name) for m in two_models()]
    listed = items_of(render_query(models, "i2t", 0, images))
    assert listed[3] == "3 caption 5003 also 0 in b <i> 27.000 | image 103\n– caption 5003"


def test_reasons_stand_on_the_card(images):
    model = two_models()[0]
    of_caption = [(Reason("typo", "giarffs, for giraffes", "giraffes"),)] * 30
    explained = explain_model(model, Evidence(tuple(of_caption), {}, None, None))
    html = render_query([model], "t2i", 12, images, explained)
    assert "giarffs, for giraffes Probably meant: “giraffes”" in " ".join(Page(html).text.split())


def test_nothing_in_captions_or_names_is_taken_for_html(tmp_path):
    hostile = 'a "cat" </style><script>alert({})</script>'
    split = make_split([2] * 15, hostile)
    images = ImagesFile(save_images(tmp_path / "images.h5", split))
    scores = np.random.default_rng(0).normal(size=(15, 30)).astype(np.float32)
    model = make_model(scores, split, hostile)
    for direction in ("i2t", "t2i"):
        html = render_query([model], direction, 0, images) + render_hubs([model], direction, images)
        assert Page(html).tags["script"] == 0
    assert Page(render_text(hostile)).text == hostile


def test_hubs_are_shown_as_pictures_most_intrusions_first(images):
    listed = items_of(render_hubs(two_models(), "t2i", images, 4))
    # Each of the first ten is right for one caption of the thirty.
    assert listed[0] == "0 29 × | image 100\n– caption 5000"
    assert listed[3] == "3 29 × also 0 in b <i> | image 103\n– caption 5003"
    assert listed[4] == "0 29 × also 3 in a | image 103\n– caption 5003"


def test_caption_hubs_are_shown_with_their_image(images):
    models = [make_model(m.rankings.scores.T, SPLIT, m.name) for m in two_models()]
    html = render_hubs(models, "i2t", images, 2)
    assert items_of(html)[1] == "caption 5001 29 × | image 101\n– caption 5001"
    assert html.count('aria-label="image 101"') == 1
    assert len(re.findall(r"url\(data:image/", html)) == 4  # 100, 101; 103, 104


def test_a_model_without_hubs_says_none(images):
    perfect = make_model(np.eye(30, dtype=np.float32), SPLIT, "perfect")
    single = Split("tiny", "test", "a test", (CaptionedImage(100, "a", (Caption(1, "a"),)),))
    alone = make_model(np.ones((1, 1), np.float32), single, "alone")
    assert "none" in Page(render_hubs([alone], "t2i", images)).text
    assert "none" not in Page(render_hubs([perfect], "t2i", images)).text  # its tops are filled


def test_rank_lists_are_shown_as_pictures(images):
    scores = DESCENDING[:, 0]
    lists = [rank_list("typed", "a <b>", scores, SPLIT, [12]),
             rank_list("edited", "a b", scores, SPLIT, [1])]  # fmt: skip
    html = render_rank_lists(lists, SPLIT, images)
    text = " ".join(Page(html).text.split())
    assert "typed: “a <b>” ground truth: image 112, rank 12" in text
    assert "edited: “a b” ground truth: image 101, rank 1" in text
    assert items_of(html)[11].startswith("1 ✓ 29.000 | image 101")


@pytest.mark.skipif(find_browser() is None, reason="needs a Chromium")
def test_models_stand_side_by_side_and_on_a_phone_below_one_another(images, tmp_path):
    page = tmp_path / "cell.html"
    phone = "<meta name='viewport' content='width=device-width'>"
    page.write_text(phone + render_query(two_models(), "t2i", 0, images), "utf-8")
    with open_browser() as browser:
        left, right = browser.open(page, width=900).evaluate(BOXES)
        assert left["top"] == right["top"]
        assert left["right"] < right["left"]
        above, below = browser.open(page, width=390).evaluate(BOXES)
        assert above["bottom"] < below["top"]
        assert below["right"] <= 390


def test_a_text_table_is_scrolled_and_prose_is_broken_between_words():
    assert "white-space: pre;" in render_text("a  b")
    assert "white-space: pre-wrap; word-break: normal" in render_text("a b", wraps=True)
