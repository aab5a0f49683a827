import sys
from pathlib import Path

import numpy as np
import pytest

from error_analysis.galleries import hard_galleries
from error_analysis.report import main, render_gallery
from preprocess.errors import InputError
from preprocess.images_file import ImagesFile
from preprocess.split_file import write_split
from tests.conftest import assert_one_clear_line
from tests.error_analysis.page import Page
from tests.error_analysis.scored import (
    make_model,
    make_split,
    save_images,
    save_rankings,
    scores_with_ranks,
)

A = [0, 12, 10, 25, 12] + [0] * 25
B = [15, 0, 29, 3, 12] + [0] * 25
HOSTILE = '<script>alert({})</script> & "quoted" </style>'


def make_inputs(folder: Path, *scores: np.ndarray, text: str = "caption {}") -> list[str]:
    """Write split, images and one rankings file a matrix; return the command's arguments."""
    split = make_split([1] * len(scores[0]), text)
    write_split(folder / "test.json", split)
    save_images(folder / "test_images.h5", split)
    paths = [
        save_rankings(folder / f"model{i}" / "test.npz", matrix, split)
        for i, matrix in enumerate(scores)
    ]
    files = ["--split_file", folder / "test.json", "--images", folder / "test_images.h5"]
    return [*map(str, ["--rankings", *paths, *files, "--output", folder / "report.html"])]


def make_page(monkeypatch, arguments: list[str], *options: str) -> str:
    monkeypatch.setattr(sys, "argv", ["report", *arguments, *options])
    main()
    return Path(arguments[arguments.index("--output") + 1]).read_text("utf-8")


@pytest.fixture
def two_models(tmp_path) -> list[str]:
    return make_inputs(tmp_path, scores_with_ranks(A), scores_with_ranks(B))


def test_every_hard_query_and_every_win_is_on_the_page(two_models, monkeypatch):
    page = Page(make_page(monkeypatch, two_models))
    image_cards = {anchor for anchor in page.cards if "-i2t-" in anchor}
    assert image_cards == {
        *(f"hard-0-i2t-{i}" for i in (103, 101, 104, 102)),
        *(f"hard-1-i2t-{i}" for i in (102, 100, 104)),
        *("wins-0-1-i2t-100", "wins-1-0-i2t-103", "wins-1-0-i2t-101"),
    }
    assert (
        "4 of 30 image queries (13.3 %) have no ground truth in the top 10 of model0" in page.text
    )
    assert "All are shown, worst rank first." in page.text


def test_a_card_tells_the_ranks_under_both_models(two_models, monkeypatch):
    card = Page(make_page(monkeypatch, two_models)).cards["hard-0-i2t-103"]
    assert "caption 5003" in card
    assert "rank 25" in card
    assert "rank 3" in card
    # model1 has it at position 3, below three captions scored 1.
    assert card.count("Ground truth: ") == 1


def test_the_number_of_cards_is_limited_and_said(two_models, monkeypatch):
    page = Page(make_page(monkeypatch, two_models, "--max_queries", "1"))
    assert [anchor for anchor in page.cards if "hard-0-i2t" in anchor] == ["hard-0-i2t-103"]
    assert "Shown: 1, worst rank first." in page.text


def test_the_metrics_stand_in_the_table(two_models, monkeypatch):
    page = Page(make_page(monkeypatch, two_models))
    assert "R@10" in page.text
    assert "86.7" in page.text  # model0: 26 of 30 image queries in the top 10
    assert "protocol full" in " ".join(page.text.split())


def test_the_page_needs_no_network_and_no_script(two_models, monkeypatch):
    html = make_page(monkeypatch, two_models)
    page = Page(html)
    assert page.addresses
    assert all(address.startswith("#") for address in page.addresses)
    assert "@import" not in html
    assert html.count("url(") == html.count("url(data:image/jpeg;base64,") + html.count("url(#")
    assert page.tags["script"] == 0
    assert "default-src 'none'" in html


def test_links_lead_to_ids_that_occur_once(two_models, monkeypatch):
    page = Page(make_page(monkeypatch, two_models))
    assert len(page.ids) == len(set(page.ids))
    assert {address[1:] for address in page.addresses} <= set(page.ids)


def test_each_thumbnail_is_embedded_once(two_models, monkeypatch):
    html = make_page(monkeypatch, two_models)
    embedded = [line.split()[1] for line in html.splitlines() if "url(data:image" in line]
    assert len(embedded) == len(set(embedded))
    assert {".i103", ".i101", ".i104", ".i102", ".i100"} <= set(embedded)


def test_nothing_in_captions_or_names_is_taken_for_html(tmp_path, monkeypatch):
    arguments = make_inputs(tmp_path, scores_with_ranks(A), scores_with_ranks(B), text=HOSTILE)
    html = make_page(monkeypatch, arguments, "--names", "<b>one</b>", "$two & <script>")
    page = Page(html)
    assert page.tags["script"] == page.tags["b"] == 0
    assert page.tags["style"] == 3  # the page's, and one in each histogram
    assert HOSTILE.format(5003) in page.cards["hard-0-i2t-103"]
    assert "Hard for $two & <script>" in page.text


def test_no_hard_query_makes_an_honest_empty_gallery(tmp_path, monkeypatch):
    arguments = make_inputs(tmp_path, np.eye(12, dtype=np.float32))
    page = Page(make_page(monkeypatch, arguments))
    assert page.cards == {}
    sentence = "0 of 12 caption queries (0.0 %) have no ground truth in the top 10 of model0."
    assert f"{sentence} There is nothing to show." in " ".join(page.text.split())
    assert "beats" not in page.text


def test_three_models_stand_side_by_side(tmp_path, monkeypatch):
    arguments = make_inputs(tmp_path, *(scores_with_ranks(ranks) for ranks in (A, B, A[::-1])))
    page = Page(make_page(monkeypatch, arguments))
    assert page.cards["hard-2-i2t-126"].count("top 10") == 3
    assert "model2 beats model1" in page.text


def test_the_same_inputs_make_the_same_page(two_models, monkeypatch):
    assert make_page(monkeypatch, two_models) == make_page(monkeypatch, two_models)


def test_images_of_another_split_are_refused_before_anything_is_written(two_models, monkeypatch):
    images = Path(two_models[two_models.index("--images") + 1])
    other = make_split([1] * 5)
    (images.parent / "other").mkdir()
    save_images(images.parent / "other" / "images.h5", other)
    (images.parent / "other" / "images.h5").replace(images)
    with pytest.raises(InputError, match="image 105 is not in the file"):
        make_page(monkeypatch, two_models)
    assert not Path(two_models[-1]).exists()


@pytest.mark.parametrize("value", [0, -1])
def test_fewer_than_one_query_a_gallery_is_one_line(two_models, run_main, value):
    status = run_main(main, *two_models, "--max_queries", value)
    assert_one_clear_line(status, f"--max_queries: expected at least 1, found {value}")
    assert not Path(two_models[-1]).exists()


def test_a_gallery_is_drawn_alone_for_a_notebook(tmp_path):
    split = make_split([1] * 30)
    images = ImagesFile(save_images(tmp_path / "images.h5", split))
    models = [make_model(scores_with_ranks(A), split, "a")]
    page = Page(render_gallery(models, hard_galleries(models, 40)[0], images))
    assert len(page.cards) == 4
    assert "Hard for a: image queries" in page.text
