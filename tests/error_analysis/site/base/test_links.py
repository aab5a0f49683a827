from urllib.parse import parse_qsl, urldefrag

import pytest

from error_analysis.site.base.links import (
    RankRange,
    label_key,
    model_slugs,
    queries_link,
    query_key,
    query_link,
)


def test_exactly_which_models_a_query_is_hard_for_is_a_list_of_them():
    assert queries_link(exactly=["clip", "c-c"]) == "queries.html#exactly=clip,c-c"
    assert queries_link(exactly=[]) == "queries.html#exactly=-"


def test_filters_are_read_back_from_an_address():
    link = queries_link(
        "t2i",
        "clip",
        "lxmert",
        RankRange(10, None),
        RankRange(None, 9.5),
        RankRange(-3, 10),
        [label_key("reason", "no visual content"), "taken for:dog → cat & co=#"],
        ["object:dog"],
        "difference",
    )
    page, fragment = urldefrag(link)
    assert page == "queries.html"
    assert parse_qsl(fragment) == [
        ("direction", "t2i"),
        ("a", "clip"),
        ("b", "lxmert"),
        ("a_from", "10"),
        ("b_to", "9.5"),
        ("diff_from", "-3"),
        ("diff_to", "10"),
        ("has", "reason:no visual content"),
        ("has", "taken for:dog → cat & co=#"),
        ("not", "object:dog"),
        ("sort", "difference"),
    ]


def test_no_filter_is_all_queries():
    assert queries_link() == "queries.html#"


def test_a_large_rank_keeps_its_digits():
    assert "a_from=1234567&a_to=123456.75" in queries_link(ranks_a=RankRange(1234567, 123456.75))


def test_a_query_has_one_address_whatever_the_models():
    assert query_key("i2t", 103) == "i2t-103"
    assert query_link("t2i", 5003) == "queries.html#query=t2i-5003"


@pytest.mark.parametrize(
    ("names", "slugs"),
    [
        (["lxmert", "clip"], ["lxmert", "clip"]),
        (["CLIP B/32", "clip-b-32", "clip b_32"], ["clip-b-32", "clip-b-32-2", "clip-b-32-3"]),
        (["<script>", "../..", "図"], ["script", "x", "x-2"]),
    ],
)
def test_a_model_has_a_name_that_is_safe_in_an_address(names, slugs):
    assert model_slugs(names) == slugs
