import re
from urllib.parse import unquote, urldefrag

import numpy as np
import pytest

from error_analysis.site.fragment import render_gallery
from error_analysis.site.galleries import hard_galleries
from error_analysis.site.pages import CARD_BYTES, near_pages
from preprocess.captions.split_file import Caption, CaptionedImage, Split, write_split
from preprocess.storage.images_file import ImagesFile
from tests.error_analysis.page import Page
from tests.error_analysis.report_folder import (
    A,
    B,
    make_inputs,
    make_report,
    save_features,
    save_reasons,
)
from tests.error_analysis.scored import (
    make_model,
    make_split,
    save_images,
    save_rankings,
    scores_with_ranks,
)
from tests.error_analysis.small_folds import FOLD, N_IMAGES

HOSTILE = '<script>alert({})</script> & "quoted" </style>'
PAGE_BYTES = 200_000


@pytest.fixture
def two_models(tmp_path) -> list[str]:
    return make_inputs(tmp_path, scores_with_ranks(A), scores_with_ranks(B))


def test_every_hard_query_and_every_win_is_shown(two_models, monkeypatch):
    site = make_report(monkeypatch, two_models)
    ids = {name: set(page.cards) for name, page in site.pages.items() if name.endswith("i2t.html")}
    assert ids == {
        "hard_model0_i2t.html": {f"model0-i2t-{i}" for i in (103, 101, 104, 102)},
        "hard_model1_i2t.html": {f"model1-i2t-{i}" for i in (102, 100, 104)},
        "wins_model0_model1_i2t.html": {"model1-i2t-100"},
        "wins_model1_model0_i2t.html": {"model0-i2t-103", "model0-i2t-101"},
    }
    sentence = "4 of 30 image queries (13.3 %) have no ground truth in the top 10 of model0."
    assert f"{sentence} All are shown, worst rank first." in site.text


def test_a_card_tells_the_ranks_under_both_models(two_models, monkeypatch):
    card = make_report(monkeypatch, two_models).cards("hard_model0_i2t")["model0-i2t-103"]
    assert "caption 5003" in card
    assert "103.jpg" in card
    assert "rank 25" in card
    assert "rank 3" in card
    # model1 has it at position 3, below three captions scored 1.
    assert card.count("Ground truth: ") == 1


def test_the_number_of_cards_is_limited_and_said(two_models, monkeypatch):
    site = make_report(monkeypatch, two_models, "--max_queries", "1")
    assert list(site.cards("hard_model0_i2t")) == ["model0-i2t-103"]
    assert "Shown: 1, worst rank first." in site.text


def test_the_metrics_stand_in_the_table_with_intervals(two_models, monkeypatch):
    words = " ".join(make_report(monkeypatch, two_models).pages["index.html"].text.split())
    assert "R@10" in words
    assert "86.7" in words  # model0: 26 of 30 image queries in the top 10
    assert "95 % interval" in words
    assert "protocol full" in words


def test_tests_between_models_stand_on_the_first_page(two_models, monkeypatch):
    site = make_report(monkeypatch, two_models)
    words = " ".join(site.pages["index.html"].text.split())
    assert "model0 and model1, image queries" in words
    assert "9,999 times" in words
    # model0 alone finds 100 (rank 0 against 15); model1 alone 101 (12, 0) and 103 (25, 3).
    first_page = site.html["index.html"]
    assert "</small></td><td>1</td><td>2</td>" in first_page
    # 1 query less of 30, and the interval of that; then p by image, by Holm and by McNemar.
    assert re.search(r"R@10</th><td>-3\.3<small>-[\d.]+ to [\d.]+</small></td><td>1<", first_page)
    assert "rsum, both directions" in words
    assert "corrected for all tests of this table" in words


def test_one_model_is_tested_against_none(tmp_path, monkeypatch):
    site = make_report(monkeypatch, make_inputs(tmp_path, scores_with_ranks(A)))
    assert "differences" not in site.pages["index.html"].ids


def test_ties_are_told_as_bounds(tmp_path, monkeypatch):
    arguments = make_inputs(tmp_path, scores_with_ranks([0.5] * 15 + [0] * 15))
    words = make_report(monkeypatch, arguments).pages["index.html"].text
    assert "ties 50.0–100.0" in words  # R@1 of image queries


def test_links_lead_to_files_and_ids_that_are_there(two_models, monkeypatch, tmp_path):
    options = save_features(tmp_path, two_models) + save_reasons(tmp_path, two_models, monkeypatch)
    site = make_report(monkeypatch, two_models, *options)
    cards = {card for page in site.pages.values() for card in page.cards}
    for name, page in site.pages.items():
        assert len(page.ids) == len(set(page.ids))
        for address in page.addresses:
            file, fragment = urldefrag(address)
            assert (site.folder / unquote(file or name)).is_file(), address
            if file == "search.html" and fragment:
                assert fragment in cards
            elif fragment:
                assert fragment in site.pages[file or name].ids


def test_all_that_a_page_loads_is_in_the_folder(two_models, monkeypatch):
    site = make_report(monkeypatch, two_models)
    for html in site.html.values():
        assert "default-src 'none'" in html
        assert "http:" not in html
        assert "https:" not in html
    for page in site.pages.values():
        assert not [a for a in page.addresses if ":" in a or a.startswith("/")]
    for asset in (site.folder / "assets").iterdir():
        text = asset.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text
        assert "url(" not in text
        assert "@import" not in text


def test_each_image_has_one_thumbnail_that_is_loaded_lazily(two_models, monkeypatch):
    site = make_report(monkeypatch, two_models)
    shown = {a for page in site.pages.values() for a in page.addresses if "thumbnails" in a}
    assert shown == {f"thumbnails/{path.name}" for path in (site.folder / "thumbnails").iterdir()}
    html = site.html["hard_model0_i2t.html"]
    assert html.count("<img ") == html.count('<img loading="lazy"') == 4


def test_nothing_in_captions_names_or_labels_is_taken_for_html(tmp_path, monkeypatch):
    matrices = (scores_with_ranks(A), scores_with_ranks(B))
    arguments = make_inputs(tmp_path, *matrices, text=HOSTILE)
    arguments += ["--names", "<b>one</b>", "$two & <script>"]
    options = save_features(tmp_path, arguments)
    site = make_report(monkeypatch, arguments, *options)
    for page in site.pages.values():
        assert page.tags["script"] == 1
        assert page.tags["b"] == page.tags["style"] == 0
    assert HOSTILE.format(5003) in site.cards("hard_b-one-b_i2t")["b-one-b-i2t-103"]
    assert "Hard for $two & <script>" in site.text
    assert HOSTILE.format(5003) in site.data("hard_b-one-b_i2t")["cards"][0][4]
    boxes = (site.folder / "boxes" / "103.js").read_text()
    assert boxes.startswith('reportData("boxes-103",{"size":[300,200],"boxes":[[30.0,40.0,150.0')


def test_file_names_of_images_are_escaped(tmp_path, monkeypatch):
    images = tuple(
        CaptionedImage(i, f'<img src=x>"{i}.jpg', (Caption(50 + i, "words"),)) for i in range(30)
    )
    split = Split("tiny", "test", "made by a test", images)
    write_split(tmp_path / "test.json", split)
    save_images_of = Split("tiny", "test", "t", tuple(
        CaptionedImage(i.image_id, f"{i.image_id}.jpg", i.captions) for i in images
    ))  # fmt: skip
    save_images(tmp_path / "test_images.h5", save_images_of)
    rankings = save_rankings(tmp_path / "m" / "test.npz", scores_with_ranks(A), split)
    arguments = ["--rankings", rankings, "--split_file", tmp_path / "test.json"]
    arguments += ["--images", tmp_path / "test_images.h5", "--output", tmp_path / "report"]
    site = make_report(monkeypatch, [*map(str, arguments)])
    assert '<img src=x>"3.jpg' in site.cards("hard_m_i2t")["m-i2t-3"]


def test_reasons_have_pages_counts_and_odds(tmp_path, monkeypatch):
    # The scores are transposed: caption queries have the ranks A.
    text = "There is no picture here to describe with a caption {}."
    arguments = make_inputs(tmp_path, scores_with_ranks(A).T, text=text)
    site = make_report(monkeypatch, arguments, *save_reasons(tmp_path, arguments, monkeypatch))
    cards = site.cards("reason_no-visual-content_model0_t2i")
    assert list(cards) == [f"model0-t2i-{i}" for i in (5003, 5001, 5004, 5002)]
    assert "no visual content" in cards["model0-t2i-5003"]
    overview = " ".join(site.pages["index.html"].text.split())
    assert "model0, caption queries: 4 hard, 4 with a reason" in overview
    assert "100.0 % 26 100.0 % too few queries" in overview


def test_no_hard_query_makes_honest_empty_pages(tmp_path, monkeypatch):
    arguments = make_inputs(tmp_path, np.eye(12, dtype=np.float32))
    site = make_report(monkeypatch, arguments, *save_reasons(tmp_path, arguments, monkeypatch))
    assert not any(page.cards for page in site.pages.values())
    sentence = "0 of 12 caption queries (0.0 %) have no ground truth in the top 10 of model0."
    assert f"{sentence} There is nothing to show." in site.text
    assert "beats" not in site.text
    assert "model0, caption queries: 0 hard, 0 with a reason" in site.text


@pytest.mark.usefixtures("small_folds")
def test_under_5fold_the_metrics_are_means_over_folds_and_it_is_said(tmp_path, monkeypatch):
    scores = scores_with_ranks([30] * FOLD + [0] * (N_IMAGES - FOLD))
    split = make_split([1] * N_IMAGES)
    arguments = make_inputs(tmp_path, scores)
    save_rankings(tmp_path / "model0" / "test.npz", scores, split, protocol="5fold")
    words = " ".join(make_report(monkeypatch, arguments).pages["index.html"].text.split())
    assert "the metrics are means over five galleries" in words
    # The 30 captions above an image are those that follow: of the first fold, only its last image
    # has none of them in its own fold. R@1 is the mean of 1 / 12 and four times 1.
    assert "model0 81.7" in words


@pytest.mark.long
def test_three_models_stand_side_by_side(tmp_path, monkeypatch):
    arguments = make_inputs(tmp_path, *(scores_with_ranks(ranks) for ranks in (A, B, A[::-1])))
    site = make_report(monkeypatch, arguments)
    assert site.cards("hard_model2_i2t")["model2-i2t-126"].count("top 10") == 3
    assert "model2 beats model1" in site.text
    assert len(list((site.folder / "figures").glob("scatter_*.pdf"))) == 6


def test_the_same_inputs_make_the_same_files(two_models, monkeypatch):
    def files() -> dict[str, bytes]:
        folder = make_report(monkeypatch, two_models).folder
        return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    assert files() == files()


def test_no_page_is_larger_than_200_kb_whatever_the_captions(tmp_path, monkeypatch):
    text = "é<&" * 2000 + " word" * 1000 + " {}"
    ranks = [11 + i % 5 for i in range(90)]
    arguments = make_inputs(tmp_path, scores_with_ranks(ranks), scores_with_ranks(ranks), text=text)
    site = make_report(monkeypatch, arguments)
    sizes = {name: len(html.encode()) for name, html in site.html.items()}
    assert max(sizes.values()) <= PAGE_BYTES
    assert max(sizes.values()) > CARD_BYTES / 2  # pages are filled
    assert len(site.cards("hard_model0_i2t")) == 90
    parts = [name for name in site.pages if name.startswith("hard_model0_i2t")]
    assert len(parts) > 2


def test_the_index_tells_the_page_of_every_card(tmp_path, monkeypatch):
    ranks = [11 + i % 5 for i in range(60)]
    site = make_report(monkeypatch, make_inputs(tmp_path, scores_with_ranks(ranks)))
    for key in ("hard_model0_i2t", "all"):
        data = site.data(key)
        for anchor, page, rank, _, text, *_ in data["cards"]:
            assert anchor in site.pages[data["pages"][page]].cards
            if "-i2t-" in anchor:
                assert rank == ranks[int(anchor.rpartition("-")[2]) - 100]
            assert anchor.rpartition("-")[2] in text
    assert len(site.data("all")["pages"]) > 3


def test_a_gallery_is_drawn_alone_for_a_notebook(tmp_path):
    split = make_split([1] * 30)
    images = ImagesFile(save_images(tmp_path / "images.h5", split))
    models = [make_model(scores_with_ranks(A), split, "a")]
    html = render_gallery(models, hard_galleries(models, 40)[0], images)
    page = Page(html)
    assert len(page.cards) == 4
    assert "Hard for a: image queries" in page.text
    assert page.addresses == []
    assert html.count("url(data:image/jpeg;base64,") == 4


@pytest.mark.parametrize(
    ("number", "n_pages", "near"),
    [
        (1, 1, [1]),
        (2, 5, [1, 2, 3, 4, 5]),
        (50, 1000, [1, 46, 47, 48, 49, 50, 51, 52, 53, 54, 1000]),
    ],
)
def test_of_many_pages_the_near_ones_are_linked(number, n_pages, near):
    assert near_pages(number, n_pages) == near


def test_a_gallery_without_a_query_is_not_linked(tmp_path, monkeypatch):
    arguments = make_inputs(tmp_path, np.eye(12, dtype=np.float32))
    overview = make_report(monkeypatch, arguments).pages["index.html"]
    assert not [address for address in overview.addresses if address.startswith("hard_")]


def test_a_gallery_tells_what_a_rank_is_and_scores_have_three_decimals(two_models, monkeypatch):
    site = make_report(monkeypatch, two_models)
    text = " ".join(site.pages["hard_model0_i2t.html"].text.split())
    assert "A rank counts the wrong documents above a ground truth, from 0" in text
    assert re.search(r"rank 25 score -?\d+\.\d{3} ", text)


def test_the_search_says_how_to_begin(two_models, monkeypatch):
    assert "Type words" in make_report(monkeypatch, two_models).pages["search.html"].text
