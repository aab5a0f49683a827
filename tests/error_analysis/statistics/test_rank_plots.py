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


def test_the_scatter_plot_counts_every_query_once_where_its_ranks_are():
    other = RANKS[::-1]
    figure = rank_scatter(model_of_ranks(RANKS, "a"), model_of_ranks(other, "b"), "i2t")
    [points] = [c for c in figure.axes[0].collections if len(c.get_offsets()) > 1]
    counts = points.get_array()
    assert counts.sum() == len(RANKS)
    edges = cell_edges(max(RANKS))

    def cell(rank: float) -> int:
        return int(np.searchsorted(edges, rank + 1, side="right"))

    cells = {(cell(a), cell(b)) for a, b in zip(RANKS, other, strict=True)}
    drawn = {
        (int(np.searchsorted(edges, x)), int(np.searchsorted(edges, y)))
        for x, y in points.get_offsets()
    }
    assert drawn == cells


@pytest.mark.parametrize("largest", [0, 1, 24_999])
def test_every_rank_has_a_cell(largest):
    edges = cell_edges(largest)
    assert edges[0] < 1
    assert largest + 1 < edges[-1]


@pytest.mark.parametrize(("n_queries", "ticks"), [(7, [1, 2, 5]), (200, [1, 10, 100])])
def test_few_queries_have_ticks_between_the_powers_of_ten(n_queries, ticks):
    figure = rank_histogram([model_of_ranks([0] * n_queries, "a")], "i2t")
    assert figure.axes[0].get_yticks().tolist() == ticks
