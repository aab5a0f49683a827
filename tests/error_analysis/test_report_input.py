"""Input that error_analysis.report refuses before it writes anything."""

from pathlib import Path

import pytest

from error_analysis.report import main
from preprocess.base.files import read_json, write_json
from tests.conftest import assert_one_clear_line
from tests.error_analysis.report_folder import A, B, Site, make_inputs, save_reasons
from tests.error_analysis.scored import make_split, save_images, save_rankings, scores_with_ranks


@pytest.fixture
def two_models(tmp_path) -> list[str]:
    return make_inputs(tmp_path, scores_with_ranks(A), scores_with_ranks(B))


def test_reasons_of_other_rankings_are_refused_before_anything_is_written(
    tmp_path, monkeypatch, run_main
):
    arguments = make_inputs(tmp_path, scores_with_ranks(A), scores_with_ranks(B))
    only = [*arguments[:2], *arguments[3:]]
    options = save_reasons(tmp_path, only, monkeypatch)
    status = run_main(main, *arguments, *options)
    assert_one_clear_line(status, "reasons.json", "found those of other rankings (model0)")
    assert not (tmp_path / "report").exists()


def test_a_query_is_hard_where_its_reasons_say_so(tmp_path, monkeypatch, run_main):
    arguments = make_inputs(tmp_path, scores_with_ranks(A))
    options = save_reasons(tmp_path, arguments, monkeypatch)
    content = read_json(Path(options[1]), "")
    content["metadata"]["hard_rank"] = 5
    write_json(Path(options[1]), content)
    assert run_main(main, *arguments, *options) == 0
    folder = Path(arguments[-1])
    assert "hard when its rank is 5 or more" in (folder / "index.html").read_text("utf-8")
    assert Site(folder).data("queries")["hard_rank"] == 5


def test_images_of_another_split_are_refused_before_anything_is_written(two_models, run_main):
    images = Path(two_models[two_models.index("--images") + 1])
    (images.parent / "other").mkdir()
    save_images(images.parent / "other" / "images.h5", make_split([1] * 5))
    (images.parent / "other" / "images.h5").replace(images)
    assert_one_clear_line(run_main(main, *two_models), "image 105 is not in the file")
    assert not Path(two_models[-1]).exists()


def test_a_model_without_a_query_is_one_line(two_models, tmp_path, run_main):
    split = make_split([1] * 30)
    path = save_rankings(tmp_path / "less" / "test.npz", scores_with_ranks(A), split)
    fewer = split.first(29)
    save_rankings(path, scores_with_ranks(A[:-1]), fewer, split_sha256=split.sha256)
    arguments = [two_models[0], two_models[1], str(path), *two_models[3:]]
    status = run_main(main, *arguments)
    assert_one_clear_line(status, "less/test.npz", "another image_ids", "without image 129")


def test_rankings_given_as_a_cascade_are_refused_before_anything_is_written(two_models, run_main):
    status = run_main(main, *two_models, "--cascades", two_models[1])
    assert_one_clear_line(status, "model0/test.npz: expected the .npz of a cascade, found rankings")
    assert not Path(two_models[-1]).exists()


@pytest.mark.parametrize("value", [0, -1, 31])
def test_pictures_too_small_to_see_are_one_line(two_models, run_main, value):
    status = run_main(main, *two_models, "--longest_side", value)
    assert_one_clear_line(status, f"--longest_side: expected at least 32, found {value}")
    assert not Path(two_models[-1]).exists()
