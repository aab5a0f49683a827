"""The folder of a report is written as a whole, and is nobody else's."""

import json
import os
from pathlib import Path

import pytest

from error_analysis.report import main
from tests.conftest import assert_one_clear_line
from tests.error_analysis.report_folder import A, B, Site, make_inputs, make_report
from tests.error_analysis.scored import scores_with_ranks


@pytest.fixture
def two_models(tmp_path) -> list[str]:
    return make_inputs(tmp_path, scores_with_ranks(A), scores_with_ranks(B))


def test_the_name_of_a_page_is_refused_with_the_name_to_give(two_models, run_main):
    status = run_main(main, *two_models[:-1], f"{two_models[-1]}.html")
    assert_one_clear_line(status, "report.html: the report is a folder", "leave out the .html")


@pytest.mark.parametrize("marker", [None, "{}", '{"made_by": "other", "files": ["notes.txt"]}'])
def test_a_folder_that_is_no_report_is_refused(two_models, run_main, marker):
    folder = Path(two_models[-1])
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    if marker:
        (folder / "report.json").write_text(marker)
    status = run_main(main, *two_models)
    assert_one_clear_line(status, "expected an earlier report or an empty folder, found")
    assert (folder / "notes.txt").read_text() == "mine"


@pytest.mark.long
def test_a_report_goes_where_a_link_points_and_the_link_stays(two_models, run_main, tmp_path):
    (tmp_path / "scratch").mkdir()
    Path(two_models[-1]).symlink_to(tmp_path / "scratch" / "report")
    for _ in range(2):
        assert run_main(main, *two_models) == 0
        assert Path(two_models[-1]).is_symlink()
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == ["report"]
    assert (tmp_path / "scratch" / "report" / "index.html").exists()


def test_a_report_is_replaced_as_a_whole(tmp_path, monkeypatch):
    arguments = make_inputs(tmp_path, scores_with_ranks(A), scores_with_ranks(B))
    make_report(monkeypatch, arguments)
    site = make_report(monkeypatch, [*arguments[:2], *arguments[3:]])
    assert [model["name"] for model in site.data("queries")["models"]] == ["model0"]
    assert {path.name for path in tmp_path.iterdir()} == {
        "report", "test.json", "test_images.h5", "source_images", "model0", "model1"
    }  # fmt: skip
    listed = json.loads((site.folder / "report.json").read_text())["files"]
    files = (path.relative_to(site.folder) for path in site.folder.rglob("*") if path.is_file())
    assert set(listed) == {path.as_posix() for path in files}


@pytest.mark.parametrize("name", ["notes.txt", "data/judgements_Anna.json"])
def test_a_report_with_a_file_of_the_user_is_kept(two_models, monkeypatch, run_main, name):
    site = make_report(monkeypatch, two_models)
    (site.folder / name).write_text("mine")
    assert_one_clear_line(run_main(main, *two_models), f"found {name}, which no report has")
    assert (site.folder / name).exists()


def test_a_report_whose_marker_lists_folders_is_replaced(two_models, monkeypatch, run_main):
    site = make_report(monkeypatch, two_models)
    marker = json.loads((site.folder / "report.json").read_text())
    listed = marker | {"files": os.listdir(site.folder)}
    (site.folder / "report.json").write_text(json.dumps(listed))
    assert run_main(main, *two_models) == 0


@pytest.mark.long
def test_a_report_that_fails_leaves_the_earlier_one(two_models, monkeypatch, run_main):
    site = make_report(monkeypatch, two_models)
    before = sorted(path.name for path in site.folder.rglob("*"))

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("error_analysis.site.writing.write_pictures", fail)
    status = run_main(main, *two_models)
    assert_one_clear_line(status, "cannot be written (No space left on device); make room")
    assert sorted(path.name for path in site.folder.rglob("*")) == before
    assert not [path for path in site.folder.parent.iterdir() if path.name.startswith(".")]


def test_a_report_set_aside_by_a_killed_run_is_put_back(two_models, monkeypatch, run_main):
    site = make_report(monkeypatch, two_models)
    site.folder.rename(site.folder.with_name(".report.old"))
    site.folder.with_name(".report.partial").mkdir()
    monkeypatch.setattr("error_analysis.report.write_report", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_main(main, *two_models)
    assert Site(site.folder).pages.keys() == site.pages.keys()
    assert not [path for path in site.folder.parent.iterdir() if path.name.startswith(".")]
