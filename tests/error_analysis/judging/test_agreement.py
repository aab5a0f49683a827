"""Each two judges on the queries that both judged."""

import pytest

from error_analysis.judging.agreement import agreement_table, agreement_to_json, compare_judges
from tests.error_analysis.judging.judged import caption, file_of, image, panel_of_files

# Both judged 1 to 10: typo both 4, Anna alone 1, Ben alone 2, neither 3.
ANNA = [1, 2, 3, 4, 5]
BEN = [1, 2, 3, 4, 6, 7]


def judge(name, typos, last, *more):
    given = [caption(n, "typo" if n in typos else "none") for n in range(1, last + 1)]
    return file_of(name, *given, *more)


def test_agreement_and_kappa_by_hand():
    panel = panel_of_files(judge("Anna", ANNA, 10), judge("Ben", BEN, 12, image(9, "none")))
    images, captions = compare_judges(panel)
    assert (images.direction, images.n_queries, images.tags) == ("i2t", 0, ())
    assert (captions.n_queries, captions.n_images) == (10, 10)
    typo, none = captions.tags
    assert (typo.n_first, typo.n_second, typo.n_both) == (5, 6, 4)
    assert typo.same.share == 0.7
    # By chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
    assert typo.kappa.kappa == pytest.approx(0.4)
    assert none.tag == "none"
    assert (captions.n_kappas, captions.mean_kappa) == (1, pytest.approx(0.4))


def test_a_tag_given_elsewhere_alone_has_no_kappa():
    panel = panel_of_files(judge("Anna", ANNA, 10, caption(50, "odd")), judge("Ben", BEN, 10))
    [pair] = agreement_to_json(compare_judges(panel))
    odd = next(tag for tag in pair["tags"] if tag["tag"] == "odd")
    assert odd["agreement"]["share"] == 1
    assert odd["kappa"] == {"kappa": None, "low": None, "high": None, "why": "neither gave it"}
    assert pair["tags_with_kappa"] == 1
    assert pair["judged_by_both"] == 10


def test_judges_who_always_say_the_same():
    every = range(1, 13)
    [pair] = compare_judges(panel_of_files(judge("a", every, 12), judge("b", every, 12)))
    assert pair.mean_kappa is None
    assert pair.tags[0].kappa.why == "both gave it to all"
    [pair] = compare_judges(panel_of_files(judge("a", BEN, 12), judge("b", BEN, 12)))
    assert pair.mean_kappa == 1
    assert pair.tags[0].kappa.low < 1


def test_no_overlap_is_said_and_one_judge_is_no_pair():
    a, b = file_of("a", caption(1, "typo")), file_of("b", caption(2, "typo"))
    [pair] = compare_judges(panel_of_files(a, b))
    assert (pair.n_queries, pair.tags, pair.mean_kappa) == (0, (), None)
    assert agreement_table([pair]) == "t2i: a and b: no query is judged by both"
    assert compare_judges(panel_of_files(a)) == []


def test_three_judges_are_three_pairs():
    files = [judge(name, ANNA, 10) for name in "abc"]
    pairs = compare_judges(panel_of_files(*files))
    assert [(p.first, p.second) for p in pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert "10 queries of 10 images judged by both, mean kappa 1.00" in agreement_table(pairs)
