from error_analysis.site.comparing.overlap import find_overlap
from tests.error_analysis.report_folder import A, B
from tests.error_analysis.scored import model_of_ranks
from tests.error_analysis.site.sections.drawn import counts_of, drawn, queries_behind, text_of

C = [11, 10.5, 9.5, 0, 9] + [0] * 25


def models_of(*ranks):
    return [model_of_ranks(one, name) for one, name in zip(ranks, "abcdef", strict=False)]


def test_of_two_models_every_combination_has_a_row():
    models = models_of(A, B)
    overlap = find_overlap(models, 10)
    assert {one.models: one.queries["i2t"] for one in overlap.combinations} == {
        ("a", "b"): 2, ("a",): 2, ("b",): 1, (): 25,
    }  # fmt: skip
    assert overlap.combinations[-1].models == ()
    assert (overlap.upsets, overlap.alone) == ((), None)
    html = drawn("overlap", overlap, models)
    assert "upset" not in html
    assert all(len(queries_behind(f, models)) == n for f, n in counts_of(html))


def test_of_more_models_a_figure_takes_the_place_of_the_rows():
    overlap = find_overlap(models_of(A, B, C), 10)
    assert overlap.combinations == ()
    assert [upset.direction for upset in overlap.upsets] == ["i2t", "t2i"]
    assert overlap.jaccard_of("a", "b", "i2t") == overlap.jaccard_of("b", "a", "i2t") == 2 / 5
    assert overlap.jaccard_of("a", "a", "i2t") is None


def test_of_six_models_every_count_leads_to_its_queries():
    models = models_of(A, B, C, A[::-1], [0] * 30, B[::-1])
    html = drawn("overlap", find_overlap(models, 10), models)
    counts = counts_of(html)
    assert len(counts) > 15
    assert {f: n for f, n in counts if len(queries_behind(f, models)) != n} == {}
    assert "all 6 together" in text_of(html)


def test_one_model_overlaps_with_none():
    assert find_overlap(models_of(A), 10) is None
