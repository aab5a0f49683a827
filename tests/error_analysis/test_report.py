import re
import shutil
from collections import namedtuple
from urllib.parse import unquote, urldefrag

import numpy as np
import pytest

from error_analysis.report import main
from preprocess.captions.split_file import Caption, CaptionedImage, Split, write_split
from tests.conftest import assert_one_clear_line
from tests.error_analysis.report_folder import (
    A,
    B,
    make_inputs,
    make_report,
    save_features,
    save_reasons,
)
from tests.error_analysis.scored import save_images, save_rankings, scores_with_ranks

HOSTILE = '<script>alert({})</script> & "quoted" </style>'


@pytest.fixture
def two_models(tmp_path) -> list[str]:
    return make_inputs(tmp_path, scores_with_ranks(A), scores_with_ranks(B))


def test_every_query_is_there_with_its_rank_under_each_model(two_models, monkeypatch):
    site = make_report(monkeypatch, two_models)
    index = site.data("queries")
    assert index["images"]["ids"] == list(range(100, 130))
    assert index["captions"]["ids"] == list(range(5000, 5030))
    assert [ranks[:30] for ranks in index["ranks"]] == [A, B]
    assert index["captions"]["texts"][3] == "caption 5003"
    assert site.part(0, 3)[0]["truth"][0][0] == 25


def test_all_parts_together_have_all_queries(two_models, monkeypatch):
    site = make_report(monkeypatch, two_models)
    parts = sorted((site.folder / "data").glob("part_*.js"))
    assert [path.name for path in parts] == ["part_0.js"]
    assert len(site.part(0, slice(None))) == 60


def test_links_lead_to_pages_and_ids_that_are_there(two_models, monkeypatch, tmp_path):
    options = save_features(tmp_path, two_models) + save_reasons(tmp_path, two_models, monkeypatch)
    site = make_report(monkeypatch, two_models, *options)
    for name, page in site.pages.items():
        assert len(page.ids) == len(set(page.ids))
        for address in page.addresses:
            file, fragment = urldefrag(address)
            assert (site.folder / unquote(file or name)).is_file(), address
            if fragment and "=" not in fragment:
                assert fragment in site.pages[file or name].ids


def test_all_that_a_page_loads_is_in_the_folder(two_models, monkeypatch):
    site = make_report(monkeypatch, two_models)
    for html in site.html.values():
        assert "default-src 'none'" in html
        assert "http:" not in html
        assert "https:" not in html
    for page in site.pages.values():
        assert not [a for a in page.addresses if ":" in urldefrag(a).url or a.startswith("/")]
    for asset in (site.folder / "assets").iterdir():
        text = asset.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text
        assert "url(" not in text
        assert "@import" not in text


def test_each_image_has_one_picture_of_the_side_asked_for(two_models, monkeypatch):
    site = make_report(monkeypatch, two_models, "--longest_side", "60")
    pictures = site.folder / "pictures"
    assert {path.stem for path in pictures.iterdir()} == set(map(str, range(100, 130)))
    small = sum(path.stat().st_size for path in pictures.iterdir())
    site = make_report(monkeypatch, two_models)
    assert small < sum(path.stat().st_size for path in (site.folder / "pictures").iterdir())


def test_nothing_in_captions_names_or_labels_is_taken_for_html(tmp_path, monkeypatch):
    matrices = (scores_with_ranks(A), scores_with_ranks(B))
    arguments = make_inputs(tmp_path, *matrices, text=HOSTILE)
    arguments += ["--names", "<b>one</b>", "$two & <script>"]
    site = make_report(monkeypatch, arguments, *save_features(tmp_path, arguments))
    assert [page.tags["b"] + page.tags["style"] for page in site.pages.values()] == [0, 0]
    assert site.pages["index.html"].tags["script"] == 0
    assert site.html["queries.html"].count("<script") == site.html["queries.html"].count(" defer>")
    assert "$two & <script>" in site.pages["index.html"].text
    assert site.data("queries")["captions"]["texts"][3] == HOSTILE.format(5003)
    assert [m["slug"] for m in site.data("queries")["models"]] == ["b-one-b", "two-script"]
    boxes = (site.folder / "boxes" / "103.js").read_text()
    assert boxes.startswith('reportData("boxes-103",{"size":[300,200],"boxes":[[30.0,40.0,150.0')


def test_file_names_of_images_are_shown_as_they_are(tmp_path, monkeypatch):
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
    assert site.data("queries")["images"]["files"][3] == '<img src=x>"3.jpg'
    assert not any(page.tags["img"] for page in site.pages.values() if "src=x" in page.addresses)


def test_reasons_are_labels_with_evidence_and_links(tmp_path, monkeypatch):
    # The scores are transposed: caption queries have the ranks A.
    text = "There is no picture here to describe with a caption {}."
    arguments = make_inputs(tmp_path, scores_with_ranks(A).T, text=text)
    site = make_report(monkeypatch, arguments, *save_reasons(tmp_path, arguments, monkeypatch))
    [label] = [one for one in site.data("queries")["labels"] if one["name"] == "no visual content"]
    assert np.cumsum(label["queries"]).tolist() == [31, 32, 33, 34]
    [found] = site.part(0, 33)
    assert "no visual content" in [name for name, *_ in found["reasons"]]
    links = [a for a in site.pages["index.html"].addresses if "has=reason:no%20visual" in a]
    assert links
    assert all("a=model0" in link and "a_from=10" in link for link in links)


def test_no_hard_query_makes_an_honest_report(tmp_path, monkeypatch):
    arguments = make_inputs(tmp_path, np.eye(12, dtype=np.float32))
    site = make_report(monkeypatch, arguments, *save_reasons(tmp_path, arguments, monkeypatch))
    assert set(site.data("queries")["ranks"][0]) == {0}
    assert {label["kind"] for label in site.data("queries")["labels"]} == {"hub"}


@pytest.mark.long
def test_three_models_stand_side_by_side(tmp_path, monkeypatch):
    arguments = make_inputs(tmp_path, *(scores_with_ranks(ranks) for ranks in (A, B, A[::-1])))
    site = make_report(monkeypatch, arguments)
    assert len(site.part(0, 26)) == 3
    assert len(list((site.folder / "figures").glob("scatter_*.pdf"))) == 6


def test_the_same_inputs_make_the_same_files(two_models, monkeypatch):
    def files() -> dict[str, bytes]:
        folder = make_report(monkeypatch, two_models).folder
        return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    assert files() == files()


def test_the_size_is_told_before_it_is_written_and_is_about_right(
    two_models, monkeypatch, capsys, tmp_path
):
    options = save_features(tmp_path, two_models)
    site = make_report(monkeypatch, two_models, *options)
    printed = capsys.readouterr().out
    told = int(re.search(r"60 queries, 2 models, about (\d+) MB", printed)[1])
    sizes = [path.stat().st_size for path in site.folder.rglob("*") if path.is_file()]
    blocks = sum(-(-size // 4096) * 4096 for size in sizes)
    assert blocks / 1e6 < told < blocks / 1e6 + 3


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
    two_models, monkeypatch, run_main, tmp_path
):
    usage = namedtuple("usage", "total used free")(10**6, 0, 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    status = run_main(main, *two_models)
    assert_one_clear_line(status, "the report takes about", "found 1 MB free there", "make room")
    assert not (tmp_path / "report").exists()


def test_the_page_of_queries_says_that_it_needs_javascript(two_models, monkeypatch):
    assert "needs JavaScript" in make_report(monkeypatch, two_models).html["queries.html"]
