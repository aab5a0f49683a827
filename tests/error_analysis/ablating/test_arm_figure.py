"""The figure of an ablation."""

from dataclasses import replace

import pytest
from PIL import Image

from error_analysis.ablating.arm_figure import ablation_figure, write_ablation_figure
from error_analysis.ablating.published_arms import published_arms
from tests.error_analysis.ablating.small_arms import GOOD, POOR, compared_arms

ARMS = {"itc": GOOD, "none": POOR}


@pytest.fixture
def compared(tmp_path):
    return compared_arms(tmp_path, ARMS)


def legend_of(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_each_gallery_has_a_panel_with_a_bar_a_recall_and_arm(compared):
    figure = ablation_figure([compared, compared], [None, None])
    assert len(figure.axes) == 2
    heights = [patch.get_height() for patch in figure.axes[0].patches]
    assert len(heights) == 12
    assert heights[0] == 62.5
    assert heights[6] == 37.5
    assert legend_of(figure) == ["itc", "none", "a seed"]


def test_each_seed_is_a_dot_on_its_arms_bars(compared):
    [axes] = ablation_figure([compared], [None]).axes
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [line.get_ydata()[0] for line in dots] == [75, 50, 25, 50]
    for line, bar in zip(dots, [axes.patches[i] for i in (0, 0, 6, 6)], strict=True):
        assert bar.get_x() < line.get_xdata()[0] < bar.get_x() + bar.get_width()


def test_published_values_are_drawn_only_of_the_benchmark_itself(compared):
    published = published_arms(compared.gallery)
    assert "published" not in legend_of(ablation_figure([compared], [published]))
    figure = ablation_figure([compared], [replace(published, why_not=None)])
    assert legend_of(figure)[-1] == "published"
    heights = {line.get_segments()[0][0][1] for line in figure.axes[0].collections}
    assert {53.38, 33.52} <= heights


def test_of_one_seed_no_dots_are_drawn(tmp_path):
    one = compared_arms(tmp_path, {"itc": GOOD[:1], "none": POOR[:1]})
    assert legend_of(ablation_figure([one], [None])) == ["itc", "none"]


def test_the_picture_is_1200_pixels_wide_and_no_words_overlap(tmp_path, compared):
    figure = ablation_figure([compared, compared], [None, None])
    path = tmp_path / "ablation.png"
    write_ablation_figure(path, figure)
    with Image.open(path) as picture:
        assert picture.size[0] == 1200
    figure.draw_without_rendering()
    texts = [t for axes in figure.axes for t in (axes.title, axes._left_title)]
    texts += [t for axes in figure.axes for t in axes.get_xticklabels()]
    texts += figure.legends[0].get_texts()
    boxes = [text.get_window_extent() for text in texts if text.get_text().strip()]
    assert len(boxes) > 15
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])


def test_names_with_a_dollar_are_no_formula(tmp_path):
    arms = {"_a$b$": GOOD, "c": POOR}
    assert legend_of(ablation_figure([compared_arms(tmp_path, arms)], [None]))[0] == "_a$b$"
