import numpy as np
import pytest

from error_analysis.plots import rank_edges, rank_histogram, rank_shares
from information_retrieval.metrics import recall_at_k
from tests.error_analysis.scored import model_of_ranks

RANKS = [0, 0.5, 1, 4, 5, 9.5, 10, 11, 3, 2, 0, 6]


def test_bins_begin_with_the_cutoffs_and_reach_above_the_last_rank():
    assert rank_edges(1) == [0, 1, 5, 10]
    assert rank_edges(1000) == [0, 1, 5, 10, 20, 50, 100, 200, 500, 1000]
    assert rank_edges(1001)[-1] == 2000


def test_the_first_bins_add_up_to_the_recalls():
    ranks = np.array(RANKS)
    shares = rank_shares(ranks, rank_edges(12))
    assert shares.sum() == pytest.approx(100)
    recalls = [recall_at_k(ranks, k) for k in (1, 5, 10)]
    assert np.cumsum(shares)[:3].tolist() == pytest.approx(recalls)


def test_a_histogram_has_a_bar_for_each_model_and_bin():
    models = [model_of_ranks(RANKS, "a"), model_of_ranks(RANKS[::-1], "b")]
    [axes] = rank_histogram(models, "i2t").axes
    heights = [[bar.get_height() for bar in bars] for bars in axes.containers]
    assert heights == [rank_shares(np.array(RANKS), rank_edges(12)).tolist()] * 2


@pytest.mark.parametrize("name", ["_hidden", "$x$", "50 % <b>", "a\\b"])
def test_any_name_stands_in_the_legend_as_it_is(name):
    figure = rank_histogram([model_of_ranks(RANKS, name)], "t2i")
    figure.draw_without_rendering()
    [text] = figure.legends[0].get_texts()
    assert text.get_text() == name
    assert not text.get_parse_math()
