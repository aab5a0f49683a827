"""The picture of images, captions and their lines."""

import numpy as np
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import same_color

from error_analysis.statistics.joint_tsne import PairPoints
from error_analysis.statistics.pair_figure import (
    HARD_COLOR,
    LINE_COLOR,
    HardCaptions,
    pair_figure,
    pair_lines,
)

IMAGES = np.array([[0.0, 0.0], [10.0, 0.0]])
CAPTIONS = np.array([[0.0, 1.0], [10.0, 1.0], [5.0, 5.0]])
PICTURE = PairPoints(IMAGES, CAPTIONS, np.array([0, 1, 0]))


def lines_by_color(figure) -> dict[str, list]:
    drawn = [c for c in figure.axes[0].collections if isinstance(c, LineCollection)]
    return {
        color: [
            segment.tolist()
            for collection in drawn
            if same_color(collection.get_colors()[0], color)
            for segment in collection.get_segments()
        ]
        for color in (LINE_COLOR, HARD_COLOR)
    }


def test_a_line_joins_each_caption_with_its_own_image():
    expected = [[[0, 0], [0, 1]], [[10, 0], [10, 1]], [[0, 0], [5, 5]]]
    assert pair_lines(PICTURE).tolist() == expected
    lines = lines_by_color(pair_figure(PICTURE, "", []))
    assert lines == {LINE_COLOR: expected, HARD_COLOR: []}


def test_lines_of_hard_captions_are_dark_and_counted_in_the_legend():
    hard = HardCaptions(np.array([3.0, 9.5, 10.0]), 10, "$lxmert$")
    figure = pair_figure(PICTURE, "a title of $5", ["a note on $5"], hard)
    lines = lines_by_color(figure)
    assert lines[HARD_COLOR] == [[[0, 0], [5, 5]]]
    assert len(lines[LINE_COLOR]) == 2
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["image", "caption", "a pair", "hard: rank 10 or more by $lxmert$ (1 of 3)"]
    figure.canvas.draw()  # a "$" is no formula


def test_images_and_captions_differ_in_marker_and_colour_and_lie_where_they_are_placed():
    axes = pair_figure(PICTURE, "title", ["first", "second"]).axes[0]
    images, captions = [c for c in axes.collections if isinstance(c, PathCollection)]
    assert np.array_equal(images.get_offsets(), IMAGES)
    assert np.array_equal(captions.get_offsets(), CAPTIONS)
    assert not same_color(images.get_facecolor()[0], captions.get_facecolor()[0])
    assert len(images.get_paths()[0]) != len(captions.get_paths()[0])
    assert axes.get_title() == "title"
    assert axes.get_xlabel() == "first\nsecond"


def test_of_many_the_points_are_smaller():
    generator = np.random.default_rng(0)
    many = PairPoints(*generator.normal(size=(2, 1000, 2)), np.arange(1000))
    few_size, many_size = (
        pair_figure(picture, "", []).axes[0].collections[-1].get_sizes()[0]
        for picture in (PICTURE, many)
    )
    assert many_size < few_size
