from dataclasses import replace

import numpy as np
import pytest

from error_analysis.site.base.label_names import group_name
from error_analysis.site.sections.groups import MOST_GROUPS, find_groups
from error_analysis.slicing.slice_findings import Finding, by_question
from tests.error_analysis.scored import make_model, make_split, model_of_ranks, scores_with_ranks
from tests.error_analysis.site.sections.drawn import drawn, overview_of, text_of

FOUND = Finding(
    "hard", "i2t", "a", "", "words", "kitchen & bar", 8, 8, 25.0, 3.0, 10.0, 40.0, 9.5, 2.0, 30.5,
    0.001, 0.01,
)  # fmt: skip
OTHERS = [
    replace(FOUND, question="difference", second="b", inside=-12.5, odds_ratio=None),
    replace(FOUND, question="wins", first="b", second="a"),
]
GROUP = "has=group:kitchen%20%26%20bar%20%28words%29"


@pytest.fixture
def models():
    # Query 1 is won by b at a tied rank: below 10 is 9.9999.
    ranks = ([12, 20, 0] + [0] * 20, [0, 9.5, 0] + [0] * 20)
    return [model_of_ranks(of_model, name) for of_model, name in zip(ranks, "ab", strict=True)]


def links(html: str) -> list[str]:
    return [
        part.partition('"')[0].replace("&amp;", "&") for part in html.split("queries.html#")[1:]
    ]


def test_a_group_opens_its_queries_and_its_share_those_that_fail(models):
    slices = by_question([FOUND, *OTHERS]), 0.05
    assert links(drawn("groups", find_groups(slices, models, {}), models)) == [
        f"direction=i2t&a=a&{GROUP}",
        f"direction=i2t&a=a&a_from=10&{GROUP}",
        f"direction=i2t&a=a&b=b&{GROUP}&sort=difference",
        f"direction=i2t&a=a&b=b&{GROUP}&sort=difference",
        f"direction=i2t&a=a&b=b&b_to=9.9999&diff_from=10&{GROUP}&sort=difference",
    ]
    assert group_name("kitchen & bar", "words") == "kitchen & bar (words)"


def test_a_group_is_told_with_its_intervals(models):
    text = text_of(drawn("groups", find_groups((by_question([FOUND]), 0.05), models, {}), models))
    assert "a: hard queries, in percent of image queries: 1 group kitchen & bar" in text
    assert "words 8 25.0 10.0 to 40.0 3.0 9.5 2.0 to 30.5 0.01" in text


def test_only_the_surest_groups_of_a_question_are_shown(models):
    many = [replace(FOUND, group=f"word{i}") for i in range(MOST_GROUPS + 3)]
    html = drawn("groups", find_groups((by_question(many), 0.05), models, {}), models)
    assert f"{MOST_GROUPS + 3} groups, the surest {MOST_GROUPS} of them" in text_of(html)
    assert f"word{MOST_GROUPS - 1}" in html
    assert f"word{MOST_GROUPS}<" not in html


def test_that_nothing_was_found_is_said(models):
    html = drawn("groups", find_groups(({}, 0.05), models, {}), models)
    assert "No group of queries differs from all others at a false discovery rate of 0.05" in html
    assert find_groups(None, models, {}) is None


def test_shares_of_folds_are_no_link_as_ranks_are_of_the_whole_gallery():
    model = make_model(scores_with_ranks([12] + [0] * 20).astype(np.float32), make_split([1] * 21))
    model.rankings.metadata["protocol"] = "5fold"
    found = replace(FOUND, first="model")
    assert overview_of([model]).folds
    html = drawn("groups", find_groups((by_question([found]), 0.05), [model], {}), [model])
    assert links(html) == [f"direction=i2t&a=model&{GROUP}"]


def test_what_captions_alone_can_do_is_told_last(models):
    models[0].rankings.metadata["oracle"] = "TF-IDF"
    found = by_question([FOUND, replace(FOUND, first="b")])
    first, last = find_groups((found, 0.05), models, {}).rows
    assert first.startswith("b: hard")
    assert last.startswith("a: hard")
