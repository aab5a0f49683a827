"""The first page as a whole."""

import re
from itertools import pairwise

import numpy as np
import pytest

from error_analysis.site.base.environment import template_environment
from error_analysis.site.figures import rank_figures
from error_analysis.site.overview import render_overview
from error_analysis.site.sections.difficulty import Difficulty
from error_analysis.site.sections.findings import Findings
from error_analysis.site.sections.probes import Probes
from error_analysis.statistics.cascades import read_cascades
from tests.error_analysis.page import Page
from tests.error_analysis.report_folder import A, B
from tests.error_analysis.scored import make_model, make_split, model_of_ranks, scores_with_ranks
from tests.error_analysis.site.sections.drawn import counts_of, overview_of, queries_behind, text_of
from tests.information_retrieval.combining.saved_cascade import save_cascade


def page_of(models, **known) -> str:
    return render_overview(template_environment(), overview_of(models, **known))


@pytest.fixture
def models():
    return [model_of_ranks(A, "a"), model_of_ranks(B, "b"), model_of_ranks(A[::-1], "C & c")]


def test_the_trail_lists_the_sections_after_the_link_to_all_queries(models):
    page = page_of(models)
    links = [href for href in Page(page).addresses if not href.startswith("assets/")]
    assert links[:7] == [
        "#content", "queries.html", "#metrics", "#differences", "#failures", "#ranks", "#hubs",
    ]  # fmt: skip
    assert set(re.findall(r'<h2 id="(\w+)">', page)) == {href[1:] for href in links[2:8]}


def test_every_count_leads_to_as_many_queries(models):
    counts = counts_of(page_of(models))
    assert len(counts) > 90
    assert {f: n for f, n in counts if len(queries_behind(f, models)) != n} == {}


def test_what_was_not_given_is_said_at_the_end_with_its_command(models):
    text = text_of(page_of(models))
    told = text.partition("Not given to this report: ")[2]
    for command in ("explain", "slices", "comparison --noise", "false_negatives", "difficulty"):
        assert f"python -m error_analysis.{command})" in told
    given = Findings(difficulty=Difficulty({}, 10), probes=Probes((), ()))
    text = text_of(page_of(models, findings=given))
    assert "error_analysis.difficulty" not in text.partition("Not given to this report: ")[2]
    assert "10 or more) be told from the query alone?" in text


def test_one_model_has_nothing_to_compare(models):
    page = Page(page_of(models[:1]))
    assert {"metrics", "failures", "hubs"} <= set(page.ids)
    assert not {"differences", "ranks"} & set(page.ids)
    assert "Where a fails" in page.text
    assert "comparison" not in page.text


def test_the_page_asks_for_no_script_and_nothing_from_elsewhere(models):
    page = page_of(models)
    assert "<script" not in page
    assert not [address for address in Page(page).addresses if ":" in address.partition("#")[0]]


def test_headings_descend_one_by_one_and_ids_are_unique(models):
    page = page_of(models)
    levels = [int(level) for level in re.findall(r"<h(\d)", page)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = Page(page).ids
    assert len(ids) == len(set(ids))


def test_every_header_has_a_scope_and_text(models):
    page = page_of(models)
    assert not re.findall(r"<th(?![^>]*scope=)", page.replace("<thead", ""))
    assert not re.findall(r"<th[^>]*>\s*</th>", page)
    assert re.findall(r'tabindex="0" role="region" aria-labelledby="\w', page)


def test_cascades_stand_below_the_metrics_and_only_where_given(models, tmp_path):
    assert "cascades" not in Page(page_of(models)).ids
    path, gallery = tmp_path / "quick & <b>" / "test.npz", models[0].gallery
    scores = [model.rankings.scores for model in models]
    save_cascade(path, scores[0], scores[1], gallery, 5)
    page = page_of(models, findings=Findings(cascades=read_cascades([path], models[0])))
    assert re.findall(r'<h2 id="(\w+)">', page)[:3] == ["metrics", "cascades", "differences"]
    text = text_of(page)
    assert "quick & <b> first the first, then the second 5 " in text
    assert "Ranks beyond these are not known, so cascades are not in the other sections." in text
    [row] = re.findall(r"<tr><th[^>]*>quick &amp; &lt;b&gt;.*?</tr>", page, re.DOTALL)
    assert row.count('<td data-label="R@10, images">–</td>') == 1
    assert row.count(">–<") == 2  # R@10 of either direction
    assert row.count("<td") == 10


def test_hostile_captions_and_names_are_text():
    split = make_split([1] * 12, "</a><script>alert({})</script>")
    page = page_of([make_model(np.eye(12, dtype=np.float32)[::-1].copy(), split, "<script>")])
    assert "<script>" not in page
    assert "&lt;/a&gt;&lt;script&gt;" in page


def test_an_oracle_and_folds_are_told_for_what_they_are(models):
    split = make_split([1] * 30)
    oracle = make_model(scores_with_ranks(A), split, "oracle")
    oracle.rankings.metadata["oracle"] = "TF-IDF"
    text = text_of(page_of([oracle]))
    assert "oracle is what captions alone can do" in text
    assert "Under the protocol 5fold" not in text


def test_figures_of_pairs_are_files_and_only_the_others_are_drawn_on_the_page(models):
    page = page_of(models)
    for figure in rank_figures(models):
        assert (f'src="figures/{figure.name}.svg"' in page) == (figure.pair is None)
        assert f'href="figures/{figure.name}.pdf"' in page
