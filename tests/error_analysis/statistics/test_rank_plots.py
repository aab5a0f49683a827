import numpy as np
import pytest

from error_analysis.statistics.rank_plots import (
    cell_edges,
    rank_counts,
    rank_edges,
    rank_histogram,
    rank_scatter,
)
from information_retrieval.ranking.metrics import recall_at_k
from tests.error_analysis.scored import model_of_ranks, untied

RANKS = [0, 0.5, 1, 4, 5, 9.5, 10, 11, 3, 2, 0, 6]


def test_bins_begin_with_the_cutoffs_and_reach_above_the_last_rank():
    assert rank_edges(1) == [0, 1, 5, 10]
    assert rank_edges(1000) == [0, 1, 5, 10, 20, 50, 100, 200, 500, 1000]
    assert rank_edges(1001)[-1] == 2000


def test_the_first_bins_add_up_to_the_recalls():
    ranks = np.floor(RANKS)
    counts = rank_counts(ranks, rank_edges(12))
    assert counts.sum() == len(RANKS)
    recalls = [recall_at_k(untied(ranks), k) for k in (1, 5, 10)]
    assert (100 * np.cumsum(counts)[:3] / len(RANKS)).tolist() == pytest.approx(recalls)


def bars_of(figure) -> list[list[tuple[float, float]]]:
    [axes] = figure.axes
    return [[(bar.get_y(), bar.get_height()) for bar in bars] for bars in axes.containers]


def test_a_bar_reaches_up_to_its_count_and_one_query_is_seen_beside_thousands():
    ranks = [0] * 199 + [150]
    figure = rank_histogram([model_of_ranks(ranks, "a")], "i2t")
    [bars] = bars_of(figure)
    tops = [bottom + height if height else 0 for bottom, height in bars]
    assert tops == [199, 0, 0, 0, 0, 0, 1]
    drawn = figure.axes[0].transData.transform([(0, bottom + height) for bottom, height in bars])
    bottom = figure.axes[0].transData.transform((0, bars[-1][0]))[1]
    assert drawn[-1, 1] - bottom > 0.08 * (drawn[0, 1] - bottom)


def test_the_counts_stand_on_the_bars():
    figure = rank_histogram([model_of_ranks(RANKS, "a")], "i2t")
    counts = rank_counts(np.array(RANKS), rank_edges(12)).tolist()
    assert [text.get_text() for text in figure.axes[0].texts] == [
        str(n) if n else "" for n in counts
    ]


@pytest.mark.parametrize("name", ["_hidden", "$x$", "50 % <b>", "a\\b"])
def test_any_name_stands_in_the_figures_as_it_is(name):
    figure = rank_histogram([model_of_ranks(RANKS, name)], "t2i")
    figure.draw_without_rendering()
    [text] = figure.legends[0].get_texts()
    assert text.get_text() == name
    assert not text.get_parse_math()
    scatter = rank_scatter(model_of_ranks(RANKS, name), model_of_ranks(RANKS, "b"), "i2t")
    scatter.draw_without_rendering()
    label = scatter.axes[0].xaxis.label
    assert name in label.get_text()
    assert not label.get_parse_math()


def cells_of(figure) -> tuple[np.ndarray, np.ndarray]:
    """Two corners of each drawn cell in rank + 1, (n, 2, 2): the least, the greatest; counts."""
    [cells] = [c for c in figure.axes[0].collections if c.get_array() is not None]
    vertices = [path.vertices for path in cells.get_paths()]
    corners = np.array([(v.min(axis=0), v.max(axis=0)) for v in vertices])
    return corners, np.asarray(cells.get_array())


def test_the_scatter_plot_counts_every_query_once_where_its_ranks_are():
    other = RANKS[::-1]
    figure = rank_scatter(model_of_ranks(RANKS, "a"), model_of_ranks(other, "b"), "i2t")
    corners, counts = cells_of(figure)
    assert counts.sum() == len(RANKS)
    # Half a rank is in the cell of the rank below, as in the histogram.
    places = np.floor(list(zip(RANKS, other, strict=True))) + 1
    for (low, high), count in zip(corners, counts, strict=True):
        inside = np.all((places > low) & (places < high), axis=1)
        assert inside.sum() == count


def test_on_the_logarithmic_axis_no_stripe_between_cells_is_empty():
    # Each pair of two ranks of 0 to 29 occurs.
    first, second = np.divmod(np.arange(900.0), 30)
    figure = rank_scatter(model_of_ranks(first, "a"), model_of_ranks(second, "b"), "i2t")
    corners, _ = cells_of(figure)
    axes = figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    sides = np.unique(corners[:, :, 0], axis=0)  # from left to right
    assert sides[1:, 0].tolist() == sides[:-1, 1].tolist()
    assert (sides[0, 0], sides[-1, 1]) == axes.get_xlim()
    assert len(corners) == len(sides) ** 2
    assert np.prod(np.diff(corners, axis=1)[:, 0], axis=1).sum() == pytest.approx(
        (sides[-1, 1] - sides[0, 0]) ** 2
    )


def test_the_cells_are_whole_ranks_and_nearly_even_on_a_logarithmic_axis():
    edges = cell_edges(24_999)
    assert edges[:9].tolist() == [0, 1, 2, 3, 4, 5, 7, 10, 14]
    widths = np.diff(np.log10(edges[5:] + 0.5))
    assert widths.min() > 0.09
    assert widths.max() < 0.15


@pytest.mark.parametrize("largest", [0, 0.5, 1, 9.5, 10, 999, 24_999])
def test_every_rank_has_a_cell(largest):
    edges = cell_edges(largest)
    assert edges[0] == 0
    assert edges[-2] <= largest < edges[-1]


@pytest.mark.parametrize(("n_queries", "ticks"), [(7, [1, 2, 5]), (200, [1, 10, 100])])
def test_few_queries_have_ticks_between_the_powers_of_ten(n_queries, ticks):
    figure = rank_histogram([model_of_ranks([0] * n_queries, "a")], "i2t")
    assert figure.axes[0].get_yticks().tolist() == ticks


def test_a_legend_of_many_long_names_stays_within_the_figure():
    models = [model_of_ranks([0, 3, 12], f"a_model_of_a_long_name_{i}") for i in range(10)]
    figure = rank_histogram(models, "i2t")
    figure.draw_without_rendering()
    [legend] = figure.legends
    box = legend.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    assert 0 <= box.y0 < box.y1 <= figure.bbox.height
    assert figure.axes[0].get_window_extent().height > 150  # pixels
