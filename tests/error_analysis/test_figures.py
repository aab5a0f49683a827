from PIL import Image

from error_analysis.figures import main
from tests.conftest import assert_one_clear_line
from tests.error_analysis.report_folder import A, B, make_inputs
from tests.error_analysis.scored import scores_with_ranks


def arguments_of(folder, *scores) -> list[str]:
    arguments = make_inputs(folder, *scores)
    return [*arguments[: arguments.index("--images")], "--output_dir", str(folder / "figures")]


def test_the_figures_are_written_as_png_and_pdf(tmp_path, run_main):
    arguments = arguments_of(tmp_path, scores_with_ranks(A), scores_with_ranks(B))
    assert run_main(main, *arguments) == 0
    names = [f"{name}_{d}" for name in ("ranks", "scatter_model0_model1") for d in ("i2t", "t2i")]
    written = {path.name for path in (tmp_path / "figures").iterdir()}
    assert written == {f"{name}.{ending}" for name in names for ending in ("png", "pdf")}
    for name in names:
        with Image.open(tmp_path / "figures" / f"{name}.png") as picture:
            assert min(picture.size) > 600
        assert (tmp_path / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_the_same_rankings_give_the_same_files(tmp_path, run_main):
    arguments = arguments_of(tmp_path, scores_with_ranks(A))

    def files() -> dict[str, bytes]:
        assert run_main(main, *arguments) == 0
        return {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}

    assert files() == files()


def test_one_model_has_histograms_only(tmp_path, run_main):
    assert run_main(main, *arguments_of(tmp_path, scores_with_ranks(A))) == 0
    assert not list((tmp_path / "figures").glob("scatter*"))


def test_a_file_in_place_of_the_folder_is_one_line(tmp_path, run_main):
    (tmp_path / "figures").write_text("mine")
    status = run_main(main, *arguments_of(tmp_path, scores_with_ranks(A)))
    assert_one_clear_line(status, "figures/ranks_i2t.png: cannot be written")
