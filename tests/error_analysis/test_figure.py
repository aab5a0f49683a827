"""The figure of hard caption queries."""

import matplotlib.image
import pytest

from error_analysis.explaining.explanations import ExplainedQuery
from error_analysis.figure import hard_caption_figure, main, varied_first
from error_analysis.queries.query import describe_queries
from error_analysis.reasons.reason import Reason
from preprocess.captions.split_file import write_split
from preprocess.storage.images_file import ImagesFile
from tests.conftest import assert_one_clear_line, named
from tests.error_analysis.report_folder import save_reasons
from tests.error_analysis.scored import (
    make_model,
    make_split,
    save_images,
    save_rankings,
    scores_with_ranks,
)
from tests.error_analysis.small_folds import folds_split, save_folds


@pytest.fixture
def files(tmp_path):
    """Fifteen captions of which two are hard, at ranks 12 and 10; arguments of the command."""
    split = make_split([1] * 15, text="caption {} for 5$ and 6$")
    write_split(tmp_path / "test.json", split)
    scores = scores_with_ranks([0] * 5 + [12, 10] + [0] * 8).T
    save_rankings(tmp_path / "r.npz", scores, split)
    save_images(tmp_path / "i.h5", split)
    arguments = ["--rankings", tmp_path / "r.npz", "--split_file", tmp_path / "test.json"]
    return split, scores, [*arguments, "--images", tmp_path / "i.h5"]


def test_a_row_has_the_caption_its_image_and_the_images_retrieved(files, tmp_path):
    split, scores, _ = files
    queries = describe_queries(make_model(scores, split), "t2i", [5, 6], n_retrieved=3)
    figure = hard_caption_figure(queries, ImagesFile(tmp_path / "i.h5"))
    assert [row.get_suptitle() for row in figure.subfigs] == [split.captions[5], split.captions[6]]
    labels = [axes.get_xlabel() for axes in figure.subfigs[0].axes]
    assert labels == ["rank 12", "retrieved 0", "retrieved 1", "retrieved 2"]


def test_the_command_draws_the_hard_captions(files, tmp_path, run_main, capsys):
    *_, arguments = files
    assert run_main(main, *arguments, "--output", tmp_path / "f.png") == 0
    assert matplotlib.image.imread(tmp_path / "f.png").shape[2] == 4
    assert "2 hard caption queries" in capsys.readouterr().out


def test_folds_are_told_to_be_taken_as_one_gallery(tmp_path, run_main, capsys):
    [rankings] = save_folds(tmp_path, "a")
    images = save_images(tmp_path / "i.h5", folds_split(2))
    arguments = ["--rankings", rankings, "--split_file", tmp_path / "test.json"]
    arguments += ["--images", images, "--output", tmp_path / "f.png"]
    assert run_main(main, *arguments) == 0
    assert "ranks are those in the one gallery of all 60 images" in capsys.readouterr().out


def test_nothing_hard_and_a_strange_format_are_one_line_each(files, tmp_path, run_main):
    split, _, arguments = files
    status = run_main(main, *arguments, "--output", tmp_path / "f.doc")
    assert_one_clear_line(status, "f.doc", ".png, .pdf, .svg")
    save_rankings(tmp_path / "r.npz", scores_with_ranks([0] * 15), split)
    status = run_main(main, *arguments, "--output", tmp_path / "f.png")
    assert_one_clear_line(status, "r.npz", "no caption query is hard")
    assert not (tmp_path / "f.png").exists()


@pytest.mark.parametrize("option", ["--n_queries", "--n_retrieved"])
@pytest.mark.parametrize("value", [0, -1])
def test_fewer_than_one_row_or_column_is_one_line(files, tmp_path, run_main, option, value):
    *_, arguments = files
    status = run_main(main, *arguments, "--output", tmp_path / "f.png", option, value)
    assert_one_clear_line(status, f"{option}: expected at least 1, found {value}")
    assert not (tmp_path / "f.png").exists()


def test_of_each_reason_the_worst_query_comes_before_a_second_one():
    def query(caption_id: int, *names: str) -> ExplainedQuery:
        reasons = tuple(Reason(name, "") for name in names)
        return ExplainedQuery(0, caption_id, 100 - caption_id, reasons)

    queries = [query(1, "typo"), query(2, "typo"), query(3), query(4, "typo", "vague")]
    assert varied_first(queries, 2) == [1, 4]
    assert varied_first(queries, 3) == [1, 2, 4]


def test_the_reasons_file_chooses_the_captions(files, tmp_path, run_main, monkeypatch, capsys):
    *_, arguments = files
    options = save_reasons(tmp_path, [*map(str, arguments)], monkeypatch)
    status = run_main(main, *arguments, *options, "--output", tmp_path / "f.png")
    assert status == 0
    assert "2 hard caption queries" in capsys.readouterr().out


def test_images_of_another_split_by_the_same_ids_are_refused(tmp_path, run_main):
    split = named(make_split([1] * 15), "test")
    write_split(tmp_path / "test.json", split)
    save_rankings(tmp_path / "r.npz", scores_with_ranks([0] * 5 + [12, 10] + [0] * 8).T, split)
    save_images(tmp_path / "train.h5", named(make_split([1] * 16), "train"))
    arguments = ["--rankings", tmp_path / "r.npz", "--split_file", tmp_path / "test.json"]
    arguments += ["--images", tmp_path / "train.h5", "--output", tmp_path / "f.png"]
    assert_one_clear_line(run_main(main, *arguments), "train.h5", "image 1 is 'train_0'")
